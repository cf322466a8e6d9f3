/**
 * How many blocks with content each view shows: what it inherits from the parent, and whether the
 * stored usage counts say the same.
 */

import type { StoreReader } from './block-store.js';
import type { CheckedLineage } from './check-catalogue.js';
import type { Findings, Repairs } from './check-findings.js';
import { lowerBound, scanMap } from './check-scan.js';
import { hiddenFrom } from './check-viewers.js';
import { BLOCK_INDEX_MAX, EPOCH_MAX, recordKey } from './keys.js';
import { packCount } from './records.js';
import { visibleVersions } from './resolve.js';
import type { Level } from './tasks.js';

/**
 * The parent's blocks with content that a lineage shows: all that the parent has at the branch, less
 * those its own versions and shrinks hide from some view on.
 */
export class InheritedBlocks {
  private readonly levels: readonly Level[];
  /** Blocks hidden from each view on, and not before. */
  private readonly hidden: Float64Array;
  private readonly total: number;
  /** Blocks of the present chunk with versions of their own: hidden from this epoch on. */
  private readonly touched = new Map<number, number>();
  private before = 0;

  constructor(
    private readonly check: { readonly reader: StoreReader; readonly poolSeed: number },
    private readonly lineage: CheckedLineage,
  ) {
    const { parent, parentEpoch, views } = lineage;
    this.hidden = new Float64Array(views.length + 1);
    this.total = parent?.counts[lowerBound(parent.views, parentEpoch)] ?? 0;
    // A parent that was not counted may be among its own ancestors.
    this.levels = parent === undefined || this.total === 0 ? [] : levelsOf(parent, parentEpoch);
  }

  /** The lineage's oldest version of `block` is of `epoch`. */
  replaced(block: number, epoch: number): void {
    if (this.total === 0) return;
    this.touched.set(block, Math.min(epoch, hiddenFrom(this.lineage, -1, block)));
  }

  endChunk(): void {
    if (this.touched.size === 0) return;
    // Map keeps the order in which the blocks came, which is ascending.
    const blocks = [...this.touched.keys()];
    const from = blocks[0] as number;
    const to = (blocks[blocks.length - 1] as number) + 1;
    for (const block of this.inheritedBetween(from, to)) {
      const epoch = this.touched.get(block);
      if (epoch !== undefined) this.hideFrom(epoch);
    }
    this.touched.clear();
  }

  /** Shrinks hide blocks without a version of their own, too. */
  hideClipped(): void {
    const { lineage, check } = this;
    if (this.total === 0 || lineage.clips.length === 0) return;
    const from = Math.min(...lineage.clips.map((clip) => clip.block));
    const own = scanMap(check.reader, check.poolSeed, lineage.id, lineage.id + 1);
    let next = own.next();
    for (const block of this.inheritedBetween(from, BLOCK_INDEX_MAX)) {
      while (!next.done && next.value.block < block) next = own.next();
      if (!next.done && next.value.block === block) continue;
      this.hideFrom(hiddenFrom(lineage, -1, block));
    }
  }

  /** Blocks inherited at the view of this position; called once for each, in order. */
  countAt(index: number): number {
    this.before += this.hidden[index] as number;
    return this.total - this.before;
  }

  private hideFrom(epoch: number): void {
    const index = lowerBound(this.lineage.views, epoch);
    this.hidden[index] = (this.hidden[index] as number) + 1;
  }

  private *inheritedBetween(from: number, to: number): Generator<number> {
    const { reader, poolSeed } = this.check;
    for (const { block, location } of visibleVersions(reader, poolSeed, this.levels, from, to)) {
      if (location.id !== 0) yield block;
    }
  }
}

function levelsOf(lineage: CheckedLineage, epoch: number): Level[] {
  const levels: Level[] = [];
  let next: CheckedLineage | undefined = lineage;
  let nextEpoch = epoch;
  while (next !== undefined) {
    const clips = next.clips.filter((clip) => clip.epoch <= nextEpoch);
    levels.push({ lineage: next.id, epoch: nextEpoch, clips });
    nextEpoch = next.parentEpoch;
    next = next.parent;
  }
  return levels;
}

/** The stored counts of a lineage's volume and snapshots; a count of a view that is gone is none. */
export function checkUsage(lineage: CheckedLineage, findings: Findings, repairs: Repairs): void {
  for (const copy of lineage.copies) {
    const epoch = copy.volumeNumber === undefined ? EPOCH_MAX : copy.epoch;
    const stored = lineage.usage.get(epoch) ?? 0;
    const count = lineage.counts[lowerBound(lineage.views, copy.epoch)] ?? 0;
    if (stored === count) continue;
    const repaired = repairs.add((transaction) => {
      transaction.put('records', recordKey('usage', lineage.id, epoch), packCount(count));
    });
    const detail = `${stored} blocks with content are recorded, ${count} found`;
    findings.add('wrong usage count', copy.name, detail, repaired);
  }
}
