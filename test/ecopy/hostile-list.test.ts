/**
 * Hostile parameter lists: each has a defined end. A list that is accepted means the same after it
 * has been encoded and decoded again, and each of its segments either fits or is refused.
 */
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from 'vitest';
import {
  decodeParameterList,
  encodeParameterList,
  type ParameterList,
} from '../../src/ecopy/parameter-list.js';
import { checkSegment } from '../../src/ecopy/segment-check.js';
import {
  afterProcess,
  afterRead,
  afterWrite,
  beginFlow,
  NO_RESIDUE,
  nextStep,
  type Residue,
  segmentDemand,
} from '../../src/ecopy/segment-flow.js';
import { decodeSense, encodeSense, SenseError } from '../../src/ecopy/sense.js';
import { SENSE } from '../../src/ecopy/sense-codes.js';
import { repeat } from '../support/factor.js';
import { RandomSource } from '../support/random-source.js';
import { EXAMPLES } from './worked-examples.js';

const { truncated: _, ...WHOLE } = EXAMPLES;
const LISTS = Object.entries(WHOLE);
const BEFORE_PROCESSING = [
  ...[SENSE.listLength, SENSE.invalidField, SENSE.tooManyTargets, SENSE.unsupportedTarget],
  ...[SENSE.tooManySegments, SENSE.unsupportedSegment, SENSE.inlineLength],
];
const IN_PROCESSING = [
  ...[SENSE.unreachableTarget, SENSE.unfitDevice, SENSE.segmentField, SENSE.inlineRange],
];
/** More than any list of a test takes when every step moves a thousand units. */
const STEPS_MAX = 100_000;

/** The sense of a refusal, which must be one of those allowed and survive its encoding. */
function refused(error: unknown, allowed: readonly unknown[]): string {
  if (!(error instanceof SenseError)) throw error;
  const { sense } = error;
  if (!allowed.includes(sense.code)) expect(allowed).toContain(sense.code);
  const again = decodeSense(encodeSense(sense));
  if (!isDeepStrictEqual(again, sense)) expect(again).toEqual(sense);
  return sense.code.text;
}

/** What becomes of a list: the text of the refusal, or `processed`. */
function fate(bytes: Uint8Array): string {
  let list: ParameterList;
  try {
    list = decodeParameterList(bytes);
  } catch (error) {
    return refused(error, BEFORE_PROCESSING);
  }
  const again = decodeParameterList(encodeParameterList(list));
  // Faster than an `expect` for each of so many lists.
  if (!isDeepStrictEqual(again, list)) expect(again).toEqual(list);
  let residue = NO_RESIDUE;
  for (const number of list.segments.keys()) {
    try {
      residue = ended(list, number, residue);
    } catch (error) {
      return refused(error, IN_PROCESSING);
    }
  }
  return 'processed';
}

/** Follows one segment to its end with sources that give all they are asked for. */
function ended(list: ParameterList, number: number, before: Residue): Residue {
  const checked = checkSegment(withBlockLengths(list), number);
  const demand = segmentDemand(checked);
  if (demand === undefined) return before;
  let flow = beginFlow(demand, before);
  for (let steps = 0; steps < STEPS_MAX; steps += 1) {
    const step = nextStep(flow);
    if (step.kind === 'end') return step.residue;
    if (step.kind === 'inexact') return NO_RESIDUE;
    if (step.kind === 'read') flow = afterRead(flow, step.units * demand.readUnitBytes);
    if (step.kind === 'process') flow = afterProcess(flow, step.bytes);
    if (step.kind === 'write') flow = afterWrite(flow, step.bytes);
  }
  throw new Error('the segment does not end');
}

/** As the copy manager does with what READ CAPACITY says. */
function withBlockLengths(list: ParameterList): ParameterList {
  const targets = list.targets.map((target) =>
    target.parameters.class === 'block' && target.parameters.blockBytes === 0
      ? { ...target, parameters: { ...target.parameters, blockBytes: 512 } }
      : target,
  );
  return { ...list, targets };
}

describe('hostile parameter lists', () => {
  it.each(LISTS)('every truncation of %s is a wrong length', (_name, bytes) => {
    const fates = [...bytes.keys()].map((size) => fate(bytes.subarray(0, size)));
    expect(new Set(fates)).toEqual(new Set([SENSE.listLength.text]));
  });

  it.each(LISTS)('every flipped bit of %s has a defined end', (_name, bytes) => {
    const fates = new Map<string, number>();
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const flipped = bytes.slice();
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (0x80 >> (bit & 7));
      const end = fate(flipped);
      fates.set(end, (fates.get(end) ?? 0) + 1);
    }
    expect(fates.get(SENSE.listLength.text)).toBeGreaterThan(8);
    expect(fates.get(SENSE.unsupportedTarget.text)).toBeGreaterThan(4);
    expect(fates.get(SENSE.unsupportedSegment.text)).toBeGreaterThan(2);
  });

  it('random bytes have a defined end', () => {
    const random = new RandomSource(0x83);
    const fates = new Set<string>();
    for (let round = 0; round < repeat(10_000); round += 1) {
      fates.add(fate(random.bytes(random.integer(0, 200))));
    }
    expect(fates).toContain(SENSE.listLength.text);
  });

  it('lists with random changes have a defined end', () => {
    const random = new RandomSource(0x84);
    const fates = new Set<string>();
    for (let round = 0; round < repeat(10_000); round += 1) fates.add(fate(mutated(random)));
    const often = [
      ...['processed', SENSE.listLength.text, SENSE.invalidField.text],
      ...[SENSE.unsupportedTarget.text, SENSE.unsupportedSegment.text],
      ...[SENSE.unreachableTarget.text, SENSE.unfitDevice.text, SENSE.segmentField.text],
    ];
    expect([...fates]).toEqual(expect.arrayContaining(often));
  });
});

/** An example with a few bytes changed, after its header more often than in it. */
function mutated(random: RandomSource): Uint8Array {
  const [, example] = random.pick(LISTS);
  const bytes = example.slice(0, random.chance(0.9) ? undefined : random.integer(0, 150));
  for (let change = random.integer(1, 4); change > 0; change -= 1) {
    const low = random.chance(0.9) ? Math.min(16, bytes.length) : 0;
    const offset = random.integer(low, Math.max(low, bytes.length - 1));
    if (offset < bytes.length) bytes[offset] = random.integer(0, random.pick([1, 5, 255]));
  }
  return bytes;
}
