/** Views: what a volume or snapshot shows, as lineages and epochs. */
import type { Level } from '../store/tasks.js';
import type { CachedBlock, Lineage, LineageClip } from './lineage.js';

/** A lineage as of an epoch; the head's view has the lineage's newest epoch. */
export interface View {
  readonly lineage: Lineage;
  readonly epoch: number;
}

/** What the view shows is what its index says: nothing of it is waiting to be published. */
export function isPublished({ lineage, epoch }: View): boolean {
  return !lineage.hasUnpublishedUpTo(epoch);
}

/** The chain with all clips, also those not published yet. */
export function chainLevels(lineage: Lineage, epoch: number): Level[] {
  return levelsOf(lineage, epoch, () => true);
}

/** The chain as the store has it: the lineage's own record may not be published yet. */
export function publishedLevels(lineage: Lineage, epoch: number): Level[] {
  return levelsOf(lineage, epoch, (clip) => clip.published);
}

function levelsOf(
  lineage: Lineage,
  epoch: number,
  counts: (clip: LineageClip) => boolean,
): Level[] {
  const levels: Level[] = [];
  let next: Lineage | undefined = lineage;
  let nextEpoch = epoch;
  while (next !== undefined) {
    const limit = nextEpoch;
    const clips = next.clips.filter((clip) => counts(clip) && clip.epoch <= limit);
    levels.push({ lineage: next.id, epoch: nextEpoch, clips });
    nextEpoch = next.parentEpoch;
    next = next.parent;
  }
  return levels;
}

/** The newest cached version of a block, from layer number `newest` down to epoch `floor`. */
export function cachedBlock(
  view: View,
  newest: number,
  floor: number,
  block: number,
): CachedBlock | undefined {
  for (let index = newest; index >= 0; index -= 1) {
    const layer = view.lineage.layers[index];
    if (layer === undefined || layer.epoch > view.epoch) continue;
    if (layer.epoch < floor) return undefined;
    const entry = layer.blocks.get(block);
    if (entry !== undefined) return entry;
  }
  return undefined;
}
