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
import { SENSE } from '../ecopy/sense-codes.js';
import { ByteQueue } from './byte-queue.js';
import type { CopyTargets, ReachedTarget } from './copy-targets.js';
import {
  BlockInput,
  BlockOutput,
  type Failing,
  inputPlace,
  NoEnd,
  outputPlace,
  straightBetween,
} from './segment-ends.js';
import {
  commandFailure,
  notReachable,
  refusedBy,
  type Side,
  withResidual,
} from './segment-failures.js';
import {
  type MovementWatch,
  type ResidualData,
  type SegmentInput,
  SegmentMovement,
  type SegmentOutput,
} from './segment-movement.js';

const NO_DATA = new Uint8Array();

/** A segment at work. */
interface Work {
  readonly number: number;
  readonly checked: CheckedSegment;
  readonly demand: SegmentDemand;
}

interface ReachedSide {
  readonly reached: ReachedTarget;
  readonly failing: Failing;
  /** For the first command to a target that is NUL. */
  readonly unreachable: SenseError;
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
      if (demand === undefined) await this.command(number, checked.segment);
      else await this.move({ number, checked, demand });
    } finally {
      this.targets.noteChanged();
    }
  }

  private async move(work: Work): Promise<void> {
    const { number, checked, demand } = work;
    const destinationBytes = this.data.destination.length;
    // Both are looked at before a range of either.
    const from = this.side(work, 'source');
    const to = this.side(work, 'destination');
    const input = this.input(work, from);
    const output = this.output(work, to);
    const straight = straightBetween(input, output);
    const ends = { input, output, straight, own: this.ownData(checked.segment) };
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
  private side({ number, checked }: Work, side: Side): ReachedSide | undefined {
    if (checked[side] === undefined) return undefined;
    const target = indexOf(checked.segment, side);
    const reached = this.targets.reach(number, target);
    const failing = (error: unknown) => commandFailure(this.list, number, { side, target, error });
    return { reached, failing, unreachable: notReachable(this.list, number, target) };
  }

  private input(work: Work, side: ReachedSide | undefined): SegmentInput {
    if (side?.reached.kind !== 'volume') return new NoEnd(side?.unreachable);
    const { number, checked, demand } = work;
    const { source } = side.reached;
    assert(source !== undefined, 'what segments read is frozen');
    source.refresh();
    const place = inputPlace(number, checked, demand, this.data, source.sizeBytes);
    return new BlockInput(source, place, demand.readUnitBytes, side.failing);
  }

  private output(work: Work, side: ReachedSide | undefined): SegmentOutput {
    if (side?.reached.kind !== 'volume') return new NoEnd(side?.unreachable);
    const { number, checked, demand } = work;
    const { source, destination } = side.reached;
    const place = outputPlace(number, checked, demand, this.data, destination.sizeBytes);
    const written = (offset: number, length: number) => source?.noteWritten(offset, length);
    return new BlockOutput(destination, place, side.failing, written);
  }

  /** A segment that moves no data. */
  private async command(number: number, segment: SegmentDescriptor): Promise<void> {
    const side: Side = 'destination' in segment ? 'destination' : 'source';
    const target = indexOf(segment, side);
    const reached = this.targets.reach(number, target);
    if (reached.kind === 'none') throw notReachable(this.list, number, target);
    if (segment.kind === 'verify') {
      if (!segment.testUnitReady || reached.destination.sizeBytes > 0) return;
      throw refusedBy(this.list, number, { side, target, code: SENSE.notReady });
    }
    // PERSISTENT RESERVE OUT is a command that no target knows.
    throw refusedBy(this.list, number, { side, target, code: SENSE.invalidCommand });
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
