/** The blocks of a closed layer that are in memory: as data for the writer, and when it is done. */
import { PAGE_BYTES } from '../base/sizes.js';
import { emptyLocations, type Locations, locationAt, putLocation } from '../store/locations.js';
import { ALL_SECTORS } from '../store/records.js';
import { type BlocksToStore, UNKNOWN_BASE } from '../store/tasks.js';
import type { BlockMap } from './block-map.js';
import type { CacheSpan } from './cache-slabs.js';
import type { Generation } from './generation.js';
import type { CachedBlock, Layer } from './lineage.js';
import { chainLevels } from './view.js';
import type { WriteCache } from './write-cache.js';

/** The layer's blocks that are in memory, as data for the writer: ascending, with their bases. */
export function blocksToStore(
  map: BlockMap,
  layer: Layer,
): { entries: CachedBlock[]; part: BlocksToStore } {
  const inMemory: number[] = [];
  for (const [block, { span }] of layer.blocks) if (span !== undefined) inMemory.push(block);
  const blocks = Float64Array.from(inMemory).sort();
  const count = blocks.length;
  const part = {
    levels: chainLevels(layer.lineage, layer.epoch),
    blocks,
    pages: new Int32Array(count),
    single: new Uint8Array(count),
    sectors: new Uint32Array(count),
    bases: emptyLocations(count),
  };
  const entries: CachedBlock[] = [];
  for (const [index, block] of blocks.entries()) {
    const entry = layer.blocks.get(block) as CachedBlock;
    const { page, bytes } = entry.span as CacheSpan;
    entries.push(entry);
    part.pages[index] = page;
    part.single[index] = bytes.length === PAGE_BYTES ? 1 : 0;
    part.sectors[index] = entry.sectors;
    if (entry.sectors === ALL_SECTORS) continue;
    putLocation(part.bases, index, map.unpublishedBase(layer, block) ?? UNKNOWN_BASE);
  }
  return { entries, part };
}

/** Their blocks are stored now; what was written in pieces is in the host's page cache. */
export function noteStored(
  { cache, map }: { readonly cache: WriteCache; readonly map: BlockMap },
  generation: Generation,
  entries: readonly CachedBlock[],
  locations: Locations,
): void {
  for (const [index, entry] of entries.entries()) {
    const location = locationAt(locations, index);
    const isWarm = location.id !== 0 && entry.sectors !== ALL_SECTORS;
    if (isWarm) map.fetcher.warm.add(location.id);
    cache.setStored(generation, entry, location);
  }
}
