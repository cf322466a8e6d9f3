/**
 * The write-back cache: accepts writes at memory speed, within a bound, and keeps their order in
 * generations. It knows nothing of the store; the destager takes closed generations from it.
 *
 * Invariants: a closed generation is not written into; a lineage's `layers` are the layers of all
 * generations not yet published, oldest first, one for each epoch of a generation; the newest layer
 * of a lineage is written into while it is of the lineage's epoch and of the active generation.
 */

import { assert } from '../base/assert.js';
import { BLOCK_BYTES, PAGE_BYTES, SECTOR_BYTES } from '../base/sizes.js';
import { ALL_SECTORS, type Location } from '../store/records.js';
import { ZEROS } from '../store/resolve.js';
import { sectorMask } from '../store/sector-runs.js';
import type { CacheMemory, MemoryNeed } from './cache-memory.js';
import type { CacheSpan } from './cache-slabs.js';
import { Generation } from './generation.js';
import type { CachedBlock, Layer, Lineage } from './lineage.js';

/** Blocks after which a generation is closed: a task of the writer is then short. */
const GENERATION_BLOCKS_MAX = 1024;

export class WriteCache {
  active: Generation;
  /** Closed, not yet published, oldest first. */
  readonly closed: Generation[] = [];
  /** Blocks that cached content takes in the container until it is published. */
  dirtyBlocks = 0;
  /** Called when the active generation has reached its size. */
  onFull: () => void = () => {};
  private nextSequence: number;
  private nextOrder = 1;

  constructor(
    readonly memory: CacheMemory,
    /** Memory of a generation before it is closed. */
    private readonly generationBytes: number,
    publishedSequence: number,
    /** Content of a stored block. */
    private readonly readStored: (location: Location) => Uint8Array,
  ) {
    this.nextSequence = publishedSequence + 1;
    this.active = this.newGeneration();
  }

  /** Blocks of all generations not published yet. */
  get pendingBlocks(): number {
    return [...this.closed, this.active].reduce((sum, { blockCount }) => sum + blockCount, 0);
  }

  /** Memory a write of [offset, offset + length) takes at most. */
  memoryNeed(lineage: Lineage, offset: number, length: number): MemoryNeed {
    const layer = this.writableLayer(lineage);
    const need = { blocks: 0, pages: 0 };
    const end = offset + length;
    for (let position = offset; position < end; ) {
      const block = Math.floor(position / BLOCK_BYTES);
      const start = position % BLOCK_BYTES;
      const size = Math.min(BLOCK_BYTES - start, end - position);
      const entry = layer?.blocks.get(block);
      if (entry === undefined) need[isOnePage(start, start + size) ? 'pages' : 'blocks'] += 1;
      else if (!holds(entry, start, start + size)) need.blocks += 1;
      position += size;
    }
    return need;
  }

  /** Writes `data` into `block` from byte `start`; both ends lie on sector borders. */
  write(lineage: Lineage, block: number, start: number, data: Uint8Array): void {
    assert(start % SECTOR_BYTES === 0 && data.length % SECTOR_BYTES === 0, 'whole sectors');
    const layer = this.layerForWriting(lineage);
    const end = start + data.length;
    const entry = this.writableBlock(layer, block, start, end);
    const mask = sectorMask(start, end);
    entry.span.bytes.set(data, start - entry.start);
    entry.sectors = (entry.sectors | mask) >>> 0;
    noteUnlogged(layer, block, entry, mask);
    const { active } = this;
    if (active.isFull) return;
    if (active.memoryBytes < this.generationBytes && active.dirtyBlocks < GENERATION_BLOCKS_MAX)
      return;
    active.isFull = true;
    this.onFull();
  }

  /** Makes all of `block` zeros, without memory. */
  zeroBlock(lineage: Lineage, block: number): void {
    this.putStored(lineage, block, ZEROS, false);
  }

  /** Makes `block` one more reference to a block stored for another version. */
  shareBlock(lineage: Lineage, block: number, location: Location): void {
    this.putStored(lineage, block, location, location.id !== 0);
  }

  /** The cut. Returns the closed generation, undefined where nothing was in it. */
  cut(): Generation | undefined {
    const generation = this.active;
    if (generation.isEmpty) return undefined;
    generation.close();
    this.closed.push(generation);
    this.active = this.newGeneration();
    return generation;
  }

  /** The active generation has writes to the lineage's epoch: a new epoch needs a cut before it. */
  isWritten(lineage: Lineage): boolean {
    return this.writableLayer(lineage) !== undefined;
  }

  /** Position of a step in the order of all steps. */
  takeOrder(): number {
    const order = this.nextOrder;
    this.nextOrder += 1;
    return order;
  }

  /** The content of a cached block of a closed generation has been stored: its memory is free. */
  setStored(generation: Generation, entry: CachedBlock, location: Location): void {
    assert(entry.span !== undefined, 'a block is stored once');
    this.release(generation, entry);
    entry.location = location;
    entry.sectors = ALL_SECTORS;
    if (location.id === 0) this.countDirty(generation, -1);
  }

  /** Puts two stored generations that follow each other together. */
  absorb(generation: Generation, next: Generation): void {
    const position = this.closed.indexOf(generation);
    assert(this.closed[position + 1] === next, 'generations are put together in order');
    generation.absorb(next);
    this.closed.splice(position + 1, 1);
  }

  /** Takes the oldest closed generation out after it was published. */
  retire(generation: Generation): void {
    assert(this.closed[0] === generation, 'generations are published in order');
    this.closed.shift();
    this.countDirty(generation, -generation.dirtyBlocks);
    for (const step of generation.steps) {
      if (step.kind !== 'layer') continue;
      assert(step.lineage.layers[0] === step, 'layers are published in order');
      step.lineage.layers.shift();
    }
  }

  private newGeneration(): Generation {
    const generation = new Generation(this.nextSequence);
    this.nextSequence += 1;
    return generation;
  }

  private writableLayer(lineage: Lineage): Layer | undefined {
    const newest = lineage.layers[lineage.layers.length - 1];
    const usable = newest?.sequence === this.active.sequence && newest.epoch === lineage.epoch;
    return usable ? newest : undefined;
  }

  private layerForWriting(lineage: Lineage): Layer {
    const usable = this.writableLayer(lineage);
    if (usable !== undefined) return usable;
    const newest = lineage.layers[lineage.layers.length - 1];
    assert(newest?.sequence !== this.active.sequence, 'a generation has one epoch of a lineage');
    const layer: Layer = {
      kind: 'layer',
      order: this.takeOrder(),
      sequence: this.active.sequence,
      lineage,
      epoch: lineage.epoch,
      blocks: new Map(),
      unlogged: new Set(),
    };
    this.active.steps.push(layer);
    lineage.layers.push(layer);
    return layer;
  }

  /** The block's entry, with memory for bytes [start, end). */
  private writableBlock(
    layer: Layer,
    block: number,
    start: number,
    end: number,
  ): CachedBlock & { span: CacheSpan } {
    const known = layer.blocks.get(block);
    if (known !== undefined && holds(known, start, end)) return known;
    const entry =
      known === undefined && isOnePage(start, end)
        ? newEntry(this.memory.takePage(), start - (start % PAGE_BYTES))
        : newEntry(this.memory.takeBlock(), 0);
    this.active.memoryBytes += entry.span.bytes.length;
    if (known === undefined) this.countDirty(this.active, 1);
    else this.moveInto(entry, known);
    layer.blocks.set(block, entry);
    return entry;
  }

  /** Gives `entry`, a whole block, what `old` holds. */
  private moveInto(entry: CachedBlock & { span: CacheSpan }, old: CachedBlock): void {
    const { location, span, start, sectors, unlogged } = old;
    if (span !== undefined) {
      entry.span.bytes.set(span.bytes, start);
      this.release(this.active, old);
    } else if (location !== undefined) {
      if (location.id === 0) entry.span.bytes.fill(0);
      else entry.span.bytes.set(this.readStored(location));
      if (location.id === 0 || old.shared) this.countDirty(this.active, 1);
    }
    entry.sectors = sectors;
    entry.unlogged = unlogged;
  }

  private putStored(lineage: Lineage, block: number, location: Location, shared: boolean): void {
    const layer = this.layerForWriting(lineage);
    const old = layer.blocks.get(block);
    if (old?.span !== undefined) {
      this.release(this.active, old);
      this.countDirty(this.active, -1);
    }
    const entry = {
      span: undefined,
      start: 0,
      sectors: ALL_SECTORS,
      location,
      shared,
      unlogged: old?.unlogged ?? 0,
    };
    layer.blocks.set(block, entry);
    noteUnlogged(layer, block, entry, ALL_SECTORS);
  }

  private release(generation: Generation, entry: CachedBlock): void {
    if (entry.span === undefined) return;
    this.memory.release(entry.span);
    generation.memoryBytes -= entry.span.bytes.length;
    entry.span = undefined;
  }

  private countDirty(generation: Generation, blocks: number): void {
    generation.dirtyBlocks += blocks;
    this.dirtyBlocks += blocks;
  }
}

function newEntry(span: CacheSpan, start: number): CachedBlock & { span: CacheSpan } {
  return { span, start, sectors: 0, location: undefined, shared: false, unlogged: 0 };
}

function isOnePage(start: number, end: number): boolean {
  return Math.floor(start / PAGE_BYTES) === Math.floor((end - 1) / PAGE_BYTES);
}

/** The entry's memory has bytes [start, end) of the block. */
function holds(
  entry: CachedBlock,
  start: number,
  end: number,
): entry is CachedBlock & { span: CacheSpan } {
  const { span } = entry;
  if (span === undefined) return false;
  return start >= entry.start && end <= entry.start + span.bytes.length;
}

function noteUnlogged(layer: Layer, block: number, entry: CachedBlock, mask: number): void {
  if (entry.unlogged === 0) layer.unlogged.add(block);
  entry.unlogged = (entry.unlogged | mask) >>> 0;
}
