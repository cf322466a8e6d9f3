/**
 * Why a segment of a parameter list failed, as sense data (SPC-2, 7.2.3 and table 25): key COPY ABORTED, the segment, the
 * field or target that is meant, and what the target itself answered.
 */
import { ArrayError, asArrayError, type ErrorCode } from '../base/errors.js';
import type { ParameterList } from '../ecopy/parameter-list.js';
import { segmentFailure, targetFailure } from '../ecopy/segment-check.js';
import { segmentFieldOffset } from '../ecopy/segment-descriptor.js';
import type { SegmentKind } from '../ecopy/segment-layouts.js';
import {
  type DeviceReport,
  describeSense,
  encodeSense,
  type Sense,
  SenseError,
} from '../ecopy/sense.js';
import { SENSE, type SenseCode, senseCode } from '../ecopy/sense-codes.js';

export type Side = 'source' | 'destination';
/** Key and additional codes; status is CHECK CONDITION unless it is said. */
type Report = readonly [key: number, asc: number, ascq: number, status?: number];

const CHECK_CONDITION = 0x02;
const RESERVATION_CONFLICT = 0x18;
/** What a volume answers to a command that ends with this error. */
const REPORTS: Readonly<Partial<Record<ErrorCode, Report>>> = {
  EROFS: [0x07, 0x27, 0x00],
  /** Space allocation failed, write protect. */
  ENOSPC: [0x07, 0x27, 0x07],
  ENODEV: [0x02, 0x3a, 0x00],
  ENXIO: [0x04, 0x08, 0x00],
  EACCES: [0x05, 0x20, 0x02],
  EBUSY: [0x00, 0x00, 0x00, RESERVATION_CONFLICT],
};
const READ_ERROR: Report = [0x03, 0x11, 0x00];
const WRITE_ERROR: Report = [0x03, 0x0c, 0x00];
const INTERNAL_FAILURE: Report = [0x04, 0x44, 0x00];

/** An error that brings its own sense, as those of backup devices do. */
interface WithSense {
  readonly details?: {
    readonly fault?: string;
    readonly sense?: {
      readonly status: number;
      readonly key: number;
      readonly asc: number;
      readonly ascq: number;
    };
  };
}

/** A target answered this: CHECK CONDITION with the code, unless there is more to tell. */
export class ReportedError extends ArrayError {
  readonly report: DeviceReport;

  constructor({ code, report }: { readonly code: SenseCode; readonly report?: DeviceReport }) {
    super(code.errorCode, code.text);
    this.report = report ?? { status: CHECK_CONDITION, sense: encodeSense({ code }) };
  }
}

/** A command that the segment sent to one of its targets failed. */
export function commandFailure(
  list: ParameterList,
  segment: number,
  {
    side,
    target,
    error,
  }: { readonly side: Side; readonly target: number; readonly error: unknown },
): SenseError {
  if (error instanceof SenseError) return error;
  const failure = asArrayError(error);
  // The device did not answer, through no port.
  if (isUnreached(failure)) {
    return explained(notReachable(list, segment, target).sense, failure.reason);
  }
  // A record that is longer than the transfer.
  const isOverrun = side === 'source' && (failure as WithSense).details?.fault === 'invalid';
  const code = isOverrun ? SENSE.overrun : SENSE.thirdPartyFailure;
  const { sense } = targetFailure(code, list, segment, target);
  return explained({ ...sense, [side]: reportOf(failure, side) }, failure.reason);
}

/** The target is named and is not there, or not for this host: both look alike. */
export function notReachable(list: ParameterList, segment: number, target: number): SenseError {
  return targetFailure(SENSE.targetNotReachable, list, segment, target);
}

/** The segment names blocks that the target does not have. */
export function outOfRange(
  segment: { readonly kind: SegmentKind; readonly number: number },
  side: Side,
  field: string,
): SenseError {
  const { kind, number } = segment;
  const { sense } = segmentFailure(SENSE.copyFailed, number, segmentFieldOffset(kind, field));
  const report = { status: CHECK_CONDITION, sense: encodeSense({ code: SENSE.blockOutOfRange }) };
  return explained({ ...sense, [side]: report }, `the ${side} has no such blocks`);
}

/** The segment moves more within one medium, over itself, than can be read before it writes. */
export function overlapTooLong({
  kind,
  number,
}: {
  readonly kind: SegmentKind;
  readonly number: number;
}): SenseError {
  return segmentFailure(SENSE.segmentField, number, segmentFieldOffset(kind, 'destinationLba'));
}

/** The same with what the segment had still to write, in blocks; for who wrote some. */
export function withResidual(error: SenseError, residual: number): SenseError {
  return new SenseError({ ...error.sense, residual }, error.reason);
}

function isUnreached(error: ArrayError): boolean {
  return error.code === 'ENXIO' && (error as WithSense).details?.sense === undefined;
}

function reportOf(error: ArrayError, side: Side): DeviceReport {
  if (error instanceof ReportedError) return error.report;
  const own = (error as WithSense).details?.sense;
  const [key, asc, ascq, status = CHECK_CONDITION] = own
    ? ([own.key, own.asc, own.ascq, own.status] as const)
    : (REPORTS[error.code] ?? otherReport(error.code, side));
  const sense =
    status === CHECK_CONDITION
      ? encodeSense({ code: senseCode(key, asc, ascq) })
      : new Uint8Array();
  return { status, sense };
}

function otherReport(code: ErrorCode, side: Side): Report {
  if (code !== 'EIO') return INTERNAL_FAILURE;
  return side === 'source' ? READ_ERROR : WRITE_ERROR;
}

function explained(sense: Sense, reason: string): SenseError {
  return new SenseError(sense, `${describeSense(sense)}: ${reason}`);
}
