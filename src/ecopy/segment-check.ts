/**
 * What a segment asks of the list it stands in, checked when its turn comes: key COPY ABORTED, with
 * the number of the segment. Segments before it have been carried out by then (worked example 8).
 * Not checked here: whether a target can be reached, what it is, and how many blocks it has.
 */
import { STREAM_TRANSFER_BYTES_MAX } from '../base/limits.js';
import type { DeviceParameters } from './device-parameters.js';
import { type ParameterList, targetOffset } from './parameter-list.js';
import { type SegmentDescriptor, segmentFieldOffset } from './segment-descriptor.js';
import type { SegmentKind } from './segment-layouts.js';
import { SenseError } from './sense.js';
import { SENSE, type SenseCode } from './sense-codes.js';
import type { TargetDescriptor } from './target-descriptor.js';

type Fit = 'block' | 'stream' | 'tape' | 'any';
/** What the source and the destination of each kind must be, where it has one. */
const FITS: Readonly<Record<SegmentKind, { source?: Fit; destination?: Fit }>> = {
  'block-to-stream': { source: 'block', destination: 'stream' },
  'stream-to-block': { source: 'stream', destination: 'block' },
  'block-to-block': { source: 'block', destination: 'block' },
  'stream-to-stream': { source: 'stream', destination: 'stream' },
  'inline-to-stream': { destination: 'stream' },
  'embedded-to-stream': { destination: 'stream' },
  'stream-to-discard': { source: 'stream' },
  verify: { source: 'any' },
  'block-offset-to-stream': { source: 'block', destination: 'stream' },
  'stream-to-block-offset': { source: 'stream', destination: 'block' },
  'block-offset-to-block-offset': { source: 'block', destination: 'block' },
  'write-filemarks': { destination: 'tape' },
  space: { destination: 'tape' },
  locate: { destination: 'tape' },
  'tape-image': { source: 'tape', destination: 'tape' },
  'register-key': { destination: 'any' },
};
const FIT_CLASSES: Readonly<Record<Fit, readonly DeviceParameters['class'][]>> = {
  block: ['block'],
  stream: ['tape', 'processor'],
  tape: ['tape'],
  any: ['block', 'tape', 'processor'],
};

/** A segment and the targets its indexes name. */
export interface CheckedSegment {
  readonly segment: SegmentDescriptor;
  readonly source: TargetDescriptor | undefined;
  readonly destination: TargetDescriptor | undefined;
}

/** The segment of this number; a SenseError where its fields do not fit the list. */
export function checkSegment(list: ParameterList, number: number): CheckedSegment {
  const segment = list.segments[number];
  if (segment === undefined) throw new RangeError(`there is no segment ${number}`);
  const fail = (code: SenseCode, field: string) =>
    segmentFailure(code, number, segmentFieldOffset(segment.kind, field));
  const { source: sourceFit, destination: destinationFit } = FITS[segment.kind];

  const find = (side: 'source' | 'destination', fit: Fit | undefined) => {
    if (fit === undefined) return undefined;
    const target = list.targets[numberIn(segment, side) ?? -1];
    if (target === undefined) throw fail(SENSE.unreachableTarget, side);
    if (!FIT_CLASSES[fit].includes(target.parameters.class)) throw fail(SENSE.unfitDevice, side);
    return target;
  };
  const source = find('source', sourceFit);
  const destination = find('destination', destinationFit);
  checkTransferLengths({ segment, source, destination }, fail);
  if (
    segment.kind === 'inline-to-stream' &&
    segment.inlineOffset + segment.byteCount > list.inlineData.length
  ) {
    throw fail(SENSE.inlineRange, 'inlineOffset');
  }
  return { segment, source, destination };
}

/** A field of a segment was wrong: SD is set, the byte counts from the start of the segment. */
export function segmentFailure(code: SenseCode, segment: number, byte: number): SenseError {
  return new SenseError({ code, segment, pointer: { in: 'segment', byte } });
}

/** A target failed or was not there: the pointer is the first byte of its descriptor. */
export function targetFailure(
  code: SenseCode,
  list: Pick<ParameterList, 'form'>,
  segment: number,
  target: number,
): SenseError {
  const byte = targetOffset(list, target);
  return new SenseError({ code, segment, pointer: { in: 'parameter-list', byte } });
}

/** Bytes of one read or write of a stream device. */
export function streamUnitBytes(parameters: DeviceParameters, transferLength: number): number {
  const fixed = parameters.class === 'tape' && parameters.fixed;
  return fixed ? transferLength * parameters.blockBytes : transferLength;
}

/** A length of 0 is wrong only where something is to be moved; counts of zero never are. */
function checkTransferLengths(
  { segment, source, destination }: CheckedSegment,
  fail: (code: SenseCode, field: string) => SenseError,
): void {
  const check = (target: TargetDescriptor | undefined, field: string) => {
    const length = numberIn(segment, field);
    if (target === undefined || length === undefined) return;
    const unitBytes = streamUnitBytes(target.parameters, length);
    const wrong = unitBytes > STREAM_TRANSFER_BYTES_MAX || (unitBytes === 0 && moves(segment));
    if (wrong) throw fail(SENSE.segmentField, field);
  };
  const isStream = (target?: TargetDescriptor) => target && target.parameters.class !== 'block';
  if (segment.kind === 'stream-to-stream') {
    check(source, 'sourceTransferLength');
    check(destination, 'transferLength');
  } else {
    check(isStream(source) ? source : destination, 'transferLength');
  }
}

/** A field of the segment that is a number; undefined where this kind has none of that name. */
function numberIn(segment: SegmentDescriptor, field: string): number | undefined {
  const value: unknown = Object.entries(segment).find(([name]) => name === field)?.[1];
  return typeof value === 'number' ? value : undefined;
}

/** Whether the segment has anything to move. */
function moves(segment: SegmentDescriptor): boolean {
  if ('blockCount' in segment) return segment.blockCount > 0;
  if ('byteCount' in segment) return segment.byteCount > 0;
  return 'data' in segment && segment.data.length > 0;
}
