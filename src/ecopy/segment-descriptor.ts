/**
 * Decodes and encodes segment descriptors by their layouts. A segment knows targets by index alone:
 * whether they exist and fit is found when its turn comes (segment-check.ts).
 */

import {
  SEGMENT_HEADER,
  SEGMENT_HEADER_BYTES,
  SEGMENT_LAYOUTS,
  type SegmentKind,
  segmentCode,
  segmentMeaning,
} from './segment-layouts.js';
import { SenseError } from './sense.js';
import { SENSE } from './sense-codes.js';
import { readFields, type WireLayout, type WireValues, writeFields } from './wire-field.js';

const EMBEDDED = SEGMENT_LAYOUTS['embedded-to-stream'];

type Fields = {
  [K in SegmentKind]: WireValues<(typeof SEGMENT_LAYOUTS)[K]['fields']>;
};

/** One segment of a kind; `hold`: keep a copy of the processed data for RECEIVE DATA. */
export type SegmentOf<K extends SegmentKind> = {
  readonly kind: K;
  readonly hold: boolean;
} & (K extends 'embedded-to-stream'
  ? Omit<Fields[K], 'byteCount'> & { readonly data: Uint8Array }
  : Fields[K]);
export type SegmentDescriptor = { [K in SegmentKind]: SegmentOf<K> }[SegmentKind];

/** Where the descriptors begin, walked by their lengths; the last may run past the end. */
export function segmentOffsets(list: Buffer, start: number, end: number, limit: number): number[] {
  const offsets: number[] = [];
  for (let offset = start; offset < end && offsets.length <= limit; ) {
    offsets.push(offset);
    if (end - offset < SEGMENT_HEADER_BYTES) break;
    offset += SEGMENT_HEADER_BYTES + SEGMENT_HEADER.descriptorLength.read(list.subarray(offset));
  }
  return offsets;
}

/** Decodes the descriptor at `offset`; the descriptors end at `end`. Key 05h where it is wrong. */
export function decodeSegment(list: Buffer, offset: number, end: number): SegmentDescriptor {
  const view = list.subarray(offset, end);
  const meaning = segmentMeaning(SEGMENT_HEADER.code.read(view));
  if (meaning === undefined) throw segmentError(offset, SEGMENT_HEADER.code.offset, 'unsupported');
  const { bytes, fields } = SEGMENT_LAYOUTS[meaning.kind];
  if (view.length < SEGMENT_HEADER_BYTES) throw segmentError(offset, 0, 'past-end');
  const length = SEGMENT_HEADER.descriptorLength;
  const total = length.read(view) + SEGMENT_HEADER_BYTES;
  const embedded = meaning.kind === 'embedded-to-stream';
  if (total < bytes || (total > bytes && !embedded)) throw segmentError(offset, length.offset);
  if (total > view.length) throw segmentError(offset, 0, 'past-end');
  if (!embedded) return { ...meaning, ...readFields(fields, view) } as SegmentDescriptor;
  const { byteCount, ...values } = readFields(EMBEDDED.fields, view);
  if (total !== embeddedTotal(byteCount)) {
    throw segmentError(offset, EMBEDDED.fields.byteCount.offset);
  }
  const data = new Uint8Array(view.subarray(bytes, bytes + byteCount));
  return { kind: 'embedded-to-stream', hold: false, ...values, data };
}

export function encodeSegment(segment: SegmentDescriptor): Uint8Array {
  const { kind, hold } = segment;
  const { bytes, fields } = SEGMENT_LAYOUTS[kind];
  const embedded = kind === 'embedded-to-stream';
  const total = embedded ? embeddedTotal(segment.data.length) : bytes;
  const view = Buffer.alloc(total);
  const values = embedded ? { ...segment, byteCount: segment.data.length } : { ...segment };
  writeFields<WireLayout>(fields, view, values);
  if (embedded) view.set(segment.data, bytes);
  const descriptorLength = total - SEGMENT_HEADER_BYTES;
  writeFields(SEGMENT_HEADER, view, { code: segmentCode(kind, hold), descriptorLength });
  return view;
}

/** Where a field of this kind of segment begins, for field pointers. */
export function segmentFieldOffset(kind: SegmentKind, field: string): number {
  const fields: Readonly<Record<string, { readonly offset: number }>> =
    SEGMENT_LAYOUTS[kind].fields;
  return fields[field]?.offset ?? 0;
}

/** Fields, data and up to 3 zeros. */
function embeddedTotal(dataBytes: number): number {
  return EMBEDDED.bytes + Math.ceil(dataBytes / 4) * 4;
}

function segmentError(
  offset: number,
  byte: number,
  what: 'field' | 'unsupported' | 'past-end' = 'field',
): SenseError {
  if (what === 'past-end') return new SenseError({ code: SENSE.listLength });
  const code = what === 'field' ? SENSE.invalidField : SENSE.unsupportedSegment;
  return new SenseError({ code, pointer: { in: 'parameter-list', byte: offset + byte } });
}
