/** Bits of slots: single ones, runs, whole chunks. */
import { describe, expect, it } from 'vitest';
import { CHUNK_SLOTS, SlotBits } from '../../src/store/slot-bits.js';
import { RandomSource } from '../support/random-source.js';

function bitsOf(...slots: number[]): SlotBits {
  const bits = new SlotBits();
  for (const slot of slots) bits.set(slot);
  return bits;
}

describe('SlotBits', () => {
  it('has what was set and not what was cleared again', () => {
    const bits = bitsOf(0, 7, 8, 4_095, 4_096, 100_000);
    expect([bits.clear(8), bits.clear(8), bits.set(7), bits.set(9)]).toEqual([
      true,
      false,
      false,
      true,
    ]);
    expect([0, 7, 8, 9, 4_095, 4_096, 4_097, 100_000].map((slot) => bits.has(slot))).toEqual([
      ...[true, true, false, true, true, true, false, true],
    ]);
    expect(bits.count).toBe(6);
  });

  it('has the lowest bit of a byte first, and no memory for a chunk without bits', () => {
    const bits = bitsOf(0, 7, 8, 4_096);
    expect([...(bits.bitmap(0) as Uint8Array).subarray(0, 3)]).toEqual([0x81, 1, 0]);
    bits.clear(4_096);
    expect([bits.bitmap(1), bits.bitmap(2)]).toEqual([undefined, undefined]);
  });

  it('takes over whole bitmaps', () => {
    const bits = new SlotBits();
    bits.load(2, (bitsOf(1, 4_095).bitmap(0) as Uint8Array).slice());
    bits.load(3, new Uint8Array(CHUNK_SLOTS / 8));
    expect([bits.count, bits.has(8_193), bits.has(12_287), bits.last]).toEqual([
      2,
      true,
      true,
      12_287,
    ]);
  });

  it.each<[number[], number]>([
    [[], -1],
    [[0], 0],
    [[5, 4_096 + 17, 3], 4_096 + 17],
    [[8_191], 8_191],
  ])('knows the last of %j', (slots, last) => {
    expect(bitsOf(...slots).last).toBe(last);
  });

  it('finds the next set and the next clear bit as a plain search does', () => {
    const random = new RandomSource(5);
    for (let round = 0; round < 40; round += 1) {
      const end = random.integer(1, 3 * CHUNK_SLOTS);
      const density = random.pick([0.001, 0.5, 0.999, 1]);
      const plain = Array.from({ length: end }, () => random.chance(density));
      const bits = new SlotBits();
      for (const [slot, isSet] of plain.entries()) if (isSet) bits.set(slot);
      const from = random.integer(0, end);
      const search = (wanted: boolean) => {
        const found = plain.indexOf(wanted, from);
        return found < 0 ? end : found;
      };
      expect([bits.nextSet(from, end), bits.nextClear(from, end)]).toEqual([
        search(true),
        search(false),
      ]);
    }
  });
});
