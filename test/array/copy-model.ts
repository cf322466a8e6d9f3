/**
 * A byte model of what a parameter list does to block devices, written down from the specification alone (section 4 and table 30):
 * volumes are byte arrays. A segment whose ranges do not lie in its targets changes nothing.
 */
import { decodeParameterList, type ParameterList } from '../../src/ecopy/parameter-list.js';
import { checkSegment } from '../../src/ecopy/segment-check.js';
import type { SegmentDescriptor } from '../../src/ecopy/segment-descriptor.js';
import { SenseError } from '../../src/ecopy/sense.js';
import type { TargetDescriptor } from '../../src/ecopy/target-descriptor.js';

/** `good`, or key, codes and number of the segment: `0a 26 0a 1`. */
type Fate = string;
type Disk = Buffer | 'none';
/** The bytes of a target; `none` for NUL, undefined where it is not there. */
export type VolumeOf = (target: TargetDescriptor) => Disk | undefined;

/** One side of a segment. */
interface SideOfIt {
  readonly disk: Disk;
  readonly unit: number;
  readonly pad: boolean;
  readonly start: bigint;
}

interface Residue {
  readonly source: Buffer;
  readonly destination: Buffer;
}

class Failed extends Error {}

/** Carries a list out on the volumes. */
export function modelCopy(bytes: Uint8Array, volumeOf: VolumeOf): Fate {
  let number: number | undefined;
  try {
    const list = withSectors(decodeParameterList(bytes));
    let residue: Residue = { source: Buffer.alloc(0), destination: Buffer.alloc(0) };
    for (number of list.segments.keys()) {
      residue = modelSegment(list, number, residue, volumeOf);
    }
    return 'good';
  } catch (error) {
    return fateOf(error, number);
  }
}

function modelSegment(
  list: ParameterList,
  number: number,
  before: Residue,
  volumeOf: VolumeOf,
): Residue {
  const checked = checkSegment(list, number);
  const { segment } = checked;
  const [source, destination] = (['source', 'destination'] as const).map((side) => {
    const target = checked[side];
    return target && sideOf(segment, target, side, volumeOf);
  });
  if (source === undefined || destination === undefined) {
    if (segment.kind === 'verify' && source?.disk !== 'none') return before;
    throw new Failed(segment.kind === 'verify' ? '0a 0d 02' : '0a 0d 01');
  }
  return moved(segment, source, destination, before);
}

function moved(
  segment: SegmentDescriptor,
  source: SideOfIt,
  destination: SideOfIt,
  before: Residue,
): Residue {
  if (!('sourceLba' in segment)) throw new Error('only segments from block to block are modelled');
  const isExact = segment.kind === 'block-offset-to-block-offset';
  const designated = isExact || segment.destinationCount;
  const unit = isExact ? 1 : destination.unit;
  const skip = isExact ? segment.sourceByteOffset : 0;
  const count = isExact
    ? segment.byteCount
    : segment.blockCount * (segment.destinationCount ? destination.unit : source.unit);
  const wanted = Math.max(0, designated ? count - before.destination.length : count);
  const missing = Math.max(0, wanted - before.source.length);
  const readBytes = missing === 0 ? 0 : Math.ceil((missing + skip) / source.unit) * source.unit;
  const whole = before.destination.length + wanted;
  const writeBytes = designated ? count : whole - (whole % unit);
  const leftBytes = whole - writeBytes;
  const isPadded = !segment.concatenate && destination.pad && !designated && leftBytes > 0;
  checkRange(source, readBytes);
  checkRange(destination, writeBytes + (isPadded ? unit : 0));
  if (destination.disk === 'none' && writeBytes + (isPadded ? 1 : 0) > 0)
    throw new Failed('0a 0d 02');
  const write = (data: Buffer) => {
    if (destination.disk !== 'none') destination.disk.set(data, Number(destination.start));
  };

  if (source.disk === 'none' && readBytes > 0) {
    const there = Buffer.concat([before.destination, before.source.subarray(0, wanted)]);
    const possible = Math.min(there.length, writeBytes);
    if (possible >= unit) write(there.subarray(0, possible - (possible % unit)));
    throw new Failed('0a 0d 02');
  }
  const at = Number(source.start);
  const read =
    source.disk === 'none'
      ? Buffer.alloc(0)
      : Buffer.from(source.disk.subarray(at, at + readBytes));
  const data = Buffer.concat([
    before.source,
    readBytes > 0 ? read.subarray(skip) : read.subarray(0, 0),
  ]);
  const out = Buffer.concat([before.destination, data.subarray(0, wanted)]);
  if (writeBytes > 0) write(out.subarray(0, writeBytes));
  const rest = { source: data.subarray(wanted), destination: out.subarray(writeBytes) };
  if (segment.concatenate) return rest;
  if (!source.pad && !destination.pad) {
    if (rest.source.length + rest.destination.length > 0) throw new Failed('0a 26 0a');
    return rest;
  }
  if (destination.pad && rest.destination.length > 0) {
    if (designated) throw new Failed('0a 26 0a');
    write(Buffer.concat([out, Buffer.alloc(unit - leftBytes)]));
  }
  const none = Buffer.alloc(0);
  return { source: source.pad ? none : rest.source, destination: none };
}

function sideOf(
  segment: SegmentDescriptor,
  target: TargetDescriptor,
  side: 'source' | 'destination',
  volumeOf: VolumeOf,
): SideOfIt {
  const disk = volumeOf(target);
  const { parameters, deviceType } = target;
  if (disk === undefined) throw new Failed('0a 0d 02');
  const unit = parameters.class === 'block' ? parameters.blockBytes : 1;
  const isDisk = parameters.class === 'block' && unit % 512 === 0 && deviceType === 0;
  if (disk !== 'none' && !isDisk) throw new Failed('0a 0d 03');
  const lba = 'sourceLba' in segment ? segment[`${side}Lba`] : 0n;
  const isOffset = segment.kind === 'block-offset-to-block-offset' && side === 'destination';
  const offset = isOffset ? segment.destinationByteOffset : 0;
  return { disk, unit, pad: parameters.pad, start: lba * BigInt(unit) + BigInt(offset) };
}

function checkRange({ disk, unit, start }: SideOfIt, length: number): void {
  if (disk === 'none' || length === 0) return;
  const end = disk.length - (disk.length % unit);
  if (start + BigInt(length) > BigInt(end)) throw new Failed('0a 00 00');
}

function fateOf(error: unknown, number: number | undefined): Fate {
  const segment = number === undefined ? '' : ` ${number}`;
  if (error instanceof Failed) return `${error.message}${segment}`;
  if (!(error instanceof SenseError)) throw error;
  const { key, asc, ascq } = error.sense.code;
  const codes = [key, asc, ascq].map((code) => code.toString(16).padStart(2, '0'));
  return `${codes.join(' ')}${segment}`;
}

function withSectors(list: ParameterList): ParameterList {
  const targets = list.targets.map((target) =>
    target.parameters.class === 'block' && target.parameters.blockBytes === 0
      ? { ...target, parameters: { ...target.parameters, blockBytes: 512 } }
      : target,
  );
  return { ...list, targets };
}
