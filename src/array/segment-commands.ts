/** The segments that ask a target for something else than data: verify, marks, positions, keys; and a tape as it is, to another. */
import { STREAM_TRANSFER_BYTES_MAX } from '../base/limits.js';
import type { SegmentDescriptor, SegmentOf } from '../ecopy/segment-descriptor.js';
import { SENSE } from '../ecopy/sense-codes.js';
import type { ReachedTarget } from './copy-targets.js';
import type { Failing } from './segment-ends.js';
import { ReportedError } from './segment-failures.js';
import { StreamTarget } from './stream-target.js';

/** One target of a segment. */
export interface ReachedSide {
  readonly reached: ReachedTarget;
  /** Its errors as those of the segment. */
  readonly failing: Failing;
  /** For the first command to a target that is NUL. */
  readonly unreachable: Error;
}

/** Records of a tape that are read at a time, whatever their length. */
const IMAGE_RECORDS = 4;

export async function runCommandSegment(
  segment: SegmentDescriptor,
  source: ReachedSide | undefined,
  destination: ReachedSide | undefined,
  moved: (bytes: number) => Promise<void>,
): Promise<void> {
  const side = destination ?? source;
  if (side === undefined) return;
  for (const each of [source, destination]) {
    if (each?.reached.kind === 'none') throw each.unreachable;
  }
  if (segment.kind === 'tape-image' && source !== undefined && destination !== undefined) {
    return copyTape(segment, source, destination, moved);
  }
  try {
    await commandTo(side.reached, segment);
  } catch (error) {
    throw side.failing(error);
  }
}

async function commandTo(target: ReachedTarget, segment: SegmentDescriptor): Promise<void> {
  if (segment.kind === 'verify') return segment.testUnitReady ? testReady(target) : undefined;
  // PERSISTENT RESERVE OUT is a command that no target knows.
  if (target.kind !== 'stream') throw new ReportedError({ code: SENSE.invalidCommand });
  switch (segment.kind) {
    case 'write-filemarks':
      if (segment.setmarks) throw new ReportedError({ code: SENSE.invalidCommandField });
      return target.writeMarks(segment.count);
    case 'space':
      return target.space(segment.spaceCode, segment.count);
    case 'locate':
      return target.locate(segment.logicalBlock);
    default:
      throw new ReportedError({ code: SENSE.invalidCommand });
  }
}

async function testReady(target: ReachedTarget): Promise<void> {
  if (target.kind === 'stream' || target.kind === 'blocks') return target.testReady();
  const isReady = target.kind === 'volume' && target.destination.sizeBytes > 0;
  if (!isReady) throw new ReportedError({ code: SENSE.notReady });
}

/** Records and marks as they are, until so many marks in a row; 0: to the end of the data. */
async function copyTape(
  { count }: SegmentOf<'tape-image'>,
  source: ReachedSide,
  destination: ReachedSide,
  moved: (bytes: number) => Promise<void>,
): Promise<void> {
  const [from, to] = [source.reached, destination.reached];
  if (!(from instanceof StreamTarget) || !(to instanceof StreamTarget)) return;
  const readNext = () => from.readRecords(IMAGE_RECORDS, STREAM_TRANSFER_BYTES_MAX);
  for (let marks = 0; count === 0 || marks < count; ) {
    const { data, records, stop } = await failingWith(source, readNext);
    if (stop === 'end-of-medium' || (records.length === 0 && stop !== 'mark')) return;
    if (stop === 'mark') {
      await failingWith(destination, () => to.writeMarks(1));
      marks += 1;
    } else marks = 0;
    let at = 0;
    for (const bytes of records) {
      const record = data.subarray(at, at + bytes);
      await failingWith(destination, () => to.write(record, bytes));
      at += bytes;
    }
    await moved(data.length);
  }
}

async function failingWith<T>({ failing }: ReachedSide, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw failing(error);
  }
}
