/**
 * What a backup device answers when it cannot do what it was asked: one fault for each cause that a
 * copy manager treats differently. Each has the errno for whoever asks through a file, and status,
 * sense key and additional sense code (SPC-3, annex D) for whoever asked with SCSI commands; the
 * bytes of sense data are ecopy's.
 */
import { ArrayError, asArrayError, type ErrorCode } from '../base/errors.js';

/** SAM-2 status codes. */
const CHECK_CONDITION = 0x02;
const RESERVATION_CONFLICT = 0x18;

export interface DeviceFaultRow {
  readonly errorCode: ErrorCode;
  readonly status: number;
  readonly key: number;
  readonly asc: number;
  readonly ascq: number;
}

function check(key: number, asc: number, ascq: number, errorCode: ErrorCode): DeviceFaultRow {
  return { errorCode, status: CHECK_CONDITION, key, asc, ascq };
}

export const DEVICE_FAULTS = {
  /** Another login has it reserved, or every drive of the library. There is no sense data. */
  busy: { errorCode: 'EBUSY', status: RESERVATION_CONFLICT, key: 0, asc: 0, ascq: 0 },
  /** End of the medium, or of the space below it. */
  full: check(0x0d, 0x00, 0x02, 'ENOSPC'),
  /** Medium not present: nothing is loaded. */
  unloaded: check(0x02, 0x3a, 0x00, 'ENODEV'),
  /** Medium source element empty: the device has no medium of that name. */
  'no-medium': check(0x05, 0x3b, 0x0e, 'ENOENT'),
  /** Manual intervention required: the volume on which a backup goes on is not there. */
  'no-next-volume': check(0x02, 0x04, 0x03, 'ENOENT'),
  'write-protected': check(0x07, 0x27, 0x00, 'EROFS'),
  /** Logical unit communication failure: the device itself is not there or does not answer. */
  missing: check(0x04, 0x08, 0x00, 'ENXIO'),
  /** Medium may have changed: somebody has deleted, replaced or cut off its file while it was written. */
  changed: check(0x06, 0x28, 0x00, 'ENXIO'),
  /** Access denied: the device is there and does not let this initiator or program in. */
  refused: check(0x05, 0x20, 0x02, 'EACCES'),
  /** Unrecovered read error: what is on the medium is not what was written. */
  damaged: check(0x03, 0x11, 0x00, 'EIO'),
  /** Cannot read medium, unknown format: without labels, or of a later arrayfs. */
  foreign: check(0x03, 0x30, 0x01, 'EINVAL'),
  /** Invalid field: a transfer that no medium of this kind can do. */
  invalid: check(0x05, 0x24, 0x00, 'EINVAL'),
} as const satisfies Record<string, DeviceFaultRow>;

export type DeviceFault = keyof typeof DEVICE_FAULTS;

/** What an errno of the host means where a device is a file. */
const FAULT_OF_CODE: Readonly<Partial<Record<ErrorCode, DeviceFault>>> = {
  EBUSY: 'busy',
  ENOSPC: 'full',
  EFBIG: 'full',
  ENODEV: 'unloaded',
  ENOENT: 'no-medium',
  EROFS: 'write-protected',
  ENXIO: 'missing',
  EACCES: 'refused',
  EPERM: 'refused',
  EEXIST: 'refused',
  EISDIR: 'refused',
  ENOTDIR: 'refused',
  EINVAL: 'invalid',
};

export class DeviceError extends ArrayError {
  /** `code`: the host's own errno where that says more than the one of the fault. */
  constructor(
    readonly fault: DeviceFault,
    reason: string,
    code: ErrorCode = DEVICE_FAULTS[fault].errorCode,
  ) {
    super(code, reason);
    this.name = 'DeviceError';
  }
}

/** The DeviceError an exception stands for. Assertions that failed are not for callers to handle. */
export function asDeviceError(error: unknown): DeviceError {
  if (error instanceof DeviceError) return error;
  if (error instanceof Error && error.message.startsWith('assertion failed')) throw error;
  const { code, reason } = asArrayError(error);
  return new DeviceError(FAULT_OF_CODE[code] ?? 'damaged', reason, code);
}

/** Runs `action`; whatever it throws leaves as a DeviceError. */
export function withDeviceErrors<T>(action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw asDeviceError(error);
  }
}
