/** The write-back cache: generations that are closed, stored, put together and published. */
import { beforeEach, describe, expect, it } from 'vitest';
import { recordKey } from '../../src/store/keys.js';
import { ALL_SECTORS } from '../../src/store/records.js';
import { ZEROS } from '../../src/store/resolve.js';
import type { Generation } from '../../src/volume/generation.js';
import type { Lineage } from '../../src/volume/lineage.js';
import type { WriteCache } from '../../src/volume/write-cache.js';
import {
  byteAt,
  cachedBlock,
  cutAndStore,
  full,
  location,
  newCache,
  sectors,
} from './write-cache-fixture.js';

let cache: WriteCache;
let lineage: Lineage;
beforeEach(() => {
  ({ cache, lineage } = newCache());
});

describe('WriteCache.cut, setStored and retire', () => {
  it('closes nothing where nothing was written', () => {
    expect([cache.cut(), cache.closed]).toEqual([undefined, []]);
  });

  it('numbers generations one after the other', () => {
    for (let count = 0; count < 3; count += 1) {
      cache.write(lineage, 0, 0, full(1));
      cache.cut();
    }
    expect([...cache.closed, cache.active].map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4]);
  });

  it('frees the memory of blocks that were stored, and counts them until they are published', () => {
    cache.write(lineage, 0, 0, full(1));
    cache.write(lineage, 1, 0, sectors(1));
    const generation = cutAndStore(cache, 8);
    expect([cache.memory.usedBytes, generation.memoryBytes, cache.dirtyBlocks]).toEqual([0, 0, 2]);
    expect(cachedBlock(lineage, 0, 1)).toMatchObject({
      span: undefined,
      location: location(9),
      sectors: ALL_SECTORS,
    });
    expect(() => cache.setStored(generation, cachedBlock(lineage, 0, 1), location(9))).toThrow(
      /stored once/,
    );
    cache.retire(generation);
    expect([cache.dirtyBlocks, cache.closed, lineage.layers]).toEqual([0, [], []]);
  });

  it('does not count a block that turned out to be zeros', () => {
    cache.write(lineage, 0, 0, full(0));
    const generation = cache.cut() as Generation;
    cache.setStored(generation, cachedBlock(lineage, 0, 0), ZEROS);
    expect([cache.dirtyBlocks, generation.dirtyBlocks]).toEqual([0, 0]);
  });

  it('leaves the next generation alone', () => {
    cache.write(lineage, 0, 0, full(1));
    cache.zeroBlock(lineage, 1);
    const first = cutAndStore(cache, 1);
    cache.write(lineage, 0, 0, full(2));
    cache.retire(first);
    expect([cache.dirtyBlocks, cache.closed, lineage.layers.length]).toEqual([1, [], 1]);
    expect(byteAt(cachedBlock(lineage, 0, 0), 0)).toBe(2);
  });

  it('retires in order only', () => {
    cache.write(lineage, 0, 0, full(1));
    cache.cut();
    cache.write(lineage, 0, 0, full(1));
    const second = cache.cut() as Generation;
    expect(() => cache.retire(second)).toThrow(
      /assertion failed: generations are published in order/,
    );
  });

  it('packs the records touched as they stand at the cut, once each', () => {
    let state = 1;
    const source = { recordKey: recordKey('job', 1), packRecord: () => Uint8Array.of(state) };
    cache.active.change(recordKey('job', 1), Uint8Array.of(99));
    cache.active.touch(source, 'command');
    cache.active.touch(source, 'write');
    cache.active.change(recordKey('job', 2), undefined);
    state = 2;
    const closed = cache.cut();
    state = 3;
    expect(closed?.records).toEqual([
      { key: recordKey('job', 1), value: Uint8Array.of(2) },
      { key: recordKey('job', 2), value: undefined },
    ]);
  });
});

describe('WriteCache.absorb', () => {
  /** Two stored generations; the second writes block 0 again, and block 1. */
  function twoStored(): [Generation, Generation] {
    cache.write(lineage, 0, 0, full(1));
    const first = cutAndStore(cache, 10);
    cache.write(lineage, 0, 0, sectors(2));
    cache.write(lineage, 1, 0, full(3));
    return [first, cutAndStore(cache, 20)];
  }

  it('makes one generation of two that follow each other', () => {
    const [first, second] = twoStored();
    cache.absorb(first, second);
    expect([cache.closed, first.sequence]).toEqual([[first], 2]);
    expect([lineage.layers, first.steps]).toEqual([first.steps, [lineage.layers[0]]]);
    expect([
      cachedBlock(lineage, 0, 0).location?.id,
      cachedBlock(lineage, 0, 1).location?.id,
    ]).toEqual([20, 21]);
    expect([first.discards, first.dirtyBlocks, cache.dirtyBlocks]).toEqual([[10], 3, 3]);
    cache.retire(first);
    expect([cache.dirtyBlocks, lineage.layers]).toEqual([0, []]);
  });

  it('keeps later layers of the lineage in order', () => {
    const [first, second] = twoStored();
    cache.write(lineage, 0, 0, full(4));
    const active = lineage.layers[2];
    cache.absorb(first, second);
    expect(lineage.layers).toEqual([first.steps[0], active]);
  });

  it('takes the layer of another epoch over as it is', () => {
    cache.write(lineage, 0, 0, full(1));
    const first = cutAndStore(cache, 10);
    lineage.epoch += 1;
    cache.write(lineage, 0, 0, full(2));
    cache.absorb(first, cutAndStore(cache, 20));
    expect(first.steps).toEqual(lineage.layers);
    expect([lineage.layers.map(({ epoch }) => epoch), first.discards]).toEqual([[1, 2], []]);
  });

  it('takes only the generation that follows', () => {
    const [first, second] = twoStored();
    expect(() => cache.absorb(second, first)).toThrow(/put together in order/);
  });
});
