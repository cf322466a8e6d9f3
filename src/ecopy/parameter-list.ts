/**
 * The parameter list of EXTENDED COPY (LID1): header, target descriptors, segment descriptors,
 * inline data. Decoding finds everything that can be known before the first segment is processed, in
 * the recommended order, and never reads outside the list; every refusal is a SenseError with key
 * 05h. What a segment asks of its targets is checked when it is processed (segment-check.ts).
 *
 * A CDB with parameter list length 0 is not an error and does nothing: who executes it looks first.
 */
import { COPY_SEGMENTS_MAX } from '../base/limits.js';
import {
  encodeHeader,
  HEADER_BYTES,
  type ListExtents,
  type ListForm,
  type ListOptions,
  listExtents,
  readOptions,
} from './parameter-list-header.js';
import {
  decodeSegment,
  encodeSegment,
  type SegmentDescriptor,
  segmentOffsets,
} from './segment-descriptor.js';
import { SenseError } from './sense.js';
import { SENSE } from './sense-codes.js';
import {
  decodeTarget,
  encodeTarget,
  TARGET_CODES,
  TARGET_DESCRIPTOR_BYTES,
  type TargetDescriptor,
  targetError,
} from './target-descriptor.js';
import { viewOf } from './wire-field.js';

export interface ParameterList {
  readonly form: ListForm;
  readonly options: ListOptions;
  readonly targets: readonly TargetDescriptor[];
  readonly segments: readonly SegmentDescriptor[];
  readonly inlineData: Uint8Array;
}

/** The list in these bytes, copied out of them; a SenseError where it is not one. */
export function decodeParameterList(bytes: Uint8Array): ParameterList {
  const list = viewOf(bytes);
  const extents = listExtents(list);
  const options = readOptions(list);
  const targets = decodeTargets(list, extents);
  const segments = decodeSegments(list, extents);
  const { form, inlineAt, inlineBytes } = extents;
  const inlineData = new Uint8Array(list.subarray(inlineAt, inlineAt + inlineBytes));
  return { form, options, targets, segments, inlineData };
}

/** The bytes of a list; reserved fields are zero. */
export function encodeParameterList(list: ParameterList): Uint8Array {
  const targets = Buffer.concat(list.targets.map(encodeTarget));
  const segments = Buffer.concat(list.segments.map(encodeSegment));
  const { form, options, inlineData } = list;
  const lengths = [targets.length, segments.length, inlineData.length] as const;
  return Buffer.concat([encodeHeader(form, options, ...lengths), targets, segments, inlineData]);
}

/** Where a target's descriptor begins in its list, for field pointers. */
export function targetOffset(list: Pick<ParameterList, 'form'>, index: number): number {
  return HEADER_BYTES[list.form] + index * TARGET_DESCRIPTOR_BYTES;
}

/** First the type codes of all, then their fields: conditions 7 and 8. */
function decodeTargets(list: Buffer, { targetsAt, segmentsAt }: ListExtents): TargetDescriptor[] {
  const offsets: number[] = [];
  for (let offset = targetsAt; offset < segmentsAt; offset += TARGET_DESCRIPTOR_BYTES) {
    offsets.push(offset);
  }
  const unsupported = offsets.find((offset) => !TARGET_CODES.includes(list[offset] ?? 0));
  if (unsupported !== undefined) throw targetError(SENSE.unsupportedTarget, unsupported);
  return offsets.map((offset) => decodeTarget(list, offset));
}

/** First their number, then each: conditions 9 to 11. */
function decodeSegments(list: Buffer, { segmentsAt, inlineAt }: ListExtents): SegmentDescriptor[] {
  const offsets = segmentOffsets(list, segmentsAt, inlineAt, COPY_SEGMENTS_MAX);
  if (offsets.length > COPY_SEGMENTS_MAX) throw new SenseError({ code: SENSE.tooManySegments });
  return offsets.map((offset) => decodeSegment(list, offset, inlineAt));
}
