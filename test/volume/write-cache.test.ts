/** The write-back cache: layers per lineage and epoch, generations, pages and blocks of memory. */
import { crc32 } from 'node:zlib';
import { beforeEach, describe, expect, it } from 'vitest';
import { BLOCK_BYTES, PAGE_BYTES, SECTOR_BYTES } from '../../src/base/sizes.js';
import { recordKey } from '../../src/store/keys.js';
import { ALL_SECTORS, type Location } from '../../src/store/records.js';
import { ZEROS } from '../../src/store/resolve.js';
import { BlockIndex, emptyRegion, IndexBudget } from '../../src/volume/block-index.js';
import { CacheMemory } from '../../src/volume/cache-memory.js';
import type { Generation } from '../../src/volume/generation.js';
import { type CachedBlock, type Layer, Lineage } from '../../src/volume/lineage.js';
import { sectorMask, WriteCache } from '../../src/volume/write-cache.js';
import { repeat } from '../support/factor.js';
import { RandomSource } from '../support/random-source.js';

const BLOCKS = 16;

function newLineage(id: number): Lineage {
  return new Lineage(id, undefined, 0, 0, () => {
    return new BlockIndex(new IndexBudget(2 ** 20), () => emptyRegion());
  });
}

/** Where a stored block of one byte is; the byte is its id. */
function location(byte: number): Location {
  return { id: byte, crc: crc32(full(byte)), sectors: ALL_SECTORS };
}

let cache: WriteCache;
let lineage: Lineage;
beforeEach(() => {
  const memory = new CacheMemory(BLOCKS * BLOCK_BYTES, () => {});
  cache = new WriteCache(memory, 4 * BLOCK_BYTES, 0, ({ id }) => full(id));
  lineage = newLineage(1);
});

const full = (byte: number) => new Uint8Array(BLOCK_BYTES).fill(byte);
const sectors = (byte: number, count = 1) => new Uint8Array(count * SECTOR_BYTES).fill(byte);

function entry(layer: number, block: number, of = lineage): CachedBlock {
  const found = of.layers[layer]?.blocks.get(block);
  if (found === undefined) throw new Error(`block ${block} is not in layer ${layer}`);
  return found;
}

/** The byte at `position` of a block that is in memory. */
function byteAt({ span, start }: CachedBlock, position: number): number | undefined {
  return span?.bytes[position - start];
}

/** What a destage does: closes the active generation and stores its blocks under ids from `id` on. */
function cutAndStore(id: number): Generation {
  const generation = cache.cut() as Generation;
  for (const step of generation.steps) {
    if (step.kind !== 'layer') continue;
    for (const cached of step.blocks.values()) {
      if (cached.span === undefined) continue;
      cache.setStored(generation, cached, location(id));
      id += 1;
    }
  }
  generation.state = 'stored';
  return generation;
}

describe('sectorMask', () => {
  it.each<[number, number, number]>([
    [0, BLOCK_BYTES, 0xffff_ffff],
    [0, 1, 0x0000_0001],
    [511, 512, 0x0000_0001],
    [511, 513, 0x0000_0003],
    [512, 1024, 0x0000_0002],
    [BLOCK_BYTES - 1, BLOCK_BYTES, 0x8000_0000],
    [0, BLOCK_BYTES - 512, 0x7fff_ffff],
    [512, BLOCK_BYTES, 0xffff_fffe],
    [8192, 8192, 0],
  ])('of bytes %d to %d is %d', (start, end, mask) => {
    expect(sectorMask(start, end)).toBe(mask);
  });
});

describe('WriteCache', () => {
  it('gathers the sectors of a page in one page of memory', () => {
    cache.write(lineage, 5, SECTOR_BYTES, sectors(1));
    cache.write(lineage, 5, 3 * SECTOR_BYTES, sectors(3));
    expect(entry(0, 5)).toMatchObject({ sectors: 0b1010, start: 0 });
    expect([byteAt(entry(0, 5), SECTOR_BYTES), byteAt(entry(0, 5), 3 * SECTOR_BYTES)]).toEqual([
      1, 3,
    ]);
    expect([cache.dirtyBlocks, cache.memory.usedBytes]).toEqual([1, PAGE_BYTES]);
  });

  it.each([0, 1, 2, 3])('takes one page for a write inside page %d', (page) => {
    cache.write(lineage, 5, page * PAGE_BYTES, new Uint8Array(PAGE_BYTES).fill(7));
    expect(entry(0, 5)).toMatchObject({
      start: page * PAGE_BYTES,
      sectors: (0xff << (8 * page)) >>> 0,
    });
    expect(byteAt(entry(0, 5), page * PAGE_BYTES + 100)).toBe(7);
    expect(cache.active.memoryBytes).toBe(PAGE_BYTES);
  });

  it('takes a block for a write over the border of two pages', () => {
    cache.write(lineage, 5, PAGE_BYTES - SECTOR_BYTES, sectors(7, 2));
    expect(entry(0, 5)).toMatchObject({ start: 0, sectors: 0b1_1000_0000 });
    expect(cache.memory.usedBytes).toBe(BLOCK_BYTES);
  });

  it('moves a page into a block when another page of the block is written', () => {
    cache.write(lineage, 5, PAGE_BYTES, sectors(1));
    cache.write(lineage, 5, 3 * PAGE_BYTES, sectors(2));
    expect(entry(0, 5)).toMatchObject({ start: 0, sectors: 0x0100_0100 });
    expect([byteAt(entry(0, 5), PAGE_BYTES), byteAt(entry(0, 5), 3 * PAGE_BYTES)]).toEqual([1, 2]);
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
    expect([cache.dirtyBlocks, lineage.layers.length, byteAt(entry(0, 0), 0)]).toEqual([1, 1, 2]);
  });

  it('begins a layer after a cut and leaves the closed generation as it was', () => {
    cache.write(lineage, 0, 0, full(1));
    const closed = cache.cut();
    cache.write(lineage, 0, 0, full(2));
    expect(closed?.steps).toEqual([lineage.layers[0]]);
    expect([byteAt(entry(0, 0), 0), byteAt(entry(1, 0), 0)]).toEqual([1, 2]);
  });

  it('begins a layer for another epoch after a cut and keeps the older one', () => {
    cache.write(lineage, 0, 0, full(1));
    cache.cut();
    lineage.epoch += 1;
    cache.write(lineage, 0, 0, full(2));
    expect(lineage.layers.map(({ epoch }) => epoch)).toEqual([1, 2]);
    expect([byteAt(entry(0, 0), 0), byteAt(entry(1, 0), 0)]).toEqual([1, 2]);
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
    expect([byteAt(entry(0, 0), 0), byteAt(entry(0, 0, other), 0)]).toEqual([1, 2]);
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
    expect(entry(0, 0)).toMatchObject({ span: undefined, location: ZEROS, sectors: ALL_SECTORS });
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
    const cached = entry(0, 0);
    expect([0, SECTOR_BYTES, BLOCK_BYTES - 1].map((at) => byteAt(cached, at))).toEqual([0, 7, 0]);
    expect([cached.sectors, cache.dirtyBlocks]).toEqual([ALL_SECTORS, 1]);
  });
});

describe('WriteCache, shared blocks', () => {
  it('take no memory and no place in the container', () => {
    cache.write(lineage, 0, 0, full(1));
    cache.shareBlock(lineage, 0, location(9));
    expect(entry(0, 0)).toMatchObject({ span: undefined, location: location(9), shared: true });
    expect([cache.dirtyBlocks, cache.memory.usedBytes]).toEqual([0, 0]);
  });

  it('of zeros are zeros', () => {
    cache.shareBlock(lineage, 0, ZEROS);
    expect(entry(0, 0)).toMatchObject({ location: ZEROS, shared: false });
  });

  it('are copied into memory when a sector is written', () => {
    cache.shareBlock(lineage, 0, location(9));
    cache.write(lineage, 0, SECTOR_BYTES, sectors(7));
    const cached = entry(0, 0);
    expect(cached).toMatchObject({ location: undefined, shared: false, sectors: ALL_SECTORS });
    expect([0, SECTOR_BYTES, BLOCK_BYTES - 1].map((at) => byteAt(cached, at))).toEqual([9, 7, 9]);
    expect(cache.dirtyBlocks).toBe(1);
  });
});

describe('WriteCache, what is not logged yet', () => {
  it('is every sector written, whatever happens to the block then', () => {
    cache.write(lineage, 0, 0, sectors(1));
    cache.write(lineage, 0, PAGE_BYTES, sectors(1));
    expect(entry(0, 0).unlogged).toBe(0x0000_0101);
    cache.zeroBlock(lineage, 1);
    cache.shareBlock(lineage, 2, location(9));
    expect([entry(0, 1).unlogged, entry(0, 2).unlogged]).toEqual([ALL_SECTORS, ALL_SECTORS]);
    expect(lineage.layers[0]?.unlogged).toEqual(new Set([0, 1, 2]));
  });

  it('is only what was written since the last log', () => {
    cache.write(lineage, 0, 0, sectors(1));
    lineage.layers[0]?.unlogged.clear();
    entry(0, 0).unlogged = 0;
    cache.write(lineage, 0, 3 * SECTOR_BYTES, sectors(1));
    expect([entry(0, 0).unlogged, entry(0, 0).sectors]).toEqual([0b1000, 0b1001]);
    expect(lineage.layers[0]?.unlogged).toEqual(new Set([0]));
  });
});

describe('WriteCache.memoryNeed', () => {
  it.each<[string, number, number, { blocks: number; pages: number }]>([
    ['a sector', 5 * BLOCK_BYTES, SECTOR_BYTES, { blocks: 0, pages: 1 }],
    ['a page', 5 * BLOCK_BYTES + PAGE_BYTES, PAGE_BYTES, { blocks: 0, pages: 1 }],
    ['a page over a border', 5 * BLOCK_BYTES + SECTOR_BYTES, PAGE_BYTES, { blocks: 1, pages: 0 }],
    ['two pages of two blocks', 6 * BLOCK_BYTES - 512, 1024, { blocks: 0, pages: 2 }],
    ['blocks with ends', 5 * BLOCK_BYTES - 512, BLOCK_BYTES + 1024, { blocks: 1, pages: 2 }],
    ['what has a block', BLOCK_BYTES, BLOCK_BYTES, { blocks: 0, pages: 0 }],
    ['what has that page', 2 * BLOCK_BYTES + 512, 512, { blocks: 0, pages: 0 }],
    ['what has another page', 2 * BLOCK_BYTES + PAGE_BYTES, 512, { blocks: 1, pages: 0 }],
    ['zeros', 3 * BLOCK_BYTES, 512, { blocks: 1, pages: 0 }],
  ])('of %s', (_what, offset, length, expected) => {
    cache.write(lineage, 1, 0, full(1));
    cache.write(lineage, 2, 0, sectors(1));
    cache.zeroBlock(lineage, 3);
    expect(cache.memoryNeed(lineage, offset, length)).toEqual(expected);
  });

  it.each<[string, () => void]>([
    ['another epoch', () => (lineage.epoch += 1)],
    ['another generation', () => cache.cut()],
  ])('counts all for %s', (_what, change) => {
    cache.write(lineage, 0, 0, full(1));
    change();
    expect(cache.memoryNeed(lineage, 0, 2 * BLOCK_BYTES)).toEqual({ blocks: 2, pages: 0 });
  });

  it.each(Array.from({ length: repeat(20) }, (_, index) => 4_000 + index))(
    'is never exceeded by a write, seed %d',
    (seed) => {
      const random = new RandomSource(seed);
      const sectorsIn = (BLOCKS * BLOCK_BYTES) / SECTOR_BYTES;
      for (let turn = 0; turn < 200; turn += 1) {
        const first = random.integer(0, sectorsIn - 1);
        const count = Math.min(random.pick([1, 8, 9, 32, 70]), sectorsIn - first);
        const offset = first * SECTOR_BYTES;
        const need = cache.memoryNeed(lineage, offset, count * SECTOR_BYTES);
        if (cache.memory.hasRoom(need)) {
          const before = cache.memory.usedBytes;
          writeRange(offset, count * SECTOR_BYTES);
          const taken = cache.memory.usedBytes - before;
          expect(taken).toBeLessThanOrEqual(need.blocks * BLOCK_BYTES + need.pages * PAGE_BYTES);
        } else {
          cache.retire(cutAndStore(1));
        }
        if (random.chance(0.1)) cache.zeroBlock(lineage, random.integer(0, BLOCKS - 1));
      }
    },
  );
});

function writeRange(offset: number, length: number): void {
  for (let position = offset; position < offset + length; ) {
    const start = position % BLOCK_BYTES;
    const size = Math.min(BLOCK_BYTES - start, offset + length - position);
    cache.write(lineage, Math.floor(position / BLOCK_BYTES), start, new Uint8Array(size).fill(1));
    position += size;
  }
}

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
    const generation = cutAndStore(8);
    expect([cache.memory.usedBytes, generation.memoryBytes, cache.dirtyBlocks]).toEqual([0, 0, 2]);
    expect(entry(0, 1)).toMatchObject({
      span: undefined,
      location: location(9),
      sectors: ALL_SECTORS,
    });
    expect(() => cache.setStored(generation, entry(0, 1), location(9))).toThrow(/stored once/);
    cache.retire(generation);
    expect([cache.dirtyBlocks, cache.closed, lineage.layers]).toEqual([0, [], []]);
  });

  it('does not count a block that turned out to be zeros', () => {
    cache.write(lineage, 0, 0, full(0));
    const generation = cache.cut() as Generation;
    cache.setStored(generation, entry(0, 0), ZEROS);
    expect([cache.dirtyBlocks, generation.dirtyBlocks]).toEqual([0, 0]);
  });

  it('leaves the next generation alone', () => {
    cache.write(lineage, 0, 0, full(1));
    cache.zeroBlock(lineage, 1);
    const first = cutAndStore(1);
    cache.write(lineage, 0, 0, full(2));
    cache.retire(first);
    expect([cache.dirtyBlocks, cache.closed, lineage.layers.length]).toEqual([1, [], 1]);
    expect(byteAt(entry(0, 0), 0)).toBe(2);
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
    const first = cutAndStore(10);
    cache.write(lineage, 0, 0, sectors(2));
    cache.write(lineage, 1, 0, full(3));
    return [first, cutAndStore(20)];
  }

  it('makes one generation of two that follow each other', () => {
    const [first, second] = twoStored();
    cache.absorb(first, second);
    expect([cache.closed, first.sequence]).toEqual([[first], 2]);
    expect([lineage.layers, first.steps]).toEqual([first.steps, [lineage.layers[0]]]);
    expect([entry(0, 0).location?.id, entry(0, 1).location?.id]).toEqual([20, 21]);
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
    const first = cutAndStore(10);
    lineage.epoch += 1;
    cache.write(lineage, 0, 0, full(2));
    cache.absorb(first, cutAndStore(20));
    expect(first.steps).toEqual(lineage.layers);
    expect([lineage.layers.map(({ epoch }) => epoch), first.discards]).toEqual([[1, 2], []]);
  });

  it('takes only the generation that follows', () => {
    const [first, second] = twoStored();
    expect(() => cache.absorb(second, first)).toThrow(/put together in order/);
  });
});
