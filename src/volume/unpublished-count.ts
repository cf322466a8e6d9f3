/** How many blocks of a head are mapped, before the published count says so: an estimate for `du`. */
import { clipFloor } from '../store/resolve.js';
import type { CachedBlock, Layer, Lineage } from './lineage.js';

/** Cached blocks that are looked at: every one costs a look at the map, at worst on the disk. */
const SAMPLES_MAX = 256;

/**
 * By how much the head's count of mapped blocks changes once its cached layers are published: a block
 * is new, replaces content, or is zeros in its place. Exact up to SAMPLES_MAX cached blocks; of more,
 * so many are looked at, spread evenly, and the others are taken to be like them.
 */
export function unpublishedChange(lineage: Lineage): number {
  const { layers } = lineage;
  const total = layers.reduce((count, layer) => count + layer.blocks.size, 0);
  const step = Math.ceil(total / SAMPLES_MAX);
  let position = 0;
  let samples = 0;
  let change = 0;
  for (const layer of layers) {
    for (const [block, entry] of layer.blocks) {
      position += 1;
      if (position % step !== 0) continue;
      samples += 1;
      change += changeBy(layer, block, entry);
    }
  }
  return samples === 0 ? 0 : Math.round((change * total) / samples);
}

function changeBy(layer: Layer, block: number, entry: CachedBlock): number {
  const { lineage } = layer;
  // Counted with the newest layer that has the block.
  const later = lineage.layers.slice(lineage.layers.indexOf(layer) + 1);
  if (later.some(({ blocks }) => blocks.has(block))) return 0;
  const isHidden = layer.epoch < clipFloor(lineage.clips, lineage.epoch, block);
  const isMapped = entry.location?.id !== 0 && !isHidden;
  // The index may be asked only when all below is published: it keeps what it has loaded.
  const wasMapped = !lineage.hasUnpublishedBelow && lineage.index.locate(block).id !== 0;
  return Number(isMapped) - Number(wasMapped);
}
