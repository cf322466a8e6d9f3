/** Views: what a volume or snapshot shows, as lineages and epochs. */
import type { Level } from '../store/tasks.js';
import type { Lineage } from './lineage.js';

/** A lineage as of an epoch; the head's view has the lineage's newest epoch. */
export interface View {
  readonly lineage: Lineage;
  readonly epoch: number;
}

/** The chain as the store has it: the lineage's own record may not be published yet. */
export function publishedLevels(lineage: Lineage, epoch: number): Level[] {
  const levels: Level[] = [];
  let next: Lineage | undefined = lineage;
  let nextEpoch = epoch;
  while (next !== undefined) {
    const limit = nextEpoch;
    const clips = next.clips.filter((clip) => clip.published && clip.epoch <= limit);
    levels.push({ lineage: next.id, epoch: nextEpoch, clips });
    nextEpoch = next.parentEpoch;
    next = next.parent;
  }
  return levels;
}
