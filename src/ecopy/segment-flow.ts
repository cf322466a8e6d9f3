/**
 * How the bytes of one segment flow, as pure arithmetic (SPC-2, 7.2.7.1 and table 30):
 *
 *   read -> source data -> processed -> destination data -> written
 *
 * Reads and writes are whole blocks or whole stream transfers. What is left over between them is
 * residual data: used before new reads, written before new data, and at the end of the segment kept,
 * padded or discarded as CAT and both PADs say. The executor keeps the two queues of bytes, asks
 * `nextStep`, does it, and tells with `after...`.
 */
import { assert } from '../base/assert.js';
import { type CheckedSegment, streamUnitBytes } from './segment-check.js';
import type { TargetDescriptor } from './target-descriptor.js';

/** Bytes left over: read and not processed, processed and not written. */
export interface Residue {
  readonly sourceBytes: number;
  readonly destinationBytes: number;
}

export const NO_RESIDUE: Residue = { sourceBytes: 0, destinationBytes: 0 };

/** What a segment moves; undefined for those that move no data and keep residues as with CAT. */
export interface SegmentDemand {
  /**
   * process: this many bytes of source data; produce: exactly this many bytes of the destination;
   * append: the segment's own data; discard: source data that go nowhere.
   */
  readonly rule: 'process' | 'produce' | 'append' | 'discard';
  readonly bytes: number;
  /** Bytes of one read; 0 where nothing is read. */
  readonly readUnitBytes: number;
  /** Bytes of one write; 1 where any range of bytes is written; 0 where nothing is. */
  readonly writeUnitBytes: number;
  /** Bytes at the start of the first read that do not belong to the segment. */
  readonly skipBytes: number;
  readonly concatenate: boolean;
  readonly sourcePad: boolean;
  readonly destinationPad: boolean;
}

/** A segment under way. */
export interface SegmentFlow extends Residue {
  readonly demand: SegmentDemand;
  readonly toProcessBytes: number;
  /** Undefined: as much as there is data for. */
  readonly toWriteBytes: number | undefined;
  readonly toSkipBytes: number;
}

export type SegmentStep =
  /** Read at least one unit, at most these; a tape may give less than a unit. */
  | { readonly kind: 'read'; readonly units: number }
  /** Move bytes from the source data (append: from the segment) to the destination data. */
  | { readonly kind: 'process'; readonly bytes: number }
  /** Write whole units of the destination data. */
  | { readonly kind: 'write'; readonly bytes: number }
  /** Add zeros to the destination data and write it; then only `residue` is left. */
  | { readonly kind: 'end'; readonly padBytes: number; readonly residue: Residue }
  /** COPY ABORTED, UNEXPECTED INEXACT SEGMENT. */
  | { readonly kind: 'inexact' };

/** Block lengths given as 0 have been replaced by those of the devices. */
export function segmentDemand(checked: CheckedSegment): SegmentDemand | undefined {
  const { segment } = checked;
  const source = blockBytes(checked.source);
  const destination = blockBytes(checked.destination);
  const own = { sourcePad: false, readUnitBytes: 0 };
  switch (segment.kind) {
    case 'block-to-stream':
      return demand(checked, 'process', segment.blockCount * source, {});
    case 'stream-to-block':
      return demand(checked, 'produce', segment.blockCount * destination, {});
    case 'block-to-block':
      return segment.destinationCount
        ? demand(checked, 'produce', segment.blockCount * destination, {})
        : demand(checked, 'process', segment.blockCount * source, {});
    case 'stream-to-stream':
      return demand(checked, 'process', segment.byteCount, {});
    case 'inline-to-stream':
      return demand(checked, 'append', segment.byteCount, own);
    case 'embedded-to-stream':
      return demand(checked, 'append', segment.data.length, own);
    case 'stream-to-discard':
      return demand(checked, 'discard', segment.byteCount, { destinationPad: false });
    case 'block-offset-to-stream':
      return demand(checked, 'process', segment.byteCount, { skipBytes: segment.byteOffset });
    case 'stream-to-block-offset':
      return demand(checked, 'produce', segment.byteCount, { writeUnitBytes: 1 });
    case 'block-offset-to-block-offset': {
      const skipBytes = segment.sourceByteOffset;
      return demand(checked, 'produce', segment.byteCount, { skipBytes, writeUnitBytes: 1 });
    }
    default:
      return undefined;
  }
}

export function beginFlow(demand: SegmentDemand, residue: Residue): SegmentFlow {
  const produce = demand.rule === 'produce';
  const present = produce ? residue.destinationBytes : 0;
  return {
    ...residue,
    demand,
    toProcessBytes: Math.max(0, demand.bytes - present),
    toWriteBytes: produce ? demand.bytes : undefined,
    toSkipBytes: demand.skipBytes,
  };
}

export function nextStep(flow: SegmentFlow): SegmentStep {
  const { demand, toProcessBytes } = flow;
  const writable = writableBytes(flow);
  if (writable > 0) return { kind: 'write', bytes: writable };
  if (toProcessBytes === 0) return settle(flow);
  if (demand.rule === 'append') return { kind: 'process', bytes: toProcessBytes };
  if (flow.sourceBytes > 0) {
    return { kind: 'process', bytes: Math.min(flow.sourceBytes, toProcessBytes) };
  }
  assert(demand.readUnitBytes > 0, 'a segment with source data has a length of a read');
  const units = Math.ceil((toProcessBytes + flow.toSkipBytes) / demand.readUnitBytes);
  return { kind: 'read', units };
}

/** `bytes` came from the source; those to be skipped are the first of them. */
export function afterRead(flow: SegmentFlow, bytes: number): SegmentFlow {
  const skipped = Math.min(flow.toSkipBytes, bytes);
  return {
    ...flow,
    sourceBytes: flow.sourceBytes + bytes - skipped,
    toSkipBytes: flow.toSkipBytes - skipped,
  };
}

export function afterProcess(flow: SegmentFlow, bytes: number): SegmentFlow {
  const { rule } = flow.demand;
  return {
    ...flow,
    sourceBytes: flow.sourceBytes - (rule === 'append' ? 0 : bytes),
    destinationBytes: flow.destinationBytes + (rule === 'discard' ? 0 : bytes),
    toProcessBytes: flow.toProcessBytes - bytes,
  };
}

export function afterWrite(flow: SegmentFlow, bytes: number): SegmentFlow {
  return {
    ...flow,
    destinationBytes: flow.destinationBytes - bytes,
    toWriteBytes: flow.toWriteBytes === undefined ? undefined : flow.toWriteBytes - bytes,
  };
}

/** What the whole segment will write, padding not counted: the base of the residual in sense data. */
export function expectedWriteBytes(demand: SegmentDemand, residue: Residue): number {
  if (demand.rule === 'produce') return demand.bytes;
  if (demand.writeUnitBytes === 0) return 0;
  const added = demand.rule === 'discard' ? 0 : demand.bytes;
  const available = residue.destinationBytes + added;
  return available - (available % demand.writeUnitBytes);
}

function writableBytes({ demand, destinationBytes, toWriteBytes }: SegmentFlow): number {
  if (demand.writeUnitBytes === 0) return 0;
  const available = Math.min(destinationBytes, toWriteBytes ?? destinationBytes);
  return available - (available % demand.writeUnitBytes);
}

/** Table 30; where the destination is a given range, nothing is written after it. */
function settle({ demand, sourceBytes, destinationBytes }: SegmentFlow): SegmentStep {
  const kept: SegmentStep = {
    kind: 'end',
    padBytes: 0,
    residue: { sourceBytes, destinationBytes },
  };
  if (demand.concatenate || sourceBytes + destinationBytes === 0) return kept;
  const { sourcePad, destinationPad, writeUnitBytes } = demand;
  if (!sourcePad && !destinationPad) return { kind: 'inexact' };
  const residue = { sourceBytes: sourcePad ? 0 : sourceBytes, destinationBytes: 0 };
  if (!destinationPad || destinationBytes === 0) return { kind: 'end', padBytes: 0, residue };
  if (demand.rule === 'produce' || writeUnitBytes === 0) return { kind: 'inexact' };
  return { kind: 'end', padBytes: writeUnitBytes - destinationBytes, residue };
}

function demand(
  checked: CheckedSegment,
  rule: SegmentDemand['rule'],
  bytes: number,
  changed: Partial<SegmentDemand>,
): SegmentDemand {
  const { segment, source, destination } = checked;
  const transferLength = 'transferLength' in segment ? segment.transferLength : 0;
  const readLength =
    segment.kind === 'stream-to-stream' ? segment.sourceTransferLength : transferLength;
  return {
    rule,
    bytes,
    readUnitBytes: unitBytes(source, readLength),
    writeUnitBytes: unitBytes(destination, transferLength),
    skipBytes: 0,
    concatenate: 'concatenate' in segment && segment.concatenate,
    sourcePad: source?.parameters.pad ?? false,
    destinationPad: destination?.parameters.pad ?? false,
    ...changed,
  };
}

function unitBytes(target: TargetDescriptor | undefined, transferLength: number): number {
  if (target === undefined) return 0;
  const { parameters } = target;
  if (parameters.class !== 'block') return streamUnitBytes(parameters, transferLength);
  return blockBytes(target);
}

function blockBytes(target: TargetDescriptor | undefined): number {
  if (target?.parameters.class !== 'block') return 0;
  assert(target.parameters.blockBytes > 0, 'block lengths of 0 are replaced before');
  return target.parameters.blockBytes;
}
