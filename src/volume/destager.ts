/**
 * Destage: takes closed generations from the cache, one after the other, and stores their blocks,
 * which frees the cache's memory. What is stored is published together, when somebody waits for it,
 * when it is old or when it is much. Whoever needs durability waits for the generation that is active
 * when it asks; all who ask while the writer is busy share the next publish (group commit). A failed
 * attempt is told to all waiting, the generation stays in the cache and is tried again.
 */

import { type Clock, pause, type Timer } from '../base/clock.js';
import { type ArrayError, asArrayError } from '../base/errors.js';
import { DIRTY_AGE_MS_MAX, PENDING_BLOCKS_MAX, PUBLISH_BLOCKS_MAX } from '../base/limits.js';
import type { BlockStore } from '../store/block-store.js';
import { emptyLocations } from '../store/locations.js';
import type { CountersRecord } from '../store/records.js';
import type { PublishResult, RecordChange } from '../store/tasks.js';
import type { BlockMap } from './block-map.js';
import { blocksToStore, noteStored } from './blocks-to-store.js';
import type { Generation } from './generation.js';
import type { Layer } from './lineage.js';
import { applyPublished, publishSteps, type ViewSource } from './publish-steps.js';
import type { WriteCache } from './write-cache.js';

/** Wait after a failed attempt to publish. */
const RETRY_MS = 1_000;
/** Blocks from which on a generation is flushed before it is published, beside other work. */
const FLUSHED_BLOCKS_MIN = 512;
/** Quiet time after which the blocks of the last generation's predecessors are freed. */
const TRIM_MS = 200;

export interface DestageListener extends ViewSource {
  /** A generation was published: counters, usage counts, room in the cache. */
  published(result: PublishResult): void;
  /** The store's counters changed without a generation. */
  trimmed(counters: CountersRecord): void;
  /** Publishing failed; undefined: it works again. */
  failed(error: ArrayError | undefined): void;
  /** Records that change with the publication of generation `sequence`. */
  publishing(sequence: number): readonly RecordChange[];
  /** Memory of the cache is free again. */
  roomMade(): void;
}

export class Destager {
  private running: Promise<void> | undefined;
  private ageTimer: Timer | undefined;
  private trimTimer: Timer | undefined;
  private trimWaiters: ((error?: ArrayError) => void)[] = [];
  private failing = false;
  /** Until everything closed by now is stored. */
  private memoryWanted = false;
  private wake: () => void = () => {};
  private flushing: Promise<void> = Promise.resolve();
  private stopped = false;

  constructor(
    readonly cache: WriteCache,
    private readonly store: BlockStore,
    readonly map: BlockMap,
    private readonly clock: Clock,
    private readonly listener: DestageListener,
  ) {
    cache.onFull = () => this.start();
  }

  /** Resolves when everything accepted so far is durable; rejects when publishing fails now. */
  durable(): Promise<void> {
    const published = this.newest?.published();
    this.requestPublish();
    return published ?? Promise.resolve();
  }

  /** Something was put into the active generation: it is destaged after a while at the latest. */
  noteDirty(): void {
    if (this.ageTimer !== undefined || this.stopped) return;
    this.ageTimer = this.clock.after(DIRTY_AGE_MS_MAX, () => {
      this.ageTimer = undefined;
      this.requestPublish();
    });
  }

  /** Memory is needed: stores the active generation, too, as soon as the writer is free. */
  storeSoon(): void {
    if (!this.cache.active.isEmpty) this.cache.active.isFull = true;
    this.memoryWanted = true;
    this.start();
  }

  /** Closes the active generation now: what follows is in another one. */
  cut(): void {
    this.cache.cut();
    this.start();
  }

  /**
   * Frees the blocks that published generations replaced. Only the loop does it: a trim behind a
   * publish whose result was not applied yet would free what readers still look for.
   */
  trim(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.trimWaiters.push((error) => (error === undefined ? resolve() : reject(error)));
      this.start();
    });
  }

  /** Makes everything durable and ends background work, also where the former fails (it rejects). */
  async stop(): Promise<void> {
    try {
      await this.durable();
      await this.trim();
    } finally {
      this.stopped = true;
      this.ageTimer?.cancel();
      this.trimTimer?.cancel();
    }
    await this.running;
    await this.flushing;
  }

  /** The newest generation with anything in it. */
  private get newest(): Generation | undefined {
    const { active, closed } = this.cache;
    return active.isEmpty ? closed[closed.length - 1] : active;
  }

  /** All that was accepted so far is to be published. */
  requestPublish(): void {
    if (this.newest === undefined) return;
    this.newest.flushRequested = true;
    this.start();
  }

  private start(): void {
    this.wake();
    if (this.running !== undefined || this.stopped) return;
    this.running = this.run().finally(() => {
      this.running = undefined;
      // A request that came while the loop was ending starts a new one.
      if (this.nextWork() !== undefined) this.start();
    });
  }

  /** The next thing to do, in the order of urgency. */
  private nextWork(): (() => Promise<void>) | undefined {
    const { closed, active } = this.cache;
    const oldest = closed[0];
    if (oldest?.state === 'flushed') return () => this.publish(oldest);
    if (oldest?.state === 'stored' && (oldest.flushRequested || isLarge(oldest))) {
      const { flush } = this.store.blocks;
      if (flush === undefined || oldest.dirtyBlocks < FLUSHED_BLOCKS_MIN) {
        return () => this.publish(oldest);
      }
      return () => this.beginFlush(oldest);
    }
    // What is stored and not published costs memory, too.
    const isBehind = oldest?.state === 'flushing' && this.cache.pendingBlocks > PENDING_BLOCKS_MAX;
    if (isBehind) return () => this.woken();
    const unstored = closed.find((generation) => generation.state === 'closed');
    if (unstored !== undefined && this.isPressed) return () => this.storeBlocks(unstored);
    if (active.flushRequested || active.isFull) {
      return async () => {
        this.cache.cut();
      };
    }
    if (this.trimWaiters.length > 0) return () => this.runTrim();
    return oldest?.state === 'flushing' ? () => this.woken() : undefined;
  }

  /** Blocks are to be stored: a burst that fits into the cache is left in peace for a while. */
  private get isPressed(): boolean {
    const { closed, active, memory } = this.cache;
    if (memory.isFilling || active.flushRequested || this.memoryWanted) return true;
    return closed.some((generation) => generation.flushRequested);
  }

  /** Makes the blocks durable beside other work, so that the writer need not wait for the disk. */
  private async beginFlush(generation: Generation): Promise<void> {
    this.flushing = this.flush(generation);
  }

  private async flush(generation: Generation): Promise<void> {
    generation.state = 'flushing';
    try {
      await this.store.blocks.flush?.();
      generation.blocksAreDurable = true;
    } catch {
      // The publish tries itself, and says what is wrong.
    }
    generation.state = 'flushed';
    this.wake();
  }

  /** Resolves when there is something new to do. */
  private woken(): Promise<void> {
    return new Promise((resolve) => {
      this.wake = resolve;
    });
  }

  private async run(): Promise<void> {
    this.trimTimer?.cancel();
    const { sequence } = this.cache.active;
    for (let work = this.nextWork(); work !== undefined && !this.stopped; work = this.nextWork()) {
      await work();
      if (this.failing) await pause(this.clock, RETRY_MS);
    }
    if (this.cache.active.sequence !== sequence && !this.stopped) {
      this.trimTimer = this.clock.after(TRIM_MS, () => {
        this.trim().catch(() => {
          // The blocks stay on the list of the next generation.
        });
      });
    }
  }

  private async runTrim(): Promise<void> {
    const waiters = this.trimWaiters;
    this.trimWaiters = [];
    try {
      this.listener.trimmed(await this.store.run({ kind: 'trim' }));
      for (const done of waiters) done();
    } catch (error) {
      for (const done of waiters) done(asArrayError(error));
    }
  }

  /** Stores the blocks of a closed generation, which frees their memory. */
  private async storeBlocks(generation: Generation): Promise<void> {
    const layers = generation.steps.filter((step): step is Layer => step.kind === 'layer');
    const described = layers.map((layer) => blocksToStore(this.map, layer));
    const parts = described.filter(({ entries }) => entries.length > 0);
    try {
      if (parts.length > 0) {
        const task = { kind: 'storeBlocks' as const, parts: parts.map(({ part }) => part) };
        const result = await this.store.run(task);
        for (const [index, { entries }] of parts.entries()) {
          noteStored(this, generation, entries, result.parts[index] ?? emptyLocations(0));
        }
      }
    } catch (error) {
      this.fail(asArrayError(error));
      return;
    }
    generation.state = 'stored';
    if (!this.cache.closed.some(({ state }) => state === 'closed')) this.memoryWanted = false;
    this.works();
    const before = this.cache.closed[this.cache.closed.indexOf(generation) - 1];
    if (before?.state === 'stored' && !isLarge(before)) this.cache.absorb(before, generation);
    this.listener.roomMade();
  }

  private async publish(generation: Generation): Promise<void> {
    let result: PublishResult;
    try {
      generation.state = 'publishing';
      const steps = publishSteps(generation, this.listener);
      result = await this.store.run({
        kind: 'publish',
        sequence: generation.sequence,
        steps,
        records: [...generation.records, ...this.listener.publishing(generation.sequence)],
        blocksAreDurable: generation.blocksAreDurable,
        discards: generation.discards,
      });
    } catch (error) {
      generation.state = 'flushed';
      this.fail(asArrayError(error));
      return;
    }
    applyPublished(generation);
    this.cache.retire(generation);
    this.works();
    this.listener.published(result);
    generation.settle();
  }

  private works(): void {
    if (!this.failing) return;
    this.failing = false;
    this.listener.failed(undefined);
  }

  private fail(error: ArrayError): void {
    this.failing = true;
    this.listener.failed(error);
    for (const generation of [...this.cache.closed, this.cache.active]) generation.settle(error);
  }
}

/** More would make a transaction long. */
function isLarge(generation: Generation): boolean {
  return generation.blockCount >= PUBLISH_BLOCKS_MAX;
}
