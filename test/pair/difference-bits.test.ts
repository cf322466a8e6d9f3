/** The three bitmaps of a pair. */
import { describe, expect, it } from 'vitest';
import { DifferenceBits, tracksOf } from '../../src/pair/difference-bits.js';

const KiB = 1024;
const TRACK = 64 * KiB;

describe('difference bits', () => {
  it.each([
    [0, 0, 0],
    [1, 1, 1],
    [TRACK, 1, 1],
    [TRACK + 512, 2, 2],
    [10 * TRACK, 10, 10],
  ])('of %d bytes have %d tracks', (bytes, tracks) => {
    const bits = new DifferenceBits(bytes);
    bits.makeAllPending();
    expect([bits.pending.count, bits.unequalCount]).toEqual([tracks, tracks]);
  });

  it.each([
    [0, 1, { track: 0, count: 1 }],
    [TRACK - 1, 1, { track: 0, count: 1 }],
    [TRACK - 1, 2, { track: 0, count: 2 }],
    [TRACK, TRACK, { track: 1, count: 1 }],
    [3 * TRACK + 5, 4 * TRACK, { track: 3, count: 5 }],
    [3 * TRACK, 0, { track: 3, count: 0 }],
  ])('bytes from %d, %d of them, touch their tracks', (offset, length, run) => {
    expect(tracksOf(offset, length)).toEqual(run);
  });

  it('the copy pointer is the lowest pending track', () => {
    const bits = new DifferenceBits(100 * TRACK);
    expect(bits.copyPointer).toBeUndefined();
    bits.primaryChanged.set(1);
    bits.pending.set(40, 3);
    expect(bits.copyPointer).toBe(40);
    bits.pending.clear(40);
    expect(bits.copyPointer).toBe(41);
  });

  it('a turn is as long as the pace, and never over a gap', () => {
    const bits = new DifferenceBits(100 * TRACK);
    bits.pending.set(10, 20);
    const turn = (pace: 'slow' | 'medium' | 'fast') => bits.nextTurn(pace)?.count;
    expect([turn('slow'), turn('medium'), turn('fast')]).toEqual([1, 3, 15]);
    bits.pending.clear(12);
    expect(bits.nextTurn('fast')).toEqual({ track: 10, count: 2 });
    bits.pending.clearAll();
    expect(bits.nextTurn('fast')).toBeUndefined();
  });

  it('a resync makes the union of all three pending', () => {
    const bits = new DifferenceBits(100 * TRACK);
    bits.pending.set(1, 3);
    bits.primaryChanged.set(3, 2);
    bits.secondaryChanged.set(4, 3);
    expect(bits.unequalCount).toBe(6);
    bits.makeChangesPending();
    expect(bits.pending.firstRun()).toEqual({ track: 1, count: 6 });
    expect([bits.primaryChanged.count, bits.secondaryChanged.count]).toEqual([0, 0]);
    expect(bits.unequalCount).toBe(6);
  });

  it('a first copy forgets what was changed before', () => {
    const bits = new DifferenceBits(100 * TRACK);
    bits.secondaryChanged.set(4);
    bits.makeAllPending();
    expect([bits.pending.count, bits.secondaryChanged.count]).toEqual([100, 0]);
  });
});
