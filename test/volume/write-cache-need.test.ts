/** How much memory a write says it needs, and that it never takes more. */
import { beforeEach, describe, expect, it } from 'vitest';
import { BLOCK_BYTES, PAGE_BYTES, SECTOR_BYTES } from '../../src/base/sizes.js';
import type { Lineage } from '../../src/volume/lineage.js';
import type { WriteCache } from '../../src/volume/write-cache.js';
import { repeat } from '../support/factor.js';
import { RandomSource } from '../support/random-source.js';
import { CACHE_BLOCKS, cutAndStore, full, newCache, sectors } from './write-cache-fixture.js';

let cache: WriteCache;
let lineage: Lineage;
beforeEach(() => {
  ({ cache, lineage } = newCache());
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
      const sectorsIn = (CACHE_BLOCKS * BLOCK_BYTES) / SECTOR_BYTES;
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
          cache.retire(cutAndStore(cache, 1));
        }
        if (random.chance(0.1)) cache.zeroBlock(lineage, random.integer(0, CACHE_BLOCKS - 1));
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
