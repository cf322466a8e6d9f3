/**
 * The map of one lineage: each entry against its tag, versions nothing can see, born bitmaps, and the
 * number of blocks with content at each view (usage.ts of the check compares it).
 *
 * A version of epoch e is seen by the views in [e, limit), where limit is the epoch of the next newer
 * version or of the first clip after e over the block. Counting adds at one end of that run of views
 * and takes away at the other, so one pass counts all views, however many snapshots there are.
 * In memory: the bitmaps of one chunk (512 bytes for each epoch in it), and its blocks.
 */
import { BLOCK_BYTES } from '../base/sizes.js';
import type { StoreReader } from './block-store.js';
import { type BornChunk, checkBornChunk } from './check-born.js';
import type { CheckedLineage } from './check-catalogue.js';
import type { Findings, Repairs } from './check-findings.js';
import { namesOf } from './check-lineages.js';
import type { MarkCheck } from './check-marks.js';
import { lowerBound, type ScannedVersion, scanMap } from './check-scan.js';
import { InheritedBlocks } from './check-usage.js';
import { hiddenFrom, type Viewers } from './check-viewers.js';
import { CHUNK_BITMAP_BYTES, CHUNK_BLOCKS, recordKey } from './keys.js';
import { ALL_SECTORS, packCount } from './records.js';

export interface MapCheck {
  readonly reader: StoreReader;
  readonly marks: MarkCheck;
  readonly poolSeed: number;
  readonly findings: Findings;
  readonly repairs: Repairs;
  readonly viewers: Viewers;
  /** The records can be believed, so visibility can be told and superfluous things removed. */
  readonly sound: boolean;
  /** Largest block id an entry names. */
  newestId: number;
  damagedEntries: number;
}

/** Checks the lineage's entries and counts its views; the parent has been counted before. */
export function checkLineageMap(check: MapCheck, lineage: CheckedLineage): void {
  new LineageMap(check, lineage).run();
}

class LineageMap {
  /** Change of the number of blocks with content from each view on. */
  private readonly changes: Float64Array;
  private readonly inherited: InheritedBlocks;
  /** Versions nothing sees, by the position in `views` of the first view after them. */
  private readonly unreachable = new Map<number, { count: number; epoch: number }>();
  private chunk: BornChunk | undefined;
  private block = -1;
  /** Of the version before, which is the next newer one of the same block. */
  private newerEpoch = Number.POSITIVE_INFINITY;

  constructor(
    private readonly check: MapCheck,
    private readonly lineage: CheckedLineage,
  ) {
    this.changes = new Float64Array(lineage.views.length + 1);
    this.inherited = new InheritedBlocks(check, lineage);
  }

  run(): void {
    const { check, lineage } = this;
    for (const version of scanMap(check.reader, check.poolSeed, lineage.id, lineage.id + 1)) {
      if (version.block !== this.block) this.enterBlock(version.block);
      this.visit(version);
      this.newerEpoch = version.epoch;
    }
    this.leaveBlock();
    this.leaveChunk();
    if (!check.sound) return;
    this.inherited.hideClipped();
    let count = 0;
    for (const index of lineage.views.keys()) {
      count += this.changes[index] as number;
      lineage.counts.push(count + this.inherited.countAt(index));
    }
    this.reportUnreachable();
  }

  private enterBlock(block: number): void {
    this.leaveBlock();
    const chunk = Math.floor(block / CHUNK_BLOCKS);
    if (this.chunk?.chunk !== chunk) {
      this.leaveChunk();
      this.chunk = { chunk, bitmaps: new Map() };
    }
    this.block = block;
    this.newerEpoch = Number.POSITIVE_INFINITY;
  }

  /** `newerEpoch` is that of the block's oldest version now. */
  private leaveBlock(): void {
    if (this.block >= 0) this.inherited.replaced(this.block, this.newerEpoch);
  }

  private leaveChunk(): void {
    if (this.chunk === undefined) return;
    checkBornChunk(this.check, this.lineage, this.chunk);
    this.inherited.endChunk();
  }

  private visit(version: ScannedVersion): void {
    const { check, lineage } = this;
    const { block, epoch, location } = version;
    this.noteBorn(block, epoch);
    if (location === undefined) {
      check.damagedEntries += 1;
      this.report('damaged map entry', version, `version of epoch ${epoch}`);
    } else {
      check.newestId = Math.max(check.newestId, location.id);
      check.marks.visit(location, check.repairs);
      if (location.id !== 0 && location.sectors !== ALL_SECTORS) {
        this.report('lost sectors', version, `block id ${location.id}`);
      }
    }
    if (!check.sound) return;
    if (lineage.head !== undefined && epoch > lineage.head) {
      const detail = `epoch ${epoch} at byte ${block * BLOCK_BYTES} is after the newest`;
      check.findings.add('epoch after head', namesOf(lineage), `${detail}, ${lineage.head}`);
      return;
    }
    this.count(version);
  }

  private noteBorn(block: number, epoch: number): void {
    const bitmaps = this.chunk?.bitmaps;
    let bitmap = bitmaps?.get(epoch);
    if (bitmap === undefined) {
      bitmap = new Uint8Array(CHUNK_BITMAP_BYTES);
      bitmaps?.set(epoch, bitmap);
    }
    const bit = block % CHUNK_BLOCKS;
    bitmap[bit >> 3] = (bitmap[bit >> 3] as number) | (1 << (bit & 7));
  }

  private count({ block, epoch, location }: ScannedVersion): void {
    const { views } = this.lineage;
    const limit = Math.min(this.newerEpoch, hiddenFrom(this.lineage, epoch, block));
    const first = lowerBound(views, epoch);
    const end = lowerBound(views, limit);
    if (end <= first) {
      this.noteUnreachable(first, epoch);
    } else if (location?.id !== 0) {
      this.changes[first] = (this.changes[first] as number) + 1;
      this.changes[end] = (this.changes[end] as number) - 1;
    }
  }

  private noteUnreachable(gap: number, epoch: number): void {
    const { lineage } = this;
    // A merge that was interrupted enters versions of epoch 0 again before it ends.
    if (epoch === 0 && lineage.parent !== undefined) return;
    const previous = lineage.views[gap - 1] ?? -1;
    const next = lineage.views[gap] ?? Number.POSITIVE_INFINITY;
    if (lineage.reclaims.some((reclaim) => reclaim > previous && reclaim < next)) return;
    const found = this.unreachable.get(gap) ?? { count: 0, epoch };
    found.count += 1;
    this.unreachable.set(gap, found);
  }

  /** The next mount reclaims what a record asks for; its epoch is in the gap, so it is no view. */
  private reportUnreachable(): void {
    const { check, lineage } = this;
    for (const { count, epoch } of this.unreachable.values()) {
      const key = recordKey('reclaim', lineage.id, epoch);
      const repaired = check.repairs.add((transaction) => {
        transaction.put('records', key, packCount(epoch));
      });
      const next = repaired ? '; the next mount gives their space back' : '';
      const detail = `${count} versions around epoch ${epoch} of lineage ${lineage.id} that nothing shows`;
      check.findings.add('unreachable version', namesOf(lineage), detail + next, repaired);
    }
  }

  private report(kind: string, { lineage, block, epoch }: ScannedVersion, what: string): void {
    const subject = this.check.viewers.of(lineage, block, epoch);
    this.check.findings.add(kind, subject, `byte ${block * BLOCK_BYTES}: ${what}`);
  }
}
