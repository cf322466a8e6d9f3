/** The write-back cache: layers per lineage and epoch, pages and blocks of memory. */
import { beforeEach, describe, expect, it } from 'vitest';
import { BLOCK_BYTES, PAGE_BYTES, SECTOR_BYTES } from '../../src/base/sizes.js';
import { ALL_SECTORS } from '../../src/store/records.js';
import { ZEROS } from '../../src/store/resolve.js';
import type { Layer, Lineage } from '../../src/volume/lineage.js';
import type { WriteCache } from '../../src/volume/write-cache.js';
import {
  byteAt,
  cachedBlock,
  full,
  location,
  newCache,
  newLineage,
  sectors,
} from './write-cache-fixture.js';

let cache: WriteCache;
let lineage: Lineage;
beforeEach(() => {
  ({ cache, lineage } = newCache());
});

describe('WriteCache', () => {
  it('gathers the sectors of a page in one page of memory', () => {
    cache.write(lineage, 5, SECTOR_BYTES, sectors(1));
    cache.write(lineage, 5, 3 * SECTOR_BYTES, sectors(3));
    expect(cachedBlock(lineage, 0, 5)).toMatchObject({ sectors: 0b1010, start: 0 });
    expect([
      byteAt(cachedBlock(lineage, 0, 5), SECTOR_BYTES),
      byteAt(cachedBlock(lineage, 0, 5), 3 * SECTOR_BYTES),
    ]).toEqual([1, 3]);
    expect([cache.dirtyBlocks, cache.memory.usedBytes]).toEqual([1, PAGE_BYTES]);
  });

  it.each([0, 1, 2, 3])('takes one page for a write inside page %d', (page) => {
    cache.write(lineage, 5, page * PAGE_BYTES, new Uint8Array(PAGE_BYTES).fill(7));
    expect(cachedBlock(lineage, 0, 5)).toMatchObject({
      start: page * PAGE_BYTES,
      sectors: (0xff << (8 * page)) >>> 0,
    });
    expect(byteAt(cachedBlock(lineage, 0, 5), page * PAGE_BYTES + 100)).toBe(7);
    expect(cache.active.memoryBytes).toBe(PAGE_BYTES);
  });

  it('takes a block for a write over the border of two pages', () => {
    cache.write(lineage, 5, PAGE_BYTES - SECTOR_BYTES, sectors(7, 2));
    expect(cachedBlock(lineage, 0, 5)).toMatchObject({ start: 0, sectors: 0b1_1000_0000 });
    expect(cache.memory.usedBytes).toBe(BLOCK_BYTES);
  });

  it('moves a page into a block when another page of the block is written', () => {
    cache.write(lineage, 5, PAGE_BYTES, sectors(1));
    cache.write(lineage, 5, 3 * PAGE_BYTES, sectors(2));
    expect(cachedBlock(lineage, 0, 5)).toMatchObject({ start: 0, sectors: 0x0100_0100 });
    expect([
      byteAt(cachedBlock(lineage, 0, 5), PAGE_BYTES),
      byteAt(cachedBlock(lineage, 0, 5), 3 * PAGE_BYTES),
    ]).toEqual([1, 2]);
    expect([cache.dirtyBlocks, cache.memory.usedBytes, cache.active.memoryBytes]).toEqual([
      1,
      BLOCK_BYTES,
      BLOCK_BYTES,
    ]);
  });

  it('takes whole sectors only', () => {
    expect(() => cache.write(lineage, 0, 1, full(1))).toThrow(/assertion failed: whole sectors/);
    expect(() => cache.write(lineage, 0, 0, new Uint8Array(100))).toThrow(/assertion failed/);
  });

  it('overwrites in place within one epoch and generation', () => {
    cache.write(lineage, 0, 0, full(1));
    cache.write(lineage, 0, 0, full(2));
    expect([
      cache.dirtyBlocks,
      lineage.layers.length,
      byteAt(cachedBlock(lineage, 0, 0), 0),
    ]).toEqual([1, 1, 2]);
  });

  it('begins a layer after a cut and leaves the closed generation as it was', () => {
    cache.write(lineage, 0, 0, full(1));
    const closed = cache.cut();
    cache.write(lineage, 0, 0, full(2));
    expect(closed?.steps).toEqual([lineage.layers[0]]);
    expect([byteAt(cachedBlock(lineage, 0, 0), 0), byteAt(cachedBlock(lineage, 1, 0), 0)]).toEqual([
      1, 2,
    ]);
  });

  it('begins a layer for another epoch after a cut and keeps the older one', () => {
    cache.write(lineage, 0, 0, full(1));
    cache.cut();
    lineage.epoch += 1;
    cache.write(lineage, 0, 0, full(2));
    expect(lineage.layers.map(({ epoch }) => epoch)).toEqual([1, 2]);
    expect([byteAt(cachedBlock(lineage, 0, 0), 0), byteAt(cachedBlock(lineage, 1, 0), 0)]).toEqual([
      1, 2,
    ]);
  });

  it('takes no second epoch of a lineage into a generation', () => {
    expect(cache.isWritten(lineage)).toBe(false);
    cache.write(lineage, 0, 0, full(1));
    expect(cache.isWritten(lineage)).toBe(true);
    lineage.epoch += 1;
    expect(cache.isWritten(lineage)).toBe(false);
    expect(() => cache.write(lineage, 0, 0, full(2))).toThrow(/one epoch of a lineage/);
  });

  it('keeps lineages apart', () => {
    const other = newLineage(2);
    cache.write(lineage, 0, 0, full(1));
    cache.write(other, 0, 0, full(2));
    expect([byteAt(cachedBlock(lineage, 0, 0), 0), byteAt(cachedBlock(other, 0, 0), 0)]).toEqual([
      1, 2,
    ]);
  });

  it('numbers the layers in the order in which they began', () => {
    const other = newLineage(2);
    cache.write(other, 0, 0, full(1));
    const between = cache.takeOrder();
    cache.write(lineage, 0, 0, full(1));
    cache.write(other, 1, 0, full(1));
    const orders = [other, lineage].map(({ layers }) => (layers[0] as Layer).order);
    expect([orders[0], between, orders[1]]).toEqual([1, 2, 3]);
  });

  it('says once that the generation has its memory', () => {
    let asked = 0;
    cache.onFull = () => {
      asked += 1;
    };
    for (let block = 0; block < 3; block += 1) cache.write(lineage, block, 0, full(1));
    for (let block = 3; block < 6; block += 1) cache.write(lineage, block, 0, sectors(1));
    expect([asked, cache.active.isFull]).toEqual([0, false]);
    cache.write(lineage, 6, 0, sectors(1));
    expect([asked, cache.active.isFull]).toEqual([1, true]);
    cache.write(lineage, 7, 0, full(1));
    expect(asked).toBe(1);
    cache.cut();
    expect(cache.active.isFull).toBe(false);
  });
});

describe('WriteCache, blocks of zeros', () => {
  it('take no memory', () => {
    cache.zeroBlock(lineage, 0);
    expect(cache.dirtyBlocks).toBe(0);
    expect(cachedBlock(lineage, 0, 0)).toMatchObject({
      span: undefined,
      location: ZEROS,
      sectors: ALL_SECTORS,
    });
  });

  it('give back the memory of what they replace', () => {
    cache.write(lineage, 0, 0, full(1));
    cache.write(lineage, 1, 0, sectors(1));
    cache.zeroBlock(lineage, 0);
    cache.zeroBlock(lineage, 1);
    expect([cache.dirtyBlocks, cache.active.memoryBytes, cache.memory.usedBytes]).toEqual([
      0, 0, 0,
    ]);
  });

  it('get memory full of zeros when a sector is written', () => {
    cache.write(lineage, 0, 0, full(9));
    cache.zeroBlock(lineage, 0);
    cache.write(lineage, 0, SECTOR_BYTES, sectors(7));
    const cached = cachedBlock(lineage, 0, 0);
    expect([0, SECTOR_BYTES, BLOCK_BYTES - 1].map((at) => byteAt(cached, at))).toEqual([0, 7, 0]);
    expect([cached.sectors, cache.dirtyBlocks]).toEqual([ALL_SECTORS, 1]);
  });
});

describe('WriteCache, shared blocks', () => {
  it('take no memory and no place in the container', () => {
    cache.write(lineage, 0, 0, full(1));
    cache.shareBlock(lineage, 0, location(9));
    expect(cachedBlock(lineage, 0, 0)).toMatchObject({
      span: undefined,
      location: location(9),
      shared: true,
    });
    expect([cache.dirtyBlocks, cache.memory.usedBytes]).toEqual([0, 0]);
  });

  it('of zeros are zeros', () => {
    cache.shareBlock(lineage, 0, ZEROS);
    expect(cachedBlock(lineage, 0, 0)).toMatchObject({ location: ZEROS, shared: false });
  });

  it('are copied into memory when a sector is written', () => {
    cache.shareBlock(lineage, 0, location(9));
    cache.write(lineage, 0, SECTOR_BYTES, sectors(7));
    const cached = cachedBlock(lineage, 0, 0);
    expect(cached).toMatchObject({ location: undefined, shared: false, sectors: ALL_SECTORS });
    expect([0, SECTOR_BYTES, BLOCK_BYTES - 1].map((at) => byteAt(cached, at))).toEqual([9, 7, 9]);
    expect(cache.dirtyBlocks).toBe(1);
  });
});

describe('WriteCache, what is not logged yet', () => {
  it('is every sector written, whatever happens to the block then', () => {
    cache.write(lineage, 0, 0, sectors(1));
    cache.write(lineage, 0, PAGE_BYTES, sectors(1));
    expect(cachedBlock(lineage, 0, 0).unlogged).toBe(0x0000_0101);
    cache.zeroBlock(lineage, 1);
    cache.shareBlock(lineage, 2, location(9));
    expect([cachedBlock(lineage, 0, 1).unlogged, cachedBlock(lineage, 0, 2).unlogged]).toEqual([
      ALL_SECTORS,
      ALL_SECTORS,
    ]);
    expect(lineage.layers[0]?.unlogged).toEqual(new Set([0, 1, 2]));
  });

  it('is only what was written since the last log', () => {
    cache.write(lineage, 0, 0, sectors(1));
    lineage.layers[0]?.unlogged.clear();
    cachedBlock(lineage, 0, 0).unlogged = 0;
    cache.write(lineage, 0, 3 * SECTOR_BYTES, sectors(1));
    expect([cachedBlock(lineage, 0, 0).unlogged, cachedBlock(lineage, 0, 0).sectors]).toEqual([
      0b1000, 0b1001,
    ]);
    expect(lineage.layers[0]?.unlogged).toEqual(new Set([0]));
  });
});
