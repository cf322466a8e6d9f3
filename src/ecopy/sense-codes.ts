/**
 * The sense codes that arrayfs answers (names from SPC-2 to SPC-4), each with the operating error that
 * stands for it where the same thing is asked through a file. EXTENDED COPY answers key 05h until
 * the first segment is processed and COPY ABORTED from then on.
 */
import type { ErrorCode } from '../base/errors.js';

const ILLEGAL_REQUEST = 0x05;
export const COPY_ABORTED = 0x0a;

export interface SenseCode {
  readonly key: number;
  readonly asc: number;
  readonly ascq: number;
  readonly text: string;
  readonly errorCode: ErrorCode;
}

function illegal(asc: number, ascq: number, name: string, errorCode: ErrorCode = 'EINVAL') {
  return { key: ILLEGAL_REQUEST, asc, ascq, text: `ILLEGAL REQUEST: ${name}`, errorCode };
}

function aborted(asc: number, ascq: number, name: string, errorCode: ErrorCode = 'EIO') {
  return { key: COPY_ABORTED, asc, ascq, text: `COPY ABORTED: ${name}`, errorCode };
}

export const SENSE = {
  /** What REQUEST SENSE finds where nothing is wrong. */
  none: { key: 0x00, asc: 0x00, ascq: 0x00, text: 'NO SENSE', errorCode: 'EIO' },
  notReady: {
    ...{ key: 0x02, asc: 0x04, ascq: 0x03, errorCode: 'ENODEV' },
    text: 'NOT READY: LOGICAL UNIT NOT READY, MANUAL INTERVENTION REQUIRED',
  },
  targetFailure: {
    ...{ key: 0x04, asc: 0x44, ascq: 0x00, errorCode: 'EIO' },
    text: 'HARDWARE ERROR: INTERNAL TARGET FAILURE',
  },
  writeProtected: {
    ...{ key: 0x07, asc: 0x27, ascq: 0x00, errorCode: 'EROFS' },
    text: 'DATA PROTECT: WRITE PROTECTED',
  },

  operationInProgress: illegal(0x00, 0x16, 'OPERATION IN PROGRESS', 'EBUSY'),
  listLength: illegal(0x1a, 0x00, 'PARAMETER LIST LENGTH ERROR'),
  invalidCommand: illegal(0x20, 0x00, 'INVALID COMMAND OPERATION CODE', 'EOPNOTSUPP'),
  blockOutOfRange: illegal(0x21, 0x00, 'LOGICAL BLOCK ADDRESS OUT OF RANGE'),
  invalidCommandField: illegal(0x24, 0x00, 'INVALID FIELD IN CDB'),
  unsupportedUnit: illegal(0x25, 0x00, 'LOGICAL UNIT NOT SUPPORTED', 'ENXIO'),
  invalidField: illegal(0x26, 0x00, 'INVALID FIELD IN PARAMETER LIST'),
  tooManyTargets: illegal(0x26, 0x06, 'TOO MANY TARGET DESCRIPTORS'),
  unsupportedTarget: illegal(0x26, 0x07, 'UNSUPPORTED TARGET DESCRIPTOR TYPE CODE', 'EOPNOTSUPP'),
  tooManySegments: illegal(0x26, 0x08, 'TOO MANY SEGMENT DESCRIPTORS'),
  unsupportedSegment: illegal(0x26, 0x09, 'UNSUPPORTED SEGMENT DESCRIPTOR TYPE CODE', 'EOPNOTSUPP'),
  inlineLength: illegal(0x26, 0x0b, 'INLINE DATA LENGTH EXCEEDED'),

  copyFailed: aborted(0x00, 0x00, 'NO ADDITIONAL SENSE INFORMATION'),
  unreachableTarget: aborted(0x08, 0x04, 'UNREACHABLE COPY TARGET', 'ENXIO'),
  thirdPartyError: aborted(0x0d, 0x00, 'ERROR DETECTED BY THIRD PARTY TEMPORARY INITIATOR'),
  thirdPartyFailure: aborted(0x0d, 0x01, 'THIRD PARTY DEVICE FAILURE'),
  targetNotReachable: aborted(0x0d, 0x02, 'COPY TARGET DEVICE NOT REACHABLE', 'ENXIO'),
  wrongDeviceType: aborted(0x0d, 0x03, 'INCORRECT COPY TARGET DEVICE TYPE', 'EINVAL'),
  underrun: aborted(0x0d, 0x04, 'COPY TARGET DEVICE DATA UNDERRUN'),
  overrun: aborted(0x0d, 0x05, 'COPY TARGET DEVICE DATA OVERRUN'),
  segmentField: aborted(0x26, 0x00, 'INVALID FIELD IN PARAMETER LIST', 'EINVAL'),
  inexactSegment: aborted(0x26, 0x0a, 'UNEXPECTED INEXACT SEGMENT', 'EINVAL'),
  inlineRange: aborted(0x26, 0x0b, 'INLINE DATA LENGTH EXCEEDED', 'EINVAL'),
  unfitDevice: aborted(0x26, 0x0c, 'INVALID OPERATION FOR COPY SOURCE OR DESTINATION', 'EINVAL'),
  granularity: aborted(0x26, 0x0d, 'COPY SEGMENT GRANULARITY VIOLATION', 'EINVAL'),
} as const satisfies Record<string, SenseCode>;

/** The known code, or one without a name. */
export function senseCode(key: number, asc: number, ascq: number): SenseCode {
  const known = Object.values<SenseCode>(SENSE).find(
    (code) => code.key === key && code.asc === asc && code.ascq === ascq,
  );
  return known ?? { key, asc, ascq, text: `SENSE KEY ${key}`, errorCode: 'EIO' };
}
