/**
 * A byte model of what a parameter list does to disks and tapes, written down from the specification alone (sections 3 and 4 and table
 * 30): volumes are byte arrays, cartridges lists of records and marks. A segment whose ranges do not lie in its targets changes nothing.
 */
import { decodeParameterList, type ParameterList } from '../../src/ecopy/parameter-list.js';
import { type CheckedSegment, checkSegment } from '../../src/ecopy/segment-check.js';
import type { SegmentDescriptor } from '../../src/ecopy/segment-descriptor.js';
import { SenseError } from '../../src/ecopy/sense.js';
import type { TargetDescriptor } from '../../src/ecopy/target-descriptor.js';
import {
  checkRange,
  Failed,
  type MediumOf,
  type SideOfIt,
  sideOf,
  UNREACHED,
} from './copy-model-sides.js';
import { TapeModel, TapeRefusal } from './tape-model.js';

/** `good`, or key, codes and number of the segment: `0a 26 0a 1`. */
type Fate = string;
interface Residue {
  readonly source: Buffer;
  readonly destination: Buffer;
}

/** How many bytes a segment moves, and by which rule. */
interface Amount {
  readonly rule: 'process' | 'produce' | 'own' | 'discard';
  readonly bytes: number;
  readonly skip: number;
  /** The destination is any range of bytes. */
  readonly isExact?: boolean;
  /** Inline or embedded data. */
  readonly own?: Uint8Array;
}

const NONE = Buffer.alloc(0);

/** Carries a list out. Cartridges stand at their beginning. */
export function modelCopy(bytes: Uint8Array, mediumOf: MediumOf): Fate {
  let number: number | undefined;
  try {
    const list = withSectors(decodeParameterList(bytes));
    let residue: Residue = { source: NONE, destination: NONE };
    for (number of list.segments.keys()) {
      residue = modelSegment(list, number, residue, mediumOf);
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
  mediumOf: MediumOf,
): Residue {
  const checked = checkSegment(list, number);
  const { segment } = checked;
  const [source, destination] = (['source', 'destination'] as const).map((side) => {
    const target = checked[side];
    return target && sideOf(segment, target, side, mediumOf);
  });
  const amount = amountOf(segment, list, checked);
  if (amount !== undefined) return moved(segment, amount, source, destination, before);
  command(segment, source, destination);
  return before;
}

function amountOf(
  segment: SegmentDescriptor,
  { inlineData }: ParameterList,
  { source, destination }: Pick<CheckedSegment, 'source' | 'destination'>,
): Amount | undefined {
  const blocks = (target: TargetDescriptor | undefined, count: number) =>
    count * (target?.parameters.class === 'block' ? target.parameters.blockBytes : 0);
  switch (segment.kind) {
    case 'block-to-stream':
      return { rule: 'process', bytes: blocks(source, segment.blockCount), skip: 0 };
    case 'stream-to-block':
      return { rule: 'produce', bytes: blocks(destination, segment.blockCount), skip: 0 };
    case 'block-to-block':
      return segment.destinationCount
        ? { rule: 'produce', bytes: blocks(destination, segment.blockCount), skip: 0 }
        : { rule: 'process', bytes: blocks(source, segment.blockCount), skip: 0 };
    case 'stream-to-stream':
      return { rule: 'process', bytes: segment.byteCount, skip: 0 };
    case 'stream-to-discard':
      return { rule: 'discard', bytes: segment.byteCount, skip: 0 };
    case 'block-offset-to-stream':
      return { rule: 'process', bytes: segment.byteCount, skip: segment.byteOffset };
    case 'stream-to-block-offset':
      return { rule: 'produce', bytes: segment.byteCount, skip: 0, isExact: true };
    case 'block-offset-to-block-offset': {
      const skip = segment.sourceByteOffset;
      return { rule: 'produce', bytes: segment.byteCount, skip, isExact: true };
    }
    case 'inline-to-stream': {
      const own = inlineData.subarray(segment.inlineOffset).subarray(0, segment.byteCount);
      return { rule: 'own', bytes: 0, skip: 0, own };
    }
    case 'embedded-to-stream':
      return { rule: 'own', bytes: 0, skip: 0, own: segment.data };
    default:
      return undefined;
  }
}

function moved(
  segment: SegmentDescriptor,
  { rule, bytes, skip, isExact = false, own = NONE }: Amount,
  source: SideOfIt | undefined,
  destination: SideOfIt | undefined,
  before: Residue,
): Residue {
  const isProduced = rule === 'produce';
  const unit = isExact ? 1 : (destination?.unit ?? 0);
  const wanted = Math.max(0, isProduced ? bytes - before.destination.length : bytes);
  const missing = Math.max(0, wanted - before.source.length);
  const readBytes =
    missing === 0 || !source ? 0 : Math.ceil((missing + skip) / source.unit) * source.unit;
  const added = rule === 'discard' ? 0 : rule === 'own' ? own.length : wanted;
  const whole = before.destination.length + added;
  const writeBytes = isProduced ? bytes : unit === 0 ? 0 : whole - (whole % unit);
  const leftBytes = whole - writeBytes;
  const keeps = 'concatenate' in segment && segment.concatenate;
  const sourcePad = rule !== 'own' && (source?.pad ?? false);
  const destinationPad = rule !== 'discard' && (destination?.pad ?? false);
  const isPadded = !keeps && destinationPad && !isProduced && leftBytes > 0;
  if (source) checkRange(source, readBytes);
  if (destination) checkRange(destination, writeBytes + (isPadded ? unit : 0));
  const isWritten = writeBytes + (isPadded ? 1 : 0) > 0;
  if (destination?.medium === 'none' && isWritten) throw new Failed(UNREACHED);

  const { read, failure } = readFrom(source, missing + skip, readBytes);
  const data = Buffer.concat([before.source, read.subarray(skip)]);
  const taken = data.subarray(0, wanted);
  const parts = rule === 'own' ? [own] : rule === 'discard' ? [] : [taken];
  const out = Buffer.concat([before.destination, ...parts]);
  const possible = Math.min(out.length, writeBytes);
  if (failure !== undefined) {
    if (unit > 0) writeTo(destination, out.subarray(0, possible - (possible % unit)));
    throw failure;
  }
  writeTo(destination, out.subarray(0, writeBytes));
  const rest = { source: data.subarray(wanted), destination: out.subarray(writeBytes) };
  if (keeps) return rest;
  if (!sourcePad && !destinationPad) {
    if (rest.source.length + rest.destination.length > 0) throw new Failed('0a 26 0a');
    return rest;
  }
  if (destinationPad && rest.destination.length > 0) {
    if (isProduced) throw new Failed('0a 26 0a');
    const padded = Buffer.concat([rest.destination, Buffer.alloc(unit - leftBytes)]);
    const behind = destination && { ...destination, start: destination.start + BigInt(writeBytes) };
    writeTo(behind, padded);
  }
  return { source: sourcePad ? NONE : rest.source, destination: NONE };
}

/** What comes; with the failure where that is too little. */
function readFrom(
  side: SideOfIt | undefined,
  needed: number,
  readBytes: number,
): { read: Buffer; failure?: Error } {
  if (side === undefined || readBytes === 0) return { read: NONE };
  const { medium, shape, start } = side;
  if (medium === 'none') return { read: NONE, failure: new Failed(UNREACHED) };
  if (!(medium instanceof TapeModel)) {
    return { read: Buffer.from(medium.subarray(Number(start), Number(start) + readBytes)) };
  }
  let read = NONE;
  try {
    while (read.length < needed) read = Buffer.concat([read, medium.read(shape)]);
  } catch (error) {
    return { read, failure: error as Error };
  }
  return { read };
}

function writeTo(side: SideOfIt | undefined, data: Buffer): void {
  if (side === undefined || data.length === 0 || side.medium === 'none') return;
  if (side.medium instanceof TapeModel) side.medium.write(data, side.shape);
  else side.medium.set(data, Number(side.start));
}

function command(
  segment: SegmentDescriptor,
  source: SideOfIt | undefined,
  destination: SideOfIt | undefined,
): void {
  const medium = (destination ?? source)?.medium;
  if (medium === 'none') throw new Failed(UNREACHED);
  if (segment.kind === 'verify') return;
  if (!(medium instanceof TapeModel)) throw new TapeRefusal();
  if (segment.kind === 'write-filemarks' && !segment.setmarks) medium.writeMarks(segment.count);
  else if (segment.kind === 'space') medium.space(segment.spaceCode, segment.count);
  else if (segment.kind === 'locate') medium.locate(segment.logicalBlock);
  else throw new TapeRefusal();
}

function fateOf(error: unknown, number: number | undefined): Fate {
  const segment = number === undefined ? '' : ` ${number}`;
  if (error instanceof TapeRefusal) return `0a 0d ${error.isOverrun ? '05' : '01'}${segment}`;
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
