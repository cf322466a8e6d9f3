/** Which volumes and snapshots show a stored version, for the findings of a check. */
import type { StoreReader } from './block-store.js';
import type { Catalogue, CheckedLineage } from './check-catalogue.js';
import { EPOCH_MAX, mapKey, parseMapKey } from './keys.js';

/** Names one finding lists. */
const NAMES_MAX = 1_000;

/** The oldest clip after `epoch` that hides `block`: views from it on do not see older versions. */
export function hiddenFrom(lineage: CheckedLineage, epoch: number, block: number): number {
  for (const clip of lineage.clips)
    if (clip.epoch > epoch && clip.block <= block) return clip.epoch;
  return Number.POSITIVE_INFINITY;
}

export class Viewers {
  constructor(
    private readonly reader: StoreReader,
    private readonly catalogue: Catalogue,
  ) {}

  /** Names of all that show the version, '-' where nothing does. */
  of(lineageId: number, block: number, epoch: number): string {
    const lineage = this.catalogue.lineage(lineageId);
    if (lineage === undefined) return '-';
    const names: string[] = [];
    const to = this.replacedAt(lineage, block, epoch);
    this.collect(lineage, block, { from: epoch, to }, names, new Set());
    if (names.length === 0) return '-';
    const more = names.length - NAMES_MAX;
    return names.slice(0, NAMES_MAX).join(' ') + (more > 0 ? ` and ${more} more` : '');
  }

  /** Views at [from, to) of the lineage show it, and so do the children that branched there. */
  private collect(
    lineage: CheckedLineage,
    block: number,
    { from, to }: { from: number; to: number },
    names: string[],
    visited: Set<CheckedLineage>,
  ): void {
    // A damaged store may have lineages in a circle.
    if (visited.has(lineage)) return;
    visited.add(lineage);
    for (const copy of lineage.copies) {
      if (copy.epoch >= from && copy.epoch < to) names.push(copy.name);
    }
    for (const child of lineage.children) {
      if (child.parentEpoch < from || child.parentEpoch >= to) continue;
      const own = Math.min(this.oldestVersion(child, block), hiddenFrom(child, -1, block));
      this.collect(child, block, { from: 0, to: own }, names, visited);
    }
  }

  /** The epoch from which on something newer, or a shrink, hides the version. */
  private replacedAt(lineage: CheckedLineage, block: number, epoch: number): number {
    let newer = Number.POSITIVE_INFINITY;
    const start = mapKey(lineage.id, block, EPOCH_MAX);
    for (const { key } of this.reader.range('map', start, mapKey(lineage.id, block, epoch))) {
      newer = parseMapKey(key).epoch;
    }
    return Math.min(newer, hiddenFrom(lineage, epoch, block));
  }

  private oldestVersion(lineage: CheckedLineage, block: number): number {
    let oldest = Number.POSITIVE_INFINITY;
    const start = mapKey(lineage.id, block, EPOCH_MAX);
    const end = mapKey(lineage.id, block + 1, EPOCH_MAX);
    for (const { key } of this.reader.range('map', start, end)) oldest = parseMapKey(key).epoch;
    return oldest;
  }
}
