/**
 * The content of one pool: lineages, cache, destage, space and background work, put together. What a
 * volume or snapshot is called is not known here; the array layer above names lineages and epochs.
 *
 * Every change is made in memory at once, in the order of the calls, and is part of the active
 * generation; `durable` waits until that is published.
 */

import type { Clock } from '../base/clock.js';
import type { ArrayError } from '../base/errors.js';
import type { BlockStore } from '../store/block-store.js';
import type { IntentLog } from '../store/intent-log.js';
import type { CountersRecord, Location } from '../store/records.js';
import type { PublishResult, RecordChange } from '../store/tasks.js';
import { Admission } from './admission.js';
import type { AheadBytes } from './ahead-bytes.js';
import type { IndexBudget } from './block-index.js';
import { BlockMap, type DamageReport } from './block-map.js';
import { CacheMemory } from './cache-memory.js';
import type { CacheSlabs } from './cache-slabs.js';
import { ChangeLog, type LoggedVolume } from './change-log.js';
import { ChangedBlocks, type SizedView } from './changed-blocks.js';
import { writeContent, zeroContent } from './content-writes.js';
import { Destager } from './destager.js';
import type { Lineage } from './lineage.js';
import { logRecord, openLog } from './open-log.js';
import { PoolLineages } from './pool-lineages.js';
import { Reclaimer } from './reclaimer.js';
import type { RecordSource } from './record-source.js';
import { Space } from './space.js';
import type { View } from './view.js';
import { WriteCache } from './write-cache.js';

/** Generations that fit into the cache: one is filled while others are written. */
const GENERATIONS_IN_CACHE = 4;
const GENERATION_BYTES_MAX = 16 * 2 ** 20;

export interface PoolContentOptions {
  readonly store: BlockStore;
  /** Seed of the map tags. */
  readonly tagSeed: number;
  readonly capacityBytes: number;
  readonly clock: Clock;
  /** Memory of the write cache, of all pools. */
  readonly slabs: CacheSlabs;
  readonly indexBudget: IndexBudget;
  readonly readOnly: boolean;
  /** First free lineage id, and who is told when one is used. */
  readonly takeLineageId: () => number;
  readonly onDamage: DamageReport;
  /** What the pool's state shows has changed without a command. */
  readonly onChange: () => void;
  /** Publishing failed; undefined: it works again. */
  readonly onFailure: (error: ArrayError | undefined) => void;
  /** Further records that go with each publication. */
  readonly publishing?: () => readonly RecordChange[];
}

/** What fails now and is tried again. */
interface Failures {
  readonly destage?: ArrayError | undefined;
  readonly background?: ArrayError | undefined;
}

export class PoolContent {
  readonly cache: WriteCache;
  readonly space: Space;
  readonly lineages: PoolLineages;
  /** Room for writes: ask it before `write`. */
  readonly admission: Admission;
  private failures: Failures = {};
  publishedSequence = 0;
  private readonly store: BlockStore;
  /** What views show; reading of holes and fetching of cold blocks. */
  readonly map: BlockMap;
  private readonly destager: Destager;
  private readonly reclaimer: Reclaimer;
  private readonly changeLog: ChangeLog;

  private constructor(
    private readonly options: PoolContentOptions,
    memory: CacheMemory,
    counters: CountersRecord,
    readonly log: IntentLog,
  ) {
    const { store, clock } = options;
    this.store = store;
    this.map = new BlockMap(store, options.tagSeed, options.indexBudget, clock, options.onDamage);
    this.cache = new WriteCache(
      memory,
      Math.min(memory.limitBytes / GENERATIONS_IN_CACHE, GENERATION_BYTES_MAX),
      counters.publishedSequence,
      (location) => this.map.readLocation(location),
    );
    this.space = new Space(store, options.capacityBytes, clock);
    this.reclaimer = new Reclaimer(store, clock, {
      counted: (fresh) => this.count(fresh),
      finished: () => options.onChange(),
      forget: (lineage) => this.lineages.forget(lineage),
      lineage: (id) => this.lineages.find(id),
      publishedSequence: () => this.publishedSequence,
      failed: (error) => this.noteFailure({ background: error }),
    });
    this.destager = new Destager(this.cache, store, this.map, clock, {
      published: (result) => this.published(result),
      trimmed: (fresh) => this.count(fresh),
      failed: (error) => this.noteFailure({ destage: error }),
      viewBefore: (layer, sequence) => this.lineages.viewBefore(layer, sequence),
      publishing: (sequence) => [logRecord(log, sequence), ...(options.publishing?.() ?? [])],
      roomMade: () => memory.tellRoom(),
    });
    this.lineages = new PoolLineages({
      cache: this.cache,
      reclaimer: this.reclaimer,
      makeIndex: this.map.newIndex,
      takeId: options.takeLineageId,
      cut: () => this.cut(),
      change: (key, value) => this.change(key, value),
      noteDirty: () => this.destager.noteDirty(),
    });
    this.changeLog = new ChangeLog(this.cache, log, {
      viewBefore: (layer) => this.lineages.viewBefore(layer, layer.sequence),
      readStored: (location) => this.map.tryReadLocation(location),
      publishedSequence: () => this.publishedSequence,
    });
    this.admission = new Admission(this.cache, this.space, this.destager, this.reclaimer, clock);
    memory.onRoom = () => this.admission.roomMade();
    this.publishedSequence = counters.publishedSequence;
    this.count(counters);
  }

  /** Frees what a crash has left, replays the intent log, and reads the pool's lineages. */
  static async open(options: PoolContentOptions): Promise<PoolContent> {
    const memory = new CacheMemory(options.slabs, (slab) => options.store.shareSlab(slab));
    try {
      const { log, counters } = await openLog(options, memory);
      const content = new PoolContent(options, memory, counters, log);
      content.lineages.load(options.store);
      return content;
    } catch (error) {
      memory.close();
      throw error;
    }
  }

  /** Call once the heads and snapshots have claimed their epochs: starts pending background work. */
  start(): void {
    if (!this.options.readOnly) this.lineages.resume(this.store);
  }

  // ---- records

  /** Sequence number of the generation that changes are part of now. */
  get sequence(): number {
    return this.cache.active.sequence;
  }

  /** A record changes by a command (logged with it) or in passing, by a write. */
  touch(source: RecordSource, by: 'command' | 'write' = 'command'): void {
    if (this.options.readOnly) return;
    this.cache.active.touch(source, by);
    this.destager.noteDirty();
  }

  change(key: Uint8Array, value: Uint8Array | undefined): void {
    if (this.options.readOnly) return;
    this.cache.active.change(key, value);
    this.destager.noteDirty();
  }

  /**
   * Closes the active generation, without waiting: to be called before `freeze`, once for all that
   * have to share one instant.
   */
  cut(): void {
    this.destager.cut();
  }

  /** Resolves when everything accepted so far is published. */
  durable(): Promise<void> {
    return this.destager.durable();
  }

  /**
   * Resolves when what commands changed is durable, and all writes of `volume`: logged, or published
   * where that is much.
   */
  async confirmed(volume?: LoggedVolume): Promise<void> {
    const logged = this.changeLog.append(volume);
    if (logged === undefined) return this.durable();
    try {
      await logged;
    } catch {
      // The log is out of use from now on.
      await this.durable();
    }
    if (this.log.isFilling) this.destager.requestPublish();
  }

  // ---- content

  /** Fills `target`, with what was read ahead where that is so; EIO where a block is damaged. */
  read(view: View, offset: number, target: Uint8Array, ahead?: AheadBytes): void {
    this.map.read(view, offset, target, ahead);
  }

  /** Writes accepted bytes. Ends within a sector are filled up from the present content. */
  write(lineage: Lineage, offset: number, data: Uint8Array): void {
    writeContent(this, lineage, offset, data);
    this.destager.noteDirty();
  }

  /** Makes [offset, offset + length) zeros; both ends on sector borders. */
  zero(lineage: Lineage, offset: number, length: number): void {
    zeroContent(this, lineage, offset, length);
    this.destager.noteDirty();
  }

  /** Both views are published; they stay pinned as long as it is used. */
  changes(base: SizedView, next: SizedView): ChangedBlocks {
    return new ChangedBlocks(this.store, this.map, this.options.clock, base, next);
  }

  /** Makes `block` one more reference to a stored block that a view shows. */
  share(lineage: Lineage, block: number, location: Location): void {
    this.cache.shareBlock(lineage, block, location);
    this.destager.noteDirty();
  }

  /** The active generation is closed as soon as the writer is free. */
  storeSoon(): void {
    this.destager.storeSoon();
  }

  // ---- state

  /** Publishing or background work failed and is tried again. */
  get failure(): ArrayError | undefined {
    return this.failures.destage ?? this.failures.background;
  }

  get reclaimsPending(): number {
    return this.reclaimer.pendingCount;
  }

  get freeBytes(): number {
    return this.space.freeBytes(this.cache.dirtyBlocks);
  }

  get isFull(): boolean {
    return this.space.isFull(this.cache.dirtyBlocks);
  }

  /** Makes everything durable and closes the store, also where the former fails (it rejects). */
  async close(): Promise<void> {
    try {
      await this.reclaimer.stop();
      await this.destager.stop();
    } finally {
      await this.log.close();
      await this.store.close();
      this.cache.memory.close();
    }
  }

  // ---- inside

  private published(result: PublishResult): void {
    this.publishedSequence = result.counters.publishedSequence;
    this.log.published(this.publishedSequence);
    for (const { lineage, epoch, count } of result.usage) {
      this.lineages.usage.set(lineage, epoch, count);
    }
    this.count(result.counters);
    this.admission.roomMade();
    this.reclaimer.wake();
  }

  private noteFailure(change: Failures): void {
    this.failures = { ...this.failures, ...change };
    this.admission.failed(this.failure);
    this.options.onFailure(this.failure);
  }

  private count(counters: CountersRecord): void {
    this.space.storedBlocks = counters.storedBlocks;
    this.options.onChange();
  }
}
