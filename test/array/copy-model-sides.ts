/** The sides of a segment of the byte model (copy-model.ts): what is meant, in which units, and from where on. */
import type { SegmentDescriptor } from '../../src/ecopy/segment-descriptor.js';
import type { TargetDescriptor } from '../../src/ecopy/target-descriptor.js';
import { TapeModel, type TapeShape } from './tape-model.js';

/** `none` is NUL, `unloaded` a device without such a medium. */
export type Medium = Buffer | TapeModel | 'none' | 'unloaded';
/** What a target means; undefined where it is not there. */
export type MediumOf = (target: TargetDescriptor) => Medium | undefined;

/** One side of a segment. */
export interface SideOfIt {
  readonly medium: Exclude<Medium, 'unloaded'>;
  /** Bytes of a block, or of a transfer. */
  readonly unit: number;
  readonly shape: TapeShape;
  readonly pad: boolean;
  readonly start: bigint;
}

/** A segment fails, with these codes. */
export class Failed extends Error {}

export const UNREACHED = '0a 0d 02';
const REFUSED = '0a 0d 01';

export function sideOf(
  segment: SegmentDescriptor,
  target: TargetDescriptor,
  side: 'source' | 'destination',
  mediumOf: MediumOf,
): SideOfIt {
  const medium = mediumOf(target);
  const { parameters, deviceType } = target;
  if (medium === undefined) throw new Failed(UNREACHED);
  const isTape = medium instanceof TapeModel || medium === 'unloaded';
  const isDisk =
    parameters.class === 'block' && parameters.blockBytes % 512 === 0 && deviceType === 0;
  const fits = isTape ? parameters.class === 'tape' : isDisk;
  if (medium !== 'none' && !fits) throw new Failed('0a 0d 03');
  if (medium === 'unloaded') throw new Failed(REFUSED);
  const shape = shapeOf(segment, target, side);
  const unit =
    parameters.class === 'block'
      ? parameters.blockBytes
      : shape.recordBytes * shape.recordsPerTransfer;
  const lba = 'sourceLba' in segment ? segment[`${side}Lba`] : 'lba' in segment ? segment.lba : 0n;
  const start = lba * BigInt(unit) + BigInt(side === 'destination' ? offsetOf(segment) : 0);
  return { medium, unit, shape, pad: parameters.pad, start };
}

function offsetOf(segment: SegmentDescriptor): number {
  if (segment.kind === 'stream-to-block-offset') return segment.byteOffset;
  return segment.kind === 'block-offset-to-block-offset' ? segment.destinationByteOffset : 0;
}

function shapeOf(
  segment: SegmentDescriptor,
  { parameters }: TargetDescriptor,
  side: 'source' | 'destination',
): TapeShape {
  const isOfSource = segment.kind === 'stream-to-stream' && side === 'source';
  const length = isOfSource
    ? segment.sourceTransferLength
    : 'transferLength' in segment
      ? segment.transferLength
      : 0;
  return parameters.class === 'tape' && parameters.fixed
    ? { recordBytes: parameters.blockBytes, recordsPerTransfer: length }
    : { recordBytes: length, recordsPerTransfer: 1 };
}

export function checkRange({ medium, unit, start }: SideOfIt, length: number): void {
  if (!Buffer.isBuffer(medium) || length === 0) return;
  const end = medium.length - (medium.length % unit);
  if (start + BigInt(length) > BigInt(end)) throw new Failed('0a 00 00');
}
