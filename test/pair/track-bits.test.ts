/** Bitmaps by track against a set of numbers, and their stored chunks. */
import { describe, expect, it } from 'vitest';
import { CHUNK_TRACKS, countInAny, TrackBits } from '../../src/pair/track-bits.js';
import { repeat } from '../support/factor.js';
import { RandomSource } from '../support/random-source.js';

const all = (bits: TrackBits) => {
  const tracks: number[] = [];
  for (let run = bits.firstRun(); run; run = bits.firstRun(run.track + run.count)) {
    for (let at = 0; at < run.count; at += 1) tracks.push(run.track + at);
  }
  return tracks;
};

describe('track bits', () => {
  it('begin empty', () => {
    const bits = new TrackBits(10_000);
    expect([bits.count, bits.first(), bits.firstRun(), bits.chunk(0)]).toEqual([
      ...[0, undefined, undefined, undefined],
    ]);
    expect(new TrackBits(0).first()).toBeUndefined();
  });

  it('are stored lowest bit first in chunks of 512 bytes', () => {
    const bits = new TrackBits(2 * CHUNK_TRACKS);
    bits.set(0);
    bits.set(9, 8);
    bits.set(CHUNK_TRACKS - 1, 2);
    const first = Buffer.from(bits.chunk(0) ?? []);
    expect(first.length).toBe(512);
    expect(first.subarray(0, 4).toString('hex')).toBe('01fe0100');
    expect(first[511]).toBe(0x80);
    expect(bits.chunk(1)?.[0]).toBe(1);
    expect(bits.count).toBe(11);
  });

  it('tell runs over chunks, and not past the volume', () => {
    const bits = new TrackBits(CHUNK_TRACKS + 5);
    bits.setAll();
    expect(bits.firstRun()).toEqual({ track: 0, count: CHUNK_TRACKS + 5 });
    bits.clear(0, CHUNK_TRACKS - 3);
    expect(bits.firstRun(0, 15)).toEqual({ track: CHUNK_TRACKS - 3, count: 8 });
    expect(bits.firstRun(0, 3)).toEqual({ track: CHUNK_TRACKS - 3, count: 3 });
    expect(bits.firstRun(CHUNK_TRACKS + 4)).toEqual({ track: CHUNK_TRACKS + 4, count: 1 });
    expect(bits.firstRun(CHUNK_TRACKS + 5)).toBeUndefined();
  });

  it('are the same after storing and loading the chunks that changed', () => {
    const bits = new TrackBits(3 * CHUNK_TRACKS);
    bits.set(5);
    bits.set(2 * CHUNK_TRACKS, 100);
    expect(bits.takeChanged()).toEqual([0, 2]);
    const loaded = new TrackBits(3 * CHUNK_TRACKS);
    // As from a store: a view of some larger buffer, at an odd place.
    const stored = Buffer.alloc(1 + 512);
    for (const index of [0, 2]) {
      stored.set(bits.chunk(index) ?? [], 1);
      loaded.load(index, stored.subarray(1));
    }
    expect(all(loaded)).toEqual(all(bits));
    expect([loaded.count, loaded.takeChanged()]).toEqual([101, []]);
    loaded.set(6);
    expect(bits.has(6)).toBe(false);
  });

  it('count together what is set in any of them', () => {
    const [one, two, three] = [0, 1, 2].map(() => new TrackBits(3 * CHUNK_TRACKS));
    one?.set(10, 100);
    two?.set(50, 100);
    two?.set(CHUNK_TRACKS, 7);
    three?.set(2 * CHUNK_TRACKS);
    const bitmaps = [one, two, three].filter((bits) => bits !== undefined);
    expect(countInAny(bitmaps)).toBe(140 + 7 + 1);
    expect(bitmaps.map((bits) => bits.count)).toEqual([100, 107, 1]);
    expect(countInAny([])).toBe(0);
  });

  it('change a chunk by what differs alone', () => {
    const bits = new TrackBits(CHUNK_TRACKS);
    bits.set(1);
    expect(bits.takeChanged()).toEqual([0]);
    bits.set(1);
    bits.clear(2);
    bits.add(new TrackBits(CHUNK_TRACKS));
    bits.add(bits);
    expect(bits.takeChanged()).toEqual([]);
    bits.clear(1);
    expect([bits.takeChanged(), bits.chunk(0)]).toEqual([[0], undefined]);
  });

  it.each<[string, (bits: TrackBits) => void]>([
    ['a track past the end', (bits) => bits.set(100)],
    ['a range past the end', (bits) => bits.clear(99, 2)],
    ['a track before the beginning', (bits) => bits.set(-1)],
    ['bits of another volume', (bits) => bits.add(new TrackBits(99))],
    ['a chunk past the end', (bits) => bits.load(1, new Uint8Array(512))],
    ['a short chunk', (bits) => bits.load(0, new Uint8Array(511))],
    [
      'a stored bit past the end',
      (bits) =>
        bits.load(
          0,
          Uint8Array.from({ length: 512 }, (_, at) => (at === 12 ? 0x10 : 0)),
        ),
    ],
  ])('%s is a bug of the caller', (_what, change) => {
    expect(() => change(new TrackBits(100))).toThrow('assertion failed');
  });

  it('are a set of numbers', () => {
    const random = new RandomSource(0xb175);
    for (let round = 0; round < repeat(20); round += 1) {
      const size = random.pick([1, 7, 8, 9, 100, CHUNK_TRACKS, CHUNK_TRACKS + 1, 9_000]);
      const bits = new TrackBits(size);
      const others = new TrackBits(size);
      const model = new Set<number>();
      for (let step = 0; step < 30; step += 1) {
        const track = random.integer(0, size - 1);
        const count = Math.min(size - track, random.pick([1, 2, 8, 30, 5_000]));
        const action = random.integer(0, 2);
        const range = Array.from({ length: count }, (_, at) => track + at);
        if (action === 0) {
          bits.set(track, count);
          for (const at of range) model.add(at);
        } else if (action === 1) {
          bits.clear(track, count);
          for (const at of range) model.delete(at);
        } else {
          others.clearAll();
          others.set(track, count);
          bits.add(others);
          for (const at of range) model.add(at);
        }
        const sorted = [...model].sort((a, b) => a - b);
        expect(bits.count).toBe(model.size);
        expect(all(bits)).toEqual(sorted);
        expect(bits.has(track)).toBe(model.has(track));
        const run = sorted.findIndex((at, place) => sorted[place + 1] !== at + 1 || place === 4);
        expect(bits.firstRun(0, 5)?.count).toBe(run < 0 ? undefined : run + 1);
        expect(bits.first(track)).toBe(sorted.find((at) => at >= track));
      }
    }
  });
});
