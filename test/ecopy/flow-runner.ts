/** Carries out one segment over byte arrays, as an executor does with devices. */
import {
  afterProcess,
  afterRead,
  afterWrite,
  beginFlow,
  nextStep,
  type SegmentDemand,
} from '../../src/ecopy/segment-flow.js';
import type { RandomSource } from '../support/random-source.js';

export interface FlowInput {
  readonly sourceData?: Uint8Array;
  readonly destinationData?: Uint8Array;
  /** What the source has from the segment's place on. */
  readonly input?: Uint8Array;
  /** The segment's own data. */
  readonly own?: Uint8Array;
  /** Reads give fewer units than asked for, as this says. */
  readonly shortReads?: RandomSource;
}

export interface FlowResult {
  readonly written: Uint8Array;
  readonly sourceData: Uint8Array;
  readonly destinationData: Uint8Array;
  /** Units asked for in each read, bytes in each write. */
  readonly reads: readonly number[];
  readonly writes: readonly number[];
  readonly inexact: boolean;
}

export function runFlow(demand: SegmentDemand | undefined, given: FlowInput): FlowResult {
  if (demand === undefined) throw new Error('the segment moves no data');
  let source = [...(given.sourceData ?? [])];
  let destination = [...(given.destinationData ?? [])];
  const input = [...(given.input ?? [])];
  const own = [...(given.own ?? [])];
  const written: number[] = [];
  const reads: number[] = [];
  const writes: number[] = [];
  const result = (inexact: boolean): FlowResult => ({
    ...{ written: new Uint8Array(written), reads, writes, inexact },
    ...{ sourceData: new Uint8Array(source), destinationData: new Uint8Array(destination) },
  });

  let flow = beginFlow(demand, {
    sourceBytes: source.length,
    destinationBytes: destination.length,
  });
  for (;;) {
    const step = nextStep(flow);
    if (step.kind === 'inexact') return result(true);
    if (step.kind === 'end') {
      if (step.padBytes > 0) {
        written.push(...destination, ...Array<number>(step.padBytes).fill(0));
        writes.push(destination.length + step.padBytes);
      }
      source = source.slice(0, step.residue.sourceBytes);
      destination = destination.slice(0, step.residue.destinationBytes);
      return result(false);
    }
    if (step.kind === 'read') {
      reads.push(step.units);
      const units = given.shortReads?.integer(1, step.units) ?? step.units;
      const bytes = input.splice(0, units * demand.readUnitBytes);
      if (bytes.length === 0) throw new Error('the source has no more');
      source.push(...bytes.slice(flow.toSkipBytes));
      flow = afterRead(flow, bytes.length);
    } else if (step.kind === 'process') {
      const moved = (demand.rule === 'append' ? own : source).splice(0, step.bytes);
      if (demand.rule !== 'discard') destination.push(...moved);
      flow = afterProcess(flow, step.bytes);
    } else {
      writes.push(step.bytes);
      written.push(...destination.splice(0, step.bytes));
      flow = afterWrite(flow, step.bytes);
    }
  }
}
