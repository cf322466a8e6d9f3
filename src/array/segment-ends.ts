/**
 * Where a segment reads and writes: blocks of a volume from a place on. Ranges that the target does not have are refused
 * before the segment has moved anything.
 */
import { assert } from '../base/assert.js';
import type { CheckedSegment } from '../ecopy/segment-check.js';
import { expectedWriteBytes, type SegmentDemand } from '../ecopy/segment-flow.js';
import type { TargetDescriptor } from '../ecopy/target-descriptor.js';
import { CopyDestination } from './copy-destination.js';
import { CopySource } from './copy-source.js';
import { outOfRange } from './segment-failures.js';
import type {
  ResidualData,
  SegmentInput,
  SegmentOutput,
  StraightCopy,
} from './segment-movement.js';
import type { StreamTarget, TransferShape } from './stream-target.js';

/** Read at a time. */
const READ_BYTES = 2 ** 20;

/** What a block device does for a copy. */
export interface BlockReader {
  readonly sizeBytes: number;
  /** Fills the target. */
  read(offset: number, target: Uint8Array): Promise<void>;
}
export interface BlockWriter {
  readonly sizeBytes: number;
  write(offset: number, data: Uint8Array): Promise<void>;
}

/** Turns what a target throws into the failure of the segment. */
export type Failing = (error: unknown) => Error;

/** A side that the segment does not have, or that cannot be sent a command: the first use fails. */
export class NoEnd implements SegmentInput, SegmentOutput {
  constructor(private readonly failure: Error | undefined) {}

  read(): Promise<Uint8Array> {
    return this.refuse();
  }

  write(): Promise<void> {
    return this.refuse();
  }

  private async refuse(): Promise<never> {
    assert(this.failure !== undefined, 'the segment has such a side');
    throw this.failure;
  }
}

export class BlockInput implements SegmentInput {
  constructor(
    readonly reader: BlockReader,
    /** Of the next read. */
    public position: number,
    /** All that the segment reads here. */
    readonly lengthBytes: number,
    readonly unitBytes: number,
    readonly failing: Failing,
  ) {}

  async read(units: number): Promise<Uint8Array> {
    const count = Math.min(units, Math.max(1, Math.floor(READ_BYTES / this.unitBytes)));
    const data = new Uint8Array(count * this.unitBytes);
    await failingAs(this, () => this.reader.read(this.position, data));
    this.position += data.length;
    return data;
  }
}

export class BlockOutput implements SegmentOutput {
  constructor(
    readonly writer: BlockWriter,
    /** Of the next write. */
    public position: number,
    readonly failing: Failing,
    /** Told where this has written. */
    private readonly written: (offset: number, length: number) => void,
  ) {}

  async write(data: Uint8Array, written: (bytes: number) => void): Promise<void> {
    const { position } = this;
    this.position += data.length;
    this.written(position, data.length);
    await failingAs(this, () => this.writer.write(position, data));
    written(data.length);
  }

  /** The next bytes come from elsewhere. */
  advance(length: number): number {
    const { position } = this;
    this.position += length;
    this.written(position, length);
    return position;
  }
}

/** Transfers from a tape. */
export class StreamInput implements SegmentInput {
  constructor(
    private readonly stream: StreamTarget,
    private readonly shape: TransferShape,
    readonly failing: Failing,
  ) {}

  read(units: number): Promise<Uint8Array> {
    return failingAs(this, () => this.stream.read(units, this.shape));
  }
}

/** Transfers to a tape. */
export class StreamOutput implements SegmentOutput {
  constructor(
    private readonly stream: StreamTarget,
    private readonly shape: TransferShape,
    readonly failing: Failing,
  ) {}

  write(data: Uint8Array, written: (bytes: number) => void): Promise<void> {
    return failingAs(this, () => this.stream.write(data, this.shape.recordBytes, written));
  }
}

/** How transfers of so many bytes lie on this tape. */
export function transferShape(
  target: TargetDescriptor | undefined,
  unitBytes: number,
): TransferShape {
  const parameters = target?.parameters;
  if (parameters?.class !== 'tape' || !parameters.fixed) {
    return { recordBytes: unitBytes, recordsPerUnit: 1 };
  }
  const recordBytes = parameters.blockBytes;
  return { recordBytes, recordsPerUnit: unitBytes / recordBytes };
}

/** What this side throws is its failure. */
async function failingAs<T>(
  side: { readonly failing: Failing },
  work: () => T | Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw side.failing(error);
  }
}

/** Undefined where one of the two is no volume. */
export function straightBetween(
  input: SegmentInput,
  output: SegmentOutput,
): StraightCopy | undefined {
  if (!(input instanceof BlockInput) || !(output instanceof BlockOutput)) return undefined;
  const { reader } = input;
  const { writer } = output;
  if (!(reader instanceof CopySource) || !(writer instanceof CopyDestination)) return undefined;
  /** Either side may fail. */
  const copyPart = async (from: number, to: number, lengthMax: number) => {
    const reading = <T>(work: () => T | Promise<T>) => failingAs(input, work);
    const part = await reading(() => reader.part(from, lengthMax));
    return failingAs(output, () => writer.copyPart(part, from, to, reading));
  };
  return async (bytes, moved) => {
    const from = input.position;
    const to = output.advance(bytes);
    input.position += bytes;
    for (let done = 0; done < bytes; ) {
      const copied = await copyPart(from + done, to + done, bytes - done);
      done += copied;
      await moved(copied);
    }
  };
}

/** What the segment reads; a SenseError where it would read past the end. */
export function inputRange(
  number: number,
  { segment, source }: CheckedSegment,
  demand: SegmentDemand,
  data: ResidualData,
  sizeBytes: number,
): { start: number; lengthBytes: number } {
  const needed = demand.rule === 'produce' ? demand.bytes - data.destination.length : demand.bytes;
  const missing = Math.max(0, needed - data.source.length);
  const units = missing > 0 ? Math.ceil((missing + demand.skipBytes) / demand.readUnitBytes) : 0;
  const field = 'sourceLba' in segment ? 'sourceLba' : 'lba';
  const lba = 'sourceLba' in segment ? segment.sourceLba : 'lba' in segment ? segment.lba : 0n;
  const lengthBytes = units * demand.readUnitBytes;
  const start = firstByte(source, { lba, byteOffset: 0, lengthBytes }, sizeBytes);
  if (start === undefined) throw outOfRange({ ...segment, number }, 'source', field);
  return { start, lengthBytes };
}

/** The first byte that the segment writes; a SenseError where it would write past the end. */
export function outputPlace(
  number: number,
  { segment, destination }: CheckedSegment,
  demand: SegmentDemand,
  data: ResidualData,
  sizeBytes: number,
): number {
  const residue = { sourceBytes: 0, destinationBytes: data.destination.length };
  const lengthBytes = expectedWriteBytes(demand, residue) + paddedBytes(demand, data);
  const field = 'destinationLba' in segment ? 'destinationLba' : 'lba';
  const lba =
    'destinationLba' in segment ? segment.destinationLba : 'lba' in segment ? segment.lba : 0n;
  const range = { lba, byteOffset: byteOffsetOf(segment), lengthBytes };
  const start = firstByte(destination, range, sizeBytes);
  if (start === undefined) throw outOfRange({ ...segment, number }, 'destination', field);
  return start;
}

/** One more unit, where a part of one is left over and padded. */
function paddedBytes(demand: SegmentDemand, data: ResidualData): number {
  const { rule, writeUnitBytes, concatenate, destinationPad } = demand;
  if (concatenate || !destinationPad || rule === 'produce' || writeUnitBytes === 0) return 0;
  const bytes = data.destination.length + (rule === 'discard' ? 0 : demand.bytes);
  return bytes % writeUnitBytes === 0 ? 0 : writeUnitBytes;
}

function byteOffsetOf(segment: CheckedSegment['segment']): number {
  if (segment.kind === 'block-offset-to-block-offset') return segment.destinationByteOffset;
  return segment.kind === 'stream-to-block-offset' ? segment.byteOffset : 0;
}

/** Undefined where the range does not lie in the target's whole blocks; nothing at all lies anywhere. */
function firstByte(
  target: TargetDescriptor | undefined,
  { lba, byteOffset, lengthBytes }: { lba: bigint; byteOffset: number; lengthBytes: number },
  sizeBytes: number,
): number | undefined {
  assert(target?.parameters.class === 'block', 'blocks are those of a block device');
  const { blockBytes } = target.parameters;
  if (lengthBytes === 0) return 0;
  const blocks = Math.floor(sizeBytes / blockBytes);
  if (lba >= BigInt(blocks)) return undefined;
  const start = Number(lba) * blockBytes + byteOffset;
  return start + lengthBytes > blocks * blockBytes ? undefined : start;
}
