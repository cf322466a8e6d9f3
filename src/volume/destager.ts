/**
 * Destage: takes closed generations from the cache, one after the other, and publishes them. Whoever
 * needs durability waits for the generation that is active when it asks; all who ask while one is
 * being written share the next (group commit). A failed attempt is told to all waiting, the generation
 * stays in the cache and is tried again.
 */

import { type Clock, pause, type Timer } from '../base/clock.js';
import { type ArrayError, asArrayError } from '../base/errors.js';
import { DIRTY_AGE_MS_MAX } from '../base/limits.js';
import type { BlockStore } from '../store/block-store.js';
import { ALL_SECTORS, type CountersRecord } from '../store/records.js';
import type { LayerLocations, LayerStep, PublishResult, PublishStep } from '../store/tasks.js';
import type { BlockIndex } from './block-index.js';
import type { BlockMap } from './block-map.js';
import type { ClipMark, Generation, GenerationStep } from './generation.js';
import type { CachedBlock, Layer, Lineage } from './lineage.js';
import type { WriteCache } from './write-cache.js';

/** Wait after a failed attempt to publish. */
const RETRY_MS = 1_000;
/** Quiet time after which the blocks of the last generation's predecessors are freed. */
const TRIM_MS = 200;

export interface DestageListener {
  /** A generation was published: counters, usage counts, room in the cache. */
  published(result: PublishResult): void;
  /** The store's counters changed without a generation. */
  trimmed(counters: CountersRecord): void;
  /** Publishing failed; undefined: it works again. */
  failed(error: ArrayError | undefined): void;
  /** Newest view before the layer's epoch once its generation is published, -1 for none. */
  viewBefore(layer: Layer): number;
}

export class Destager {
  private running: Promise<void> | undefined;
  private ageTimer: Timer | undefined;
  private trimTimer: Timer | undefined;
  private trimWaiters: ((error?: ArrayError) => void)[] = [];
  private failing = false;
  private stopped = false;

  constructor(
    private readonly cache: WriteCache,
    private readonly store: BlockStore,
    private readonly map: BlockMap,
    private readonly clock: Clock,
    private readonly listener: DestageListener,
  ) {
    cache.onFull = () => this.requestCut();
  }

  /** Resolves when everything accepted so far is durable; rejects when publishing fails now. */
  durable(): Promise<void> {
    const generation = this.cache.active.isEmpty
      ? this.cache.closed[this.cache.closed.length - 1]
      : this.cache.active;
    if (generation === undefined) return Promise.resolve();
    generation.flushRequested = true;
    const published = generation.published();
    this.start();
    return published;
  }

  /** Something was put into the active generation: it is destaged after a while at the latest. */
  noteDirty(): void {
    if (this.ageTimer !== undefined || this.stopped) return;
    this.ageTimer = this.clock.after(DIRTY_AGE_MS_MAX, () => {
      this.ageTimer = undefined;
      this.requestCut();
    });
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
  }

  private requestCut(): void {
    if (this.cache.active.isEmpty) return;
    this.cache.active.flushRequested = true;
    this.start();
  }

  private start(): void {
    if (this.running !== undefined || this.stopped) return;
    this.running = this.run().finally(() => {
      this.running = undefined;
      // A request that came while the loop was ending starts a new one.
      if (this.hasWork()) this.start();
    });
  }

  private hasWork(): boolean {
    const { closed, active } = this.cache;
    return closed.length > 0 || active.flushRequested || this.trimWaiters.length > 0;
  }

  private async run(): Promise<void> {
    this.trimTimer?.cancel();
    let published = false;
    while (this.hasWork() && !this.stopped) {
      if (this.cache.closed.length === 0 && this.cache.active.flushRequested) this.cache.cut();
      const generation = this.cache.closed[0];
      if (generation !== undefined) {
        published = true;
        await this.publish(generation);
        if (this.failing) await pause(this.clock, RETRY_MS);
      } else if (this.trimWaiters.length > 0) {
        await this.runTrim();
      }
    }
    if (published && !this.stopped) {
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

  private async publish(generation: Generation): Promise<void> {
    let result: PublishResult;
    try {
      const steps = generation.steps.map((step) => this.publishStep(step));
      result = await this.store.run({
        kind: 'publish',
        sequence: generation.sequence,
        steps,
        records: generation.records,
      });
    } catch (error) {
      this.fail(asArrayError(error));
      return;
    }
    this.applyResult(generation, result);
    this.cache.retire(generation);
    if (this.failing) {
      this.failing = false;
      this.listener.failed(undefined);
    }
    this.listener.published(result);
    generation.settle();
  }

  private fail(error: ArrayError): void {
    this.failing = true;
    this.listener.failed(error);
    for (const generation of [...this.cache.closed, this.cache.active]) generation.settle(error);
  }

  private publishStep(step: GenerationStep): PublishStep {
    if (step.kind === 'layer') return this.layerStep(step);
    if (step.kind === 'usage') return step;
    const replaces = step.replaces.map((clip) => clip.epoch);
    const { epoch, block } = step.clip;
    return { kind: 'clip', lineage: step.lineage.id, epoch, block, replaces };
  }

  /** The layer as data for the writer: ascending by block, partial blocks with their base. */
  private layerStep(layer: Layer): PublishStep {
    const blocks = ascendingBlocks(layer);
    const step: LayerStep = {
      kind: 'layer',
      lineage: layer.lineage.id,
      epoch: layer.epoch,
      previousView: this.listener.viewBefore(layer),
      blocks,
      slots: new Int32Array(blocks.length),
      sectors: new Uint32Array(blocks.length),
      baseIds: new Float64Array(blocks.length),
      baseCrcs: new Uint32Array(blocks.length),
      baseSectors: new Uint32Array(blocks.length),
      mapped: new Uint8Array(blocks.length),
    };
    for (const [index, block] of blocks.entries()) {
      this.describe(step, index, layer, block, layer.blocks.get(block) as CachedBlock);
    }
    return step;
  }

  private describe(
    step: LayerStep,
    index: number,
    layer: Layer,
    block: number,
    entry: CachedBlock,
  ): void {
    const { lineage, epoch } = layer;
    const base = this.map.locate({ lineage, epoch }, block);
    step.mapped[index] = base.id === 0 ? 0 : 1;
    if (entry.sectors !== ALL_SECTORS && lineage.layers[0] !== layer) {
      this.map.takeFromOlderLayers(layer, block, entry);
    }
    step.slots[index] = entry.slot;
    step.sectors[index] = entry.sectors;
    step.baseIds[index] = base.id;
    step.baseCrcs[index] = base.crc;
    step.baseSectors[index] = base.sectors;
  }

  /** Tells the indexes in memory where the blocks went. */
  private applyResult(generation: Generation, result: PublishResult): void {
    let layerNumber = 0;
    for (const step of generation.steps) {
      if (step.kind === 'clip') applyClip(step);
      if (step.kind !== 'layer') continue;
      const locations = result.layers[layerNumber];
      layerNumber += 1;
      if (locations === undefined) continue;
      applyLayer(step, locations);
      // What was just written is in the host's page cache.
      for (const id of locations.ids) if (id !== 0) this.map.fetcher.warm.add(id);
    }
  }
}

/** Indexes in memory that show the lineage's state at `epoch`. */
function indexesFrom(lineage: Lineage, epoch: number): BlockIndex[] {
  const indexes = [lineage.index];
  for (const [view, index] of lineage.views) if (view >= epoch) indexes.push(index);
  return indexes;
}

function applyLayer(layer: Layer, locations: LayerLocations): void {
  const indexes = indexesFrom(layer.lineage, layer.epoch);
  let position = 0;
  for (const block of ascendingBlocks(layer)) {
    const location = {
      id: locations.ids[position] as number,
      crc: locations.crcs[position] as number,
      sectors: locations.sectors[position] as number,
    };
    for (const index of indexes) index.update(block, location);
    position += 1;
  }
}

function applyClip(mark: ClipMark): void {
  const { clips } = mark.lineage;
  mark.clip.published = true;
  for (const old of mark.replaces) {
    const position = clips.indexOf(old);
    if (position >= 0) clips.splice(position, 1);
  }
  for (const index of indexesFrom(mark.lineage, mark.clip.epoch)) index.clip(mark.clip.block);
}

/** The order in which a layer's blocks are published. */
function ascendingBlocks(layer: Layer): Float64Array {
  return Float64Array.from(layer.blocks.keys()).sort();
}
