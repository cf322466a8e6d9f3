/**
 * One segment that moves data: does the steps that `nextStep` asks for, with the two queues of residual data that it
 * shares with the segments before and after it. Between whole blocks of two volumes the data goes straight, without
 * passing the queues, and by reference where that can be.
 */
import type { CheckedSegment } from '../ecopy/segment-check.js';
import {
  afterProcess,
  afterRead,
  afterWrite,
  beginFlow,
  nextStep,
  type SegmentDemand,
  type SegmentFlow,
} from '../ecopy/segment-flow.js';
import { SenseError } from '../ecopy/sense.js';
import { SENSE } from '../ecopy/sense-codes.js';
import type { ByteQueue } from './byte-queue.js';

/** Residual data of a list, between its segments. */
export interface ResidualData {
  readonly source: ByteQueue;
  readonly destination: ByteQueue;
}

/** Where a segment reads. */
export interface SegmentInput {
  /** Reads at least one unit and at most these; of a tape a unit may be shorter. */
  read(units: number): Promise<Uint8Array>;
}

/** Where a segment writes. */
export interface SegmentOutput {
  /** Whole units. `written` is told of what is there, also where the rest fails. */
  write(data: Uint8Array, written: (bytes: number) => void): Promise<void>;
}

/** Moves bytes from the place of the input to that of the output, and both places on. */
export type StraightCopy = (
  bytes: number,
  moved: (bytes: number) => Promise<void>,
) => Promise<void>;

export interface MovementEnds {
  readonly input: SegmentInput;
  readonly output: SegmentOutput;
  /** Undefined where one of them is no volume. */
  readonly straight: StraightCopy | undefined;
  /** The segment's own data: inline or embedded. */
  readonly own: Uint8Array;
}

/** Who wants to know how far the copy is. */
export interface MovementWatch {
  /** Called between steps: gives way to others, and throws where the copy is to end. */
  moved(processedBytes: number, writtenBytes: number): Promise<void>;
  /** Processed data that the segment asks to be held. */
  hold(data: Uint8Array): void;
}

export class SegmentMovement {
  /** Of this segment, padding included. */
  writtenBytes = 0;
  private ownBytes = 0;

  constructor(
    private readonly number: number,
    private readonly checked: CheckedSegment,
    private readonly demand: SegmentDemand,
    private readonly ends: MovementEnds,
    private readonly data: ResidualData,
    private readonly watch: MovementWatch,
  ) {}

  async run(): Promise<void> {
    const { source, destination } = this.data;
    let flow = beginFlow(this.demand, {
      sourceBytes: source.length,
      destinationBytes: destination.length,
    });
    for (;;) {
      const step = nextStep(flow);
      switch (step.kind) {
        case 'end':
          return this.end(step.padBytes, step.residue.sourceBytes);
        case 'inexact':
          throw new SenseError({ code: SENSE.inexactSegment, segment: this.number });
        case 'read':
          flow = await this.read(flow, step.units);
          break;
        case 'process':
          flow = await this.process(flow, step.bytes);
          break;
        case 'write':
          await this.write(destination.take(step.bytes));
          flow = afterWrite(flow, step.bytes);
          break;
      }
    }
  }

  private async read(flow: SegmentFlow, units: number): Promise<SegmentFlow> {
    const straightBytes = this.straightBytes(flow, units);
    if (straightBytes > 0 && this.ends.straight !== undefined) {
      await this.ends.straight(straightBytes, async (bytes) => {
        this.writtenBytes += bytes;
        await this.watch.moved(bytes, bytes);
      });
      const bytes = straightBytes;
      return afterWrite(afterProcess(afterRead(flow, bytes), bytes), bytes);
    }
    // What is skipped is read apart: behind it blocks may go straight.
    const { readUnitBytes } = this.demand;
    const skipUnits = Math.floor(flow.toSkipBytes / readUnitBytes) + 1;
    const data = await this.ends.input.read(
      flow.toSkipBytes > 0 ? Math.min(units, skipUnits) : units,
    );
    this.data.source.push(data.subarray(Math.min(flow.toSkipBytes, data.length)));
    await this.watch.moved(0, 0);
    return afterRead(flow, data.length);
  }

  /** Bytes that are whole units of both sides, where no residual data is in the way. */
  private straightBytes(
    { sourceBytes, destinationBytes, toSkipBytes, toProcessBytes }: SegmentFlow,
    units: number,
  ): number {
    const { rule, readUnitBytes, writeUnitBytes } = this.demand;
    const isFree = sourceBytes + destinationBytes + toSkipBytes === 0 && !this.checked.segment.hold;
    if (!isFree || writeUnitBytes === 0 || (rule !== 'process' && rule !== 'produce')) return 0;
    const bytes = Math.min(units * readUnitBytes, toProcessBytes);
    return bytes - (bytes % leastCommonMultiple(readUnitBytes, writeUnitBytes));
  }

  private async process(flow: SegmentFlow, bytes: number): Promise<SegmentFlow> {
    const { rule } = this.demand;
    const data = rule === 'append' ? this.takeOwn(bytes) : this.data.source.take(bytes);
    if (this.checked.segment.hold) this.watch.hold(data);
    if (rule !== 'discard') this.data.destination.push(data);
    await this.watch.moved(bytes, 0);
    return afterProcess(flow, bytes);
  }

  private takeOwn(bytes: number): Uint8Array {
    const from = this.ownBytes;
    this.ownBytes += bytes;
    return this.ends.own.subarray(from, this.ownBytes);
  }

  private async write(data: Uint8Array): Promise<void> {
    const before = this.writtenBytes;
    const written = (bytes: number) => {
      this.writtenBytes += bytes;
    };
    try {
      await this.ends.output.write(data, written);
    } catch (error) {
      await this.watch.moved(0, this.writtenBytes - before);
      throw error;
    }
    await this.watch.moved(0, data.length);
  }

  /** Pads and writes, or drops, what the rules say. */
  private async end(padBytes: number, sourceBytes: number): Promise<void> {
    const { source, destination } = this.data;
    const isKept = this.demand.concatenate;
    if (padBytes > 0) {
      await this.write(
        Buffer.concat([destination.take(destination.length), Buffer.alloc(padBytes)]),
      );
    }
    if (sourceBytes === 0) source.clear();
    if (!isKept) destination.clear();
  }
}

function leastCommonMultiple(one: number, other: number): number {
  let [a, b] = [one, other];
  while (b > 0) [a, b] = [b, a % b];
  return (one / a) * other;
}
