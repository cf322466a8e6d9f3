/**
 * The lineages of a pool in memory, how many blocks each of their views shows, and what commands do to
 * them. Every change is made at once and is part of the active generation.
 */
import { assert } from '../base/assert.js';
import { ArrayError } from '../base/errors.js';
import { CLIPS_PER_LINEAGE_MAX } from '../base/limits.js';
import { BLOCK_BYTES } from '../base/sizes.js';
import type { StoreReader } from '../store/block-store.js';
import { EPOCH_MAX, parseRecordKey, recordKey, recordKeyEnd } from '../store/keys.js';
import { packLineage, unpackCount } from '../store/records.js';
import type { RecordChange } from '../store/tasks.js';
import { type IndexMaker, type Layer, Lineage } from './lineage.js';
import { loadLineages } from './load-lineages.js';
import { type Reclaimer, reclaimRecord } from './reclaimer.js';
import { unpublishedChange } from './unpublished-count.js';
import { UsageCounts } from './usage-counts.js';
import type { View } from './view.js';
import type { WriteCache } from './write-cache.js';

export interface LineageHost {
  readonly cache: WriteCache;
  readonly reclaimer: Reclaimer;
  readonly makeIndex: IndexMaker;
  /** First free lineage id, which then is used. */
  takeId(): number;
  /** Closes the active generation, without waiting. */
  cut(): void;
  /** A record changes with the active generation. */
  change(key: Uint8Array, value: Uint8Array | undefined): void;
  /** Something else was put into the active generation. */
  noteDirty(): void;
}

export class PoolLineages {
  readonly usage = new UsageCounts();
  private readonly byId = new Map<number, Lineage>();

  constructor(private readonly host: LineageHost) {}

  find(id: number): Lineage | undefined {
    return this.byId.get(id);
  }

  get(id: number): Lineage {
    const lineage = this.byId.get(id);
    if (lineage === undefined) throw new ArrayError('EIO', `lineage ${id} has no record`);
    return lineage;
  }

  /** A volume writes here, or an image is open, be it of something deleted. */
  get isInUse(): boolean {
    return [...this.byId.values()].some((lineage) => {
      return lineage.hasHead || lineage.visibleEpochs().some((at) => lineage.isPinned(at, 'open'));
    });
  }

  forget(lineage: Lineage): void {
    this.byId.delete(lineage.id);
    lineage.index.clear();
    this.usage.forgetLineage(lineage.id);
  }

  /** Reads what is published. */
  load(store: StoreReader): void {
    loadLineages(store, (id, parent, parentEpoch) => this.add(id, parent, parentEpoch, 0));
    const start = recordKey('usage');
    for (const { key, value } of store.range('records', start, recordKeyEnd('usage'))) {
      const { first, second } = parseRecordKey(key);
      this.usage.set(first, second, unpackCount(value));
    }
  }

  /** Goes on with what is to be reclaimed and merged; heads and snapshots have their epochs by now. */
  resume(store: StoreReader): void {
    const { reclaimer } = this.host;
    const start = recordKey('reclaim');
    for (const { key } of store.range('records', start, recordKeyEnd('reclaim'))) {
      const { first, second } = parseRecordKey(key);
      const lineage = this.byId.get(first);
      if (lineage !== undefined) reclaimer.add(lineage, second, 0);
    }
    for (const lineage of this.byId.values()) reclaimer.noteDepth(lineage);
    reclaimer.wake();
  }

  /** A new line of versions that begins with what `base` shows, or with zeros. */
  begin(base: View | undefined): Lineage {
    // What a base has in the active generation is stored before its child's blocks are.
    if (base?.lineage.hasUnpublishedUpTo(base.epoch)) this.host.cut();
    const id = this.host.takeId();
    const sequence = this.host.cache.active.sequence;
    const lineage = this.add(id, base?.lineage, base?.epoch ?? 0, sequence);
    const record = { id, parent: base?.lineage.id ?? 0, parentEpoch: base?.epoch ?? 0 };
    this.host.change(recordKey('lineage', id), packLineage(record));
    if (base !== undefined) {
      base.lineage.pin(base.epoch, 'stored');
      this.copyUsage(base, { lineage, epoch: EPOCH_MAX });
      this.host.reclaimer.noteDepth(lineage);
    }
    return lineage;
  }

  /** Keeps the head's present state: returns its epoch, pinned; writes go on in the next one. */
  freeze(lineage: Lineage): number {
    if (this.host.cache.isWritten(lineage)) this.host.cut();
    const { epoch } = lineage;
    assert(epoch < EPOCH_MAX - 1, 'a lineage has 2^32 epochs');
    lineage.pin(epoch, 'stored');
    lineage.epoch += 1;
    this.copyUsage({ lineage, epoch: EPOCH_MAX }, { lineage, epoch });
    return epoch;
  }

  /** The snapshot at `epoch` is gone. */
  releaseEpoch(lineage: Lineage, epoch: number): void {
    const { cache, reclaimer } = this.host;
    lineage.unpin(epoch, 'stored');
    this.usage.forget(lineage.id, epoch);
    // A clone that still pins it may be gone before this is published: its blocks wait all the same.
    if (lineage.isPinned(epoch, 'stored')) reclaimer.add(lineage, epoch, cache.active.sequence);
    else this.addReclaim(lineage, epoch);
  }

  /** The volume's records no longer name the lineage; an open image may still use it. */
  markAbandoned(lineage: Lineage): void {
    const { key, value } = reclaimRecord(lineage, lineage.epoch);
    this.host.change(key, value);
  }

  /** Nobody writes to the lineage any more. */
  abandon(lineage: Lineage): void {
    lineage.hasHead = false;
    this.addReclaim(lineage, lineage.epoch);
  }

  /** Hides everything of the head from `block` on; ENOSPC beyond the limit of clips. */
  clip(lineage: Lineage, block: number): void {
    const { cache } = this.host;
    const old = lineage.epoch;
    const replaces = lineage.clips.filter((clip) => {
      return clip.block >= block && clip.epoch > 0 && !lineage.isVisibleBetween(clip.epoch, old);
    });
    if (lineage.clips.length - replaces.length >= CLIPS_PER_LINEAGE_MAX) {
      throw new ArrayError('ENOSPC', `more than ${CLIPS_PER_LINEAGE_MAX} shrinks of one volume`);
    }
    if (cache.isWritten(lineage)) this.host.cut();
    lineage.epoch += 1;
    const clip = { epoch: lineage.epoch, block, published: false };
    lineage.clips.push(clip);
    const order = cache.takeOrder();
    const reclaim = this.queueReclaim(lineage, old);
    const mark = { kind: 'clip' as const, order, lineage, clip, replaces, reclaim, logged: false };
    cache.active.addClip(mark);
    this.host.noteDirty();
  }

  pinOpen(lineage: Lineage, epoch: number): void {
    lineage.pin(epoch, 'open');
  }

  unpinOpen(lineage: Lineage, epoch: number): void {
    lineage.unpin(epoch, 'open');
    this.host.reclaimer.wake();
  }

  /** Newest view before the layer's epoch once generation `sequence` is published, -1 for none. */
  viewBefore({ lineage, epoch }: Layer, sequence: number): number {
    const views = this.host.reclaimer.viewsAt(lineage, sequence);
    return Math.max(-1, ...views.filter((view) => view < epoch));
  }

  /** Mapped bytes of a view; epoch EPOCH_MAX is the head, of which it is an estimate until all is published. */
  allocatedBytes(lineage: Lineage, epoch: number): number {
    const head = this.usage.get(lineage.id, EPOCH_MAX) ?? 0;
    if (epoch !== EPOCH_MAX) return (this.usage.get(lineage.id, epoch) ?? head) * BLOCK_BYTES;
    return Math.max(0, head + unpublishedChange(lineage)) * BLOCK_BYTES;
  }

  /** False where the head surely shows zeros only. */
  mayShowContent(lineage: Lineage): boolean {
    if (lineage.parent !== undefined || lineage.layers.length > 0) return true;
    return (this.usage.get(lineage.id, EPOCH_MAX) ?? 0) > 0;
  }

  /** `sequence`: of the generation its record is in. */
  private add(
    id: number,
    parent: Lineage | undefined,
    parentEpoch: number,
    sequence: number,
  ): Lineage {
    const lineage = new Lineage(id, parent, parentEpoch, sequence, this.host.makeIndex);
    this.byId.set(id, lineage);
    return lineage;
  }

  private addReclaim(lineage: Lineage, epoch: number): void {
    const record = this.queueReclaim(lineage, epoch);
    if (record !== undefined) this.host.change(record.key, record.value);
  }

  /** Returns the record that is to be stored with it; undefined where something keeps the epoch. */
  private queueReclaim(lineage: Lineage, epoch: number): RecordChange | undefined {
    if (lineage.isPinned(epoch, 'stored')) return undefined;
    this.host.reclaimer.add(lineage, epoch, this.host.cache.active.sequence);
    return reclaimRecord(lineage, epoch);
  }

  private copyUsage(from: View, to: View): void {
    const count = this.usage.get(from.lineage.id, from.epoch);
    if (count !== undefined) this.usage.set(to.lineage.id, to.epoch, count);
    this.host.cache.active.addUsage({
      kind: 'usage',
      order: this.host.cache.takeOrder(),
      lineage: from.lineage.id,
      epoch: from.epoch,
      toLineage: to.lineage.id,
      toEpoch: to.epoch,
    });
  }
}
