/**
 * Background work of a pool: gives back what no view sees any more, and merges chains of lineages
 * that became too deep. It runs in slices in the writer thread, with pauses as long as the slices, so
 * that destage always gets its turn. Everything still to do is in records; a restart goes on with it.
 */

import { type Clock, pause } from '../base/clock.js';
import { type ArrayError, asArrayError } from '../base/errors.js';
import { LINEAGE_DEPTH_MAX, SLICE_VERSIONS } from '../base/limits.js';
import type { BlockStore } from '../store/block-store.js';
import { recordKey } from '../store/keys.js';
import { type CountersRecord, packCount } from '../store/records.js';
import type { ReclaimCursor, RecordChange } from '../store/tasks.js';

import type { Lineage } from './lineage.js';

interface ReclaimItem {
  readonly lineage: Lineage;
  readonly epoch: number;
  /** Generation its record is in. */
  readonly sequence: number;
}

/** Views around an epoch: the newest before it (-1: none) and the oldest after it. */
interface Gap {
  previous: number;
  next: number | undefined;
}

export interface ReclaimHost {
  /** Counters after a slice. */
  counted(counters: CountersRecord): void;
  /** Something that was pending no longer is. */
  finished(): void;
  /** The lineage is gone, from memory too. */
  forget(lineage: Lineage): void;
  lineage(id: number): Lineage | undefined;
  /** Sequence of the newest published generation. */
  publishedSequence(): number;
  /** A background task failed and is tried again; undefined: it works again. */
  failed(error: ArrayError | undefined): void;
}

const RETRY_MS = 1_000;

export class Reclaimer {
  private readonly items = new Set<ReclaimItem>();
  private readonly deep = new Set<Lineage>();
  private running: Promise<void> | undefined;
  private stopped = false;
  private progressWaiters: (() => void)[] = [];

  constructor(
    private readonly store: BlockStore,
    private readonly clock: Clock,
    private readonly host: ReclaimHost,
  ) {}

  get pendingCount(): number {
    return this.items.size;
  }

  /** The view of `lineage` at `epoch` goes with generation `sequence`; `wake` starts the work. */
  add(lineage: Lineage, epoch: number, sequence: number): void {
    this.items.add({ lineage, epoch, sequence });
  }

  /**
   * Epochs of `lineage` that something shows once generation `sequence` is published: a view whose
   * end is in a later generation may come back after a crash.
   */
  viewsAt(lineage: Lineage, sequence: number): number[] {
    const views = lineage.visibleEpochs();
    for (const item of this.items) {
      if (item.lineage === lineage && item.sequence > sequence) views.push(item.epoch);
    }
    return views;
  }

  /** Merges the lineage if it has too many below it; `wake` starts the work. */
  noteDepth(lineage: Lineage): void {
    if (lineage.depth <= LINEAGE_DEPTH_MAX) return;
    this.deep.add(lineage);
  }

  /** A generation was published, or an image closed: more may be ready. */
  wake(): void {
    this.start();
  }

  /** Some work is ready and will free space soon. */
  get isBusy(): boolean {
    return this.running !== undefined || this.nextItem() !== undefined;
  }

  /** Resolves after the next slice. */
  progress(): Promise<void> {
    return new Promise((resolve) => {
      this.progressWaiters.push(resolve);
      this.start();
    });
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await this.running;
  }

  private start(): void {
    if (this.running !== undefined || this.stopped) return;
    if (this.nextItem() === undefined && this.deepLineage() === undefined) {
      this.tellProgress();
      return;
    }
    this.running = this.run().finally(() => {
      this.running = undefined;
      this.tellProgress();
      // What became ready while the loop was ending starts a new one.
      this.start();
    });
  }

  private async run(): Promise<void> {
    let failing = false;
    while (!this.stopped) {
      const item = this.nextItem();
      const deep = item === undefined ? this.deepLineage() : undefined;
      if (item === undefined && deep === undefined) return;
      try {
        if (item !== undefined) await this.reclaim(item);
        else if (deep !== undefined) await this.merge(deep);
        if (failing) this.host.failed(undefined);
        failing = false;
      } catch (error) {
        failing = true;
        this.host.failed(asArrayError(error));
        await pause(this.clock, RETRY_MS);
      }
    }
  }

  private nextItem(): ReclaimItem | undefined {
    for (const item of this.items) if (this.isReady(item)) return item;
    return undefined;
  }

  private isReady({ lineage, epoch }: ReclaimItem): boolean {
    if (lineage.isPinned(epoch, 'open')) return false;
    // A crash may bring back any of the views that were at the epoch.
    if (lineage.hasHead) return !this.hasUnpublished(lineage, epoch);
    // Without a head everything may go, also what the cache still has to publish, and the records
    // of all that is to be reclaimed.
    return lineage.layers.length === 0 && !this.hasUnpublished(lineage);
  }

  /** An end of a view, of any or at one epoch, that is not published yet. */
  private hasUnpublished(lineage: Lineage, epoch?: number): boolean {
    const published = this.host.publishedSequence();
    for (const item of this.items) {
      if (item.lineage !== lineage || item.sequence <= published) continue;
      if (epoch === undefined || item.epoch === epoch) return true;
    }
    return false;
  }

  /**
   * One pass over the gap around the item's epoch. Gap and items are those of its beginning: views
   * that go meanwhile make a wider gap, which their own items look at.
   */
  private async reclaim(item: ReclaimItem): Promise<void> {
    const { lineage } = item;
    const gap = this.gap(item);
    const covered = this.coveredBy(item, gap);
    const drops = lineage.isAbandoned;
    const finish = this.finishing(lineage, covered);
    let cursor: ReclaimCursor | undefined;
    while (!this.stopped && this.isReady(item)) {
      const task = { kind: 'reclaim' as const, lineage: lineage.id, ...gap, cursor, finish };
      const result = await this.slice(() => this.store.run({ ...task, limit: SLICE_VERSIONS }));
      this.host.counted(result.counters);
      cursor = result.cursor;
      if (cursor !== undefined) continue;
      for (const done of covered) this.items.delete(done);
      this.host.finished();
      if (drops) this.dropLineage(lineage);
      return;
    }
  }

  /**
   * The views around the item's epoch; an epoch that came back into use has no gap. The head comes
   * back to one by a crash that leaves the record of its reclaim and not the shrink that moved it on.
   */
  private gap({ lineage, epoch }: ReclaimItem): Gap {
    if (lineage.visibleEpochs().includes(epoch)) return { previous: epoch, next: epoch + 1 };
    const gap: Gap = { previous: -1, next: undefined };
    for (const view of this.viewsAt(lineage, this.host.publishedSequence())) {
      if (view < epoch) gap.previous = Math.max(gap.previous, view);
      if (view > epoch) gap.next = Math.min(gap.next ?? view, view);
    }
    return gap;
  }

  /** All items whose gap is the same: one pass serves them. */
  private coveredBy(item: ReclaimItem, { previous, next }: Gap): ReclaimItem[] {
    return [...this.items].filter((other) => {
      if (other.lineage !== item.lineage || !this.isReady(other)) return false;
      return (
        other === item || (other.epoch > previous && (next === undefined || other.epoch < next))
      );
    });
  }

  /** Records that change when the pass is complete. */
  private finishing(lineage: Lineage, covered: readonly ReclaimItem[]): RecordChange[] {
    const changes: RecordChange[] = covered.map((item) => ({
      key: recordKey('reclaim', lineage.id, item.epoch),
      value: undefined,
    }));
    if (lineage.isAbandoned) {
      changes.push({ key: recordKey('lineage', lineage.id), value: undefined });
      if (lineage.parent !== undefined) {
        changes.push(reclaimRecord(lineage.parent, lineage.parentEpoch));
      }
    }
    return changes;
  }

  private dropLineage(lineage: Lineage): void {
    this.host.forget(lineage);
    for (const item of this.items) if (item.lineage === lineage) this.items.delete(item);
    if (lineage.parent !== undefined) this.releaseParent(lineage.parent, lineage.parentEpoch);
  }

  private releaseParent(parent: Lineage, epoch: number): void {
    parent.unpin(epoch, 'stored');
    this.items.add({ lineage: parent, epoch, sequence: 0 });
  }

  private deepLineage(): Lineage | undefined {
    for (const lineage of this.deep) {
      if (lineage.depth <= LINEAGE_DEPTH_MAX || lineage.isAbandoned) this.deep.delete(lineage);
      else if (lineage.createdSequence <= this.host.publishedSequence()) return lineage;
    }
    return undefined;
  }

  private async merge(lineage: Lineage): Promise<void> {
    const { parent, parentEpoch } = lineage;
    if (parent === undefined) return;
    let fromBlock = 0;
    while (!this.stopped) {
      const first = fromBlock;
      const result = await this.slice(() =>
        this.store.run({
          kind: 'merge',
          lineage: lineage.id,
          fromBlock: first,
          firstView: Math.min(...this.viewsAt(lineage, this.host.publishedSequence())),
          limit: SLICE_VERSIONS,
          finish: [reclaimRecord(parent, parentEpoch)],
        }),
      );
      if (result.nextBlock !== undefined) {
        fromBlock = result.nextBlock;
        continue;
      }
      const grandparent = this.host.lineage(result.parent);
      grandparent?.pin(result.parentEpoch, 'stored');
      lineage.moveTo(grandparent, result.parentEpoch, result.clip);
      this.releaseParent(parent, parentEpoch);
      return;
    }
  }

  /** One slice, then a pause as long as it took. */
  private async slice<T>(action: () => Promise<T>): Promise<T> {
    const startMs = this.clock.monotonicMs();
    const result = await action();
    this.tellProgress();
    await pause(this.clock, Math.min(50, this.clock.monotonicMs() - startMs));
    return result;
  }

  private tellProgress(): void {
    const waiters = this.progressWaiters;
    this.progressWaiters = [];
    for (const resolve of waiters) resolve();
  }
}

/** Says that the view of `lineage` at `epoch` is to be reclaimed, unless something pins it. */
export function reclaimRecord(lineage: Lineage, epoch: number): RecordChange {
  return { key: recordKey('reclaim', lineage.id, epoch), value: packCount(epoch) };
}
