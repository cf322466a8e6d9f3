/** Which slot a block gets: neighbours for neighbours, holes before the file grows without end. */
import { describe, expect, it } from 'vitest';
import { SlotAllocator } from '../../src/store/slot-allocator.js';
import { RandomSource } from '../support/random-source.js';

const ANY = Number.POSITIVE_INFINITY;

function take(allocator: SlotAllocator, count: number, limit = ANY): number[] {
  return Array.from({ length: count }, () => allocator.take(limit));
}

/** [first, length] of the runs of consecutive slots. */
function runs(slots: readonly number[]): [number, number][] {
  const found: [number, number][] = [];
  for (const slot of slots) {
    const last = found[found.length - 1];
    if (last !== undefined && slot === last[0] + last[1]) last[1] += 1;
    else found.push([slot, 1]);
  }
  return found;
}

function giveBack(allocator: SlotAllocator, from: number, to: number): void {
  for (let slot = from; slot < to; slot += 1) allocator.giveBack(slot);
}

describe('SlotAllocator', () => {
  it('fills a new file from its beginning, without gaps', () => {
    expect(runs(take(new SlotAllocator(), 1_000))).toEqual([[0, 1_000]]);
  });

  it('grows the file while less than a quarter of it is free', () => {
    const allocator = new SlotAllocator();
    take(allocator, 1_000);
    giveBack(allocator, 100, 300);
    expect(runs(take(allocator, 100))).toEqual([[1_000, 100]]);
  });

  it('takes free runs where a quarter is free', () => {
    const allocator = new SlotAllocator();
    take(allocator, 1_024);
    giveBack(allocator, 100, 400);
    expect(runs(take(allocator, 200))).toEqual([[100, 200]]);
  });

  it('takes free runs of any length before the file grows past the limit', () => {
    const allocator = new SlotAllocator();
    take(allocator, 1_000);
    for (let slot = 0; slot < 1_000; slot += 50) allocator.giveBack(slot);
    const slots = take(allocator, 25, 1_000);
    expect(slots.slice(0, 20).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 20 }, (_, index) => index * 50),
    );
    expect(runs(slots.slice(20))).toEqual([[1_000, 5]]);
  });

  it('prefers a long run to the short ones before it', () => {
    const allocator = new SlotAllocator();
    take(allocator, 2_000);
    for (let slot = 0; slot < 1_000; slot += 2) allocator.giveBack(slot);
    giveBack(allocator, 1_500, 1_600);
    expect(runs(take(allocator, 100, 0))).toEqual([[1_500, 100]]);
    expect(take(allocator, 1, 0)[0]).toBeLessThan(1_000);
  });

  it('goes round the file and does not begin at its start each time', () => {
    const allocator = new SlotAllocator();
    take(allocator, 4_000);
    giveBack(allocator, 0, 2_000);
    const first = take(allocator, 256, 0);
    giveBack(allocator, 0, 256);
    expect([runs(first), runs(take(allocator, 256, 0))]).toEqual([[[0, 256]], [[256, 256]]]);
  });

  it('gives the end of the file up when it is free', () => {
    const allocator = new SlotAllocator();
    take(allocator, 1_000);
    giveBack(allocator, 600, 1_000);
    expect(allocator.trim()).toBe(600);
    expect([allocator.free, runs(take(allocator, 10))]).toEqual([0, [[600, 10]]]);
  });

  it('leaves out slots that are claimed, also in the run it is taking', () => {
    const allocator = new SlotAllocator();
    take(allocator, 3);
    allocator.claim(5);
    expect(take(allocator, 4, 0)).toEqual([3, 4, 6, 7]);
  });

  it('never hands out a slot that is taken, whatever was given back', () => {
    const random = new RandomSource(9);
    const allocator = new SlotAllocator();
    const taken = new Set<number>();
    for (let step = 0; step < 20_000; step += 1) {
      if (taken.size > 0 && random.chance(0.45)) {
        const slot = random.pick([...taken].slice(0, 50));
        taken.delete(slot);
        allocator.giveBack(slot);
      } else {
        const slot = allocator.take(random.pick([0, 100, ANY]));
        expect(taken.has(slot)).toBe(false);
        taken.add(slot);
      }
      if (random.chance(0.01)) expect(allocator.trim()).toBe(Math.max(-1, ...taken) + 1);
    }
    expect(taken.size).toBeGreaterThan(1_000);
  });
});
