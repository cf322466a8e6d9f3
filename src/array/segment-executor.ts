/**
 * Carries out the segments of a parameter list, one after the other: which bytes flow where is said by segment-flow.ts, what
 * a target is by copy-targets.ts.
 */
import { assert } from '../base/assert.js';
import type { ParameterList } from '../ecopy/parameter-list.js';
import { type CheckedSegment, checkSegment } from '../ecopy/segment-check.js';
import type { SegmentDescriptor } from '../ecopy/segment-descriptor.js';
import { expectedWriteBytes, type SegmentDemand, segmentDemand } from '../ecopy/segment-flow.js';
import { SenseError } from '../ecopy/sense.js';
import { ByteQueue } from './byte-queue.js';
import { CopySource } from './copy-source.js';
import type { CopyTargets } from './copy-targets.js';
import { type ReachedSide, runCommandSegment } from './segment-commands.js';
import {
  BlockInput,
  BlockOutput,
  inputRange,
  NoEnd,
  outputPlace,
  StreamInput,
  StreamOutput,
  straightBetween,
  transferShape,
} from './segment-ends.js';
import { commandFailure, notReachable, type Side, withResidual } from './segment-failures.js';
import {
  type MovementWatch,
  type ResidualData,
  type SegmentInput,
  SegmentMovement,
  type SegmentOutput,
} from './segment-movement.js';
import { inputBefore } from './segment-overlap.js';

const NO_DATA = new Uint8Array();

/** A segment at work. */
interface Work {
  readonly number: number;
  readonly checked: CheckedSegment;
  readonly demand: SegmentDemand;
}

export class SegmentExecutor {
  /** Residual data between segments. */
  private readonly data: ResidualData = { source: new ByteQueue(), destination: new ByteQueue() };

  /** Block lengths of 0 have been replaced in the list. */
  constructor(
    private readonly list: ParameterList,
    private readonly targets: CopyTargets,
    private readonly watch: MovementWatch,
  ) {}

  /** A SenseError with key COPY ABORTED where it fails; what was written until then stays. */
  async execute(number: number): Promise<void> {
    const checked = checkSegment(this.list, number);
    const demand = segmentDemand(checked);
    try {
      if (demand === undefined) await this.command(number, checked);
      else await this.move({ number, checked, demand });
    } finally {
      this.targets.noteChanged();
    }
  }

  private async move(work: Work): Promise<void> {
    const { number, checked, demand } = work;
    const destinationBytes = this.data.destination.length;
    // Both are looked at before a range of either.
    const from = await this.side(work, 'source');
    const to = await this.side(work, 'destination');
    const input = this.input(work, from);
    const output = this.output(work, to);
    const turn = () => this.watch.moved(0, 0);
    const ends = {
      ...{
        input: await inputBefore({ input, output }, { ...checked, number }, destinationBytes, turn),
      },
      ...{ output, straight: straightBetween(input, output), own: this.ownData(checked.segment) },
    };
    const movement = new SegmentMovement(number, checked, demand, ends, this.data, this.watch);
    try {
      await movement.run();
    } catch (error) {
      if (!(error instanceof SenseError) || movement.writtenBytes === 0) throw error;
      const wanted = expectedWriteBytes(demand, { sourceBytes: 0, destinationBytes });
      const leftBytes = Math.max(0, wanted - movement.writtenBytes);
      throw withResidual(error, Math.ceil(leftBytes / residualUnitBytes(work)));
    }
  }

  /** A target of the segment, and what its failures are; undefined where the segment has none on this side. */
  private async side(
    { number, checked }: Pick<Work, 'number' | 'checked'>,
    side: Side,
  ): Promise<ReachedSide | undefined> {
    if (checked[side] === undefined) return undefined;
    const target = indexOf(checked.segment, side);
    const failing = (error: unknown) => commandFailure(this.list, number, { side, target, error });
    try {
      const reached = await this.targets.reach(number, target);
      return { reached, failing, unreachable: notReachable(this.list, number, target) };
    } catch (error) {
      throw failing(error);
    }
  }

  private input(work: Work, side: ReachedSide | undefined): SegmentInput {
    const { number, checked, demand } = work;
    const unitBytes = demand.readUnitBytes;
    if (side === undefined || side.reached.kind === 'none') return new NoEnd(side?.unreachable);
    const { reached, failing } = side;
    if (reached.kind === 'stream') {
      return new StreamInput(reached, transferShape(checked.source, unitBytes), failing);
    }
    const reader = reached.kind === 'volume' ? reached.source : reached;
    assert(reader !== undefined, 'what segments read is frozen');
    if (reader instanceof CopySource) reader.refresh();
    const { sizeBytes } = reader;
    const { start, lengthBytes } = inputRange(number, checked, demand, this.data, sizeBytes);
    return new BlockInput(reader, start, lengthBytes, unitBytes, failing);
  }

  private output(work: Work, side: ReachedSide | undefined): SegmentOutput {
    const { number, checked, demand } = work;
    if (side === undefined || side.reached.kind === 'none') return new NoEnd(side?.unreachable);
    const { reached, failing } = side;
    if (reached.kind === 'stream') {
      const shape = transferShape(checked.destination, demand.writeUnitBytes);
      return new StreamOutput(reached, shape, failing);
    }
    const isVolume = reached.kind === 'volume';
    const writer = isVolume ? reached.destination : reached;
    const source = isVolume ? reached.source : undefined;
    const place = outputPlace(number, checked, demand, this.data, writer.sizeBytes);
    const written = (offset: number, length: number) => source?.noteWritten(offset, length);
    return new BlockOutput(writer, place, failing, written);
  }

  /** A segment that moves no data of the queues. */
  private async command(number: number, checked: CheckedSegment): Promise<void> {
    const source = await this.side({ number, checked }, 'source');
    const destination = await this.side({ number, checked }, 'destination');
    await runCommandSegment(checked.segment, source, destination, (bytes) =>
      this.watch.moved(bytes, bytes),
    );
  }

  private ownData(segment: SegmentDescriptor): Uint8Array {
    if (segment.kind === 'embedded-to-stream') return segment.data;
    if (segment.kind !== 'inline-to-stream') return NO_DATA;
    const { inlineOffset, byteCount } = segment;
    return this.list.inlineData.subarray(inlineOffset, inlineOffset + byteCount);
  }
}

function indexOf(segment: SegmentDescriptor, side: Side): number {
  const index = Object.entries(segment).find(([name]) => name === side)?.[1];
  assert(typeof index === 'number', 'the segment has a target on this side');
  return index;
}

/** What the residual counts: bytes of a processor, else blocks. */
function residualUnitBytes({ checked, demand }: Work): number {
  const parameters = checked.destination?.parameters;
  if (parameters === undefined || parameters.class === 'processor') return 1;
  return parameters.blockBytes || demand.writeUnitBytes || 1;
}
