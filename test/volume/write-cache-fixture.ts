/** A write cache of 16 blocks, and what a destager does to its generations. */
import { crc32 } from 'node:zlib';
import { BLOCK_BYTES, SECTOR_BYTES } from '../../src/base/sizes.js';
import { ALL_SECTORS, type Location } from '../../src/store/records.js';
import { BlockIndex, emptyRegion, IndexBudget } from '../../src/volume/block-index.js';
import { CacheMemory } from '../../src/volume/cache-memory.js';
import { CacheSlabs } from '../../src/volume/cache-slabs.js';
import type { Generation } from '../../src/volume/generation.js';
import { type CachedBlock, Lineage } from '../../src/volume/lineage.js';
import { WriteCache } from '../../src/volume/write-cache.js';

export const CACHE_BLOCKS = 16;

export function newLineage(id: number, parent?: Lineage, parentEpoch = 0): Lineage {
  return new Lineage(id, parent, parentEpoch, 0, () => {
    return new BlockIndex(new IndexBudget(2 ** 20), () => emptyRegion());
  });
}

/** The content of a stored block is its id, as a byte. */
export function newCache(): { cache: WriteCache; lineage: Lineage } {
  const memory = new CacheMemory(new CacheSlabs(CACHE_BLOCKS * BLOCK_BYTES), () => {});
  const cache = new WriteCache(memory, 4 * BLOCK_BYTES, 0, ({ id }) => full(id));
  return { cache, lineage: newLineage(1) };
}

export const full = (byte: number) => new Uint8Array(BLOCK_BYTES).fill(byte);
export const sectors = (byte: number, count = 1) => new Uint8Array(count * SECTOR_BYTES).fill(byte);

/** Where a stored block of one byte is; the byte is its id. */
export function location(byte: number): Location {
  return { id: byte, crc: crc32(full(byte)), sectors: ALL_SECTORS };
}

export function cachedBlock({ layers }: Lineage, layer: number, block: number): CachedBlock {
  const found = layers[layer]?.blocks.get(block);
  if (found === undefined) throw new Error(`block ${block} is not in layer ${layer}`);
  return found;
}

/** The byte at `position` of a block that is in memory. */
export function byteAt({ span, start }: CachedBlock, position: number): number | undefined {
  return span?.bytes[position - start];
}

/** Closes the active generation and stores its blocks under ids from `id` on. */
export function cutAndStore(cache: WriteCache, id: number): Generation {
  const generation = cache.cut() as Generation;
  let next = id;
  for (const step of generation.steps) {
    if (step.kind !== 'layer') continue;
    for (const cached of step.blocks.values()) {
      if (cached.span === undefined) continue;
      cache.setStored(generation, cached, location(next));
      next += 1;
    }
  }
  generation.state = 'stored';
  return generation;
}
