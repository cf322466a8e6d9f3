/**
 * The data of RECEIVE COPY RESULTS (SPC-2, 7.18). Bytes 0-3 count what follows them. What is longer
 * than the allocation length is cut by `cutToAllocation`, the count is not changed.
 *
 *   COPY STATUS (12)   4 HDD (7), status (6-0)   5-6 segments processed, the current one included
 *                      7 unit of the count: 0 bytes, 1 KiB, 2 MiB, ...   8-11 count written
 *   RECEIVE DATA       4.. held data
 *   FAILED SEGMENT     4-55 reserved   56 SCSI status   58-59 length of the sense data   60.. sense
 *   DETAILS            (4 bytes of zeros where no segment failed)
 *
 * OPERATING PARAMETERS are in operating-parameters.ts.
 */
import { ArrayError } from '../base/errors.js';
import { COPY_HELD_BYTES_MAX } from '../base/limits.js';
import { bit, bits, readFields, u8, u16, u32, viewOf, writeFields } from './wire-field.js';

export type CopyState = 'in-progress' | 'done' | 'failed';

export interface CopyStatus {
  /** Held data have been discarded. */
  readonly heldDataDiscarded: boolean;
  readonly state: CopyState;
  readonly segmentsProcessed: number;
  /** Rounded down to the unit in which it is told. */
  readonly writtenBytes: number;
}

export interface FailedSegment {
  /** SCSI status of the EXTENDED COPY command. */
  readonly status: number;
  readonly sense: Uint8Array;
}

/** Data for RECEIVE DATA, oldest first. */
export interface HeldData {
  readonly bytes: Uint8Array;
  /** Some of it had to go. */
  readonly discarded: boolean;
}

const AVAILABLE = u32(0);
const AVAILABLE_BYTES = 4;
const STATUS_BYTES = 12;
const FAILED_BYTES = 60;
const STATES: readonly CopyState[] = ['in-progress', 'done', 'failed'];
const UNIT_LAST = 6;
const SEGMENTS_TOLD_MAX = 0xffff;

const STATUS = {
  available: AVAILABLE,
  heldDataDiscarded: bit(4, 7),
  state: bits(4, 0, 7),
  segmentsProcessed: u16(5),
  unit: u8(7),
  count: u32(8),
} as const;
const FAILED = { available: AVAILABLE, status: u8(56), senseBytes: u16(58) } as const;

export function encodeCopyStatus(status: CopyStatus): Uint8Array {
  const view = Buffer.alloc(STATUS_BYTES);
  const { unit, count } = unitAndCount(status.writtenBytes);
  writeFields(STATUS, view, {
    available: STATUS_BYTES - AVAILABLE_BYTES,
    heldDataDiscarded: status.heldDataDiscarded,
    state: STATES.indexOf(status.state),
    segmentsProcessed: Math.min(status.segmentsProcessed, SEGMENTS_TOLD_MAX),
    unit,
    count,
  });
  return view;
}

export function decodeCopyStatus(bytes: Uint8Array): CopyStatus {
  const { state, unit, count, heldDataDiscarded, segmentsProcessed } = readFields(
    STATUS,
    answer(bytes, STATUS_BYTES),
  );
  const name = STATES[state];
  if (name === undefined || unit > UNIT_LAST) throw new ArrayError('EINVAL', 'not a copy status');
  const writtenBytes = count * 1024 ** unit;
  return { heldDataDiscarded, state: name, segmentsProcessed, writtenBytes };
}

export function encodeReceivedData(data: Uint8Array): Uint8Array {
  const view = Buffer.alloc(AVAILABLE_BYTES + data.length);
  AVAILABLE.write(view, data.length);
  view.set(data, AVAILABLE_BYTES);
  return view;
}

export function decodeReceivedData(bytes: Uint8Array): Uint8Array {
  const view = answer(bytes, AVAILABLE_BYTES);
  return new Uint8Array(view.subarray(AVAILABLE_BYTES, AVAILABLE_BYTES + AVAILABLE.read(view)));
}

export function encodeFailedSegment(failed: FailedSegment | undefined): Uint8Array {
  if (failed === undefined) return Buffer.alloc(AVAILABLE_BYTES);
  const view = Buffer.alloc(FAILED_BYTES + failed.sense.length);
  const available = view.length - AVAILABLE_BYTES;
  const senseBytes = failed.sense.length;
  writeFields(FAILED, view, { available, status: failed.status, senseBytes });
  view.set(failed.sense, FAILED_BYTES);
  return view;
}

export function decodeFailedSegment(bytes: Uint8Array): FailedSegment | undefined {
  const view = answer(bytes, AVAILABLE_BYTES);
  if (AVAILABLE.read(view) === 0) return undefined;
  const { status, senseBytes } = readFields(FAILED, answer(bytes, FAILED_BYTES));
  return { status, sense: new Uint8Array(view.subarray(FAILED_BYTES, FAILED_BYTES + senseBytes)) };
}

/** Data-in as the initiator gets it. */
export function cutToAllocation(answer: Uint8Array, allocationBytes: number): Uint8Array {
  return answer.subarray(0, allocationBytes);
}

/** More processed data to hold; where they are too many the oldest go. */
export function holdMore(held: HeldData, data: Uint8Array): HeldData {
  const all = Buffer.concat([held.bytes, data]);
  const surplus = Math.max(0, all.length - COPY_HELD_BYTES_MAX);
  return { bytes: all.subarray(surplus), discarded: held.discarded || surplus > 0 };
}

/** Exact where it can be: bytes, else the smallest unit in which the count fits. */
function unitAndCount(bytes: number): { readonly unit: number; readonly count: number } {
  let unit = bytes > 0 && bytes % 1024 === 0 ? 1 : 0;
  while (Math.floor(bytes / 1024 ** unit) > 0xffff_ffff) unit += 1;
  return { unit, count: Math.floor(bytes / 1024 ** unit) };
}

/** The bytes as a Buffer; EINVAL where they are too few. */
function answer(bytes: Uint8Array, least: number): Buffer {
  if (bytes.length < least) throw new ArrayError('EINVAL', 'the copy results are cut short');
  return viewOf(bytes);
}
