/**
 * OPERATING PARAMETERS of RECEIVE COPY RESULTS (SPC-2, 7.18.4): what a copy manager can do. Those of
 * arrayfs are the limits its decoder enforces.
 *
 *    0-3 bytes that follow       16-19 largest segment, 0: any     36 copies at one time
 *    4 SNLID (0)                 20-23 inline data                 37-39 granularity, powers of two:
 *    8-9 targets                 24-27 held data                         segments, inline, held
 *    10-11 segments              28-31 stream transfer             43 number of type codes
 *    12-15 descriptors, bytes    34-35 copies of all initiators    44.. type codes, ascending
 */
import { ArrayError } from '../base/errors.js';
import {
  COPY_DESCRIPTOR_BYTES_MAX,
  COPY_HELD_BYTES_MAX,
  COPY_INLINE_BYTES_MAX,
  COPY_SEGMENTS_MAX,
  COPY_TARGETS_MAX,
  JOBS_RUNNING_MAX,
  STREAM_TRANSFER_BYTES_MAX,
} from '../base/limits.js';
import { SEGMENT_CODES } from './segment-layouts.js';
import { TARGET_CODES } from './target-descriptor.js';
import {
  bit,
  readFields,
  u8,
  u16,
  u32,
  viewOf,
  type WireValues,
  writeFields,
} from './wire-field.js';

const TYPE_CODES_AT = 44;
const AVAILABLE = u32(0);
const TYPE_CODE_COUNT = u8(43);
const LAYOUT = {
  /** SNLID: a list need not have an identifier. */
  noListIdentifier: bit(4, 0),
  targetsMax: u16(8),
  segmentsMax: u16(10),
  descriptorBytesMax: u32(12),
  segmentBytesMax: u32(16),
  inlineBytesMax: u32(20),
  heldBytesMax: u32(24),
  streamTransferBytesMax: u32(28),
  copiesMax: u16(34),
  copiesOfOneMax: u8(36),
  segmentGranularity: u8(37),
  inlineGranularity: u8(38),
  heldGranularity: u8(39),
} as const;

export type OperatingParameters = WireValues<typeof LAYOUT> & {
  readonly typeCodes: readonly number[];
};

/** What arrayfs can do. */
export const OPERATING_PARAMETERS = {
  noListIdentifier: true,
  targetsMax: COPY_TARGETS_MAX,
  segmentsMax: COPY_SEGMENTS_MAX,
  descriptorBytesMax: COPY_DESCRIPTOR_BYTES_MAX,
  segmentBytesMax: 0,
  inlineBytesMax: COPY_INLINE_BYTES_MAX,
  heldBytesMax: COPY_HELD_BYTES_MAX,
  streamTransferBytesMax: STREAM_TRANSFER_BYTES_MAX,
  copiesMax: JOBS_RUNNING_MAX,
  copiesOfOneMax: JOBS_RUNNING_MAX,
  segmentGranularity: 0,
  inlineGranularity: 0,
  heldGranularity: 0,
  typeCodes: [...SEGMENT_CODES, ...TARGET_CODES],
} satisfies OperatingParameters;

export function encodeOperatingParameters(parameters: OperatingParameters): Uint8Array {
  const { typeCodes } = parameters;
  const view = Buffer.alloc(TYPE_CODES_AT + typeCodes.length);
  writeFields(LAYOUT, view, parameters);
  AVAILABLE.write(view, view.length - 4);
  TYPE_CODE_COUNT.write(view, typeCodes.length);
  view.set(typeCodes, TYPE_CODES_AT);
  return view;
}

/** The twin; EINVAL where the answer is too short. */
export function decodeOperatingParameters(bytes: Uint8Array): OperatingParameters {
  if (bytes.length < TYPE_CODES_AT) {
    throw new ArrayError('EINVAL', 'the operating parameters are cut short');
  }
  const view = viewOf(bytes);
  const codes = view.subarray(TYPE_CODES_AT, TYPE_CODES_AT + TYPE_CODE_COUNT.read(view));
  return { ...readFields(LAYOUT, view), typeCodes: [...codes] };
}
