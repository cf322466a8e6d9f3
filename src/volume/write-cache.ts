/**
 * The write-back cache: accepts writes at memory speed, within a bound, and keeps their order in
 * generations. It knows nothing of the store; the destager takes closed generations from it.
 *
 * Invariants: a closed generation never changes; a lineage's `layers` are the layers of all
 * generations not yet published, oldest first; the newest layer of a lineage is written into while it
 * is of the lineage's epoch and of the active generation.
 */

import { assert } from '../base/assert.js';
import { BLOCK_BYTES, SECTOR_BYTES } from '../base/sizes.js';
import { ALL_SECTORS } from '../store/records.js';
import { ZERO_SLOT } from '../store/tasks.js';
import { Generation, zeroCachedBlock } from './generation.js';
import type { CachedBlock, Layer, Lineage } from './lineage.js';
import type { SlotMemory } from './slot-memory.js';

/** Mask of the sectors that bytes [start, end) of a block touch. */
export function sectorMask(start: number, end: number): number {
  const first = Math.floor(start / SECTOR_BYTES);
  const count = Math.ceil(end / SECTOR_BYTES) - first;
  return count >= 32 ? ALL_SECTORS : ((2 ** count - 1) << first) >>> 0;
}

export class WriteCache {
  active: Generation;
  /** Closed, not yet published, oldest first. */
  readonly closed: Generation[] = [];
  /** Called when the active generation has reached its size. */
  onFull: () => void = () => {};
  private nextSequence: number;

  constructor(
    readonly memory: SlotMemory,
    /** Slots of a generation before it is closed. */
    private readonly generationSlots: number,
    publishedSequence: number,
  ) {
    this.nextSequence = publishedSequence + 1;
    this.active = this.newGeneration();
  }

  get dirtyBlocks(): number {
    return this.memory.used;
  }

  /** Slots a write of blocks [first, first + count) takes at most. */
  slotsNeeded(lineage: Lineage, first: number, count: number): number {
    const layer = this.writableLayer(lineage);
    if (layer === undefined) return count;
    let needed = 0;
    for (let block = first; block < first + count; block += 1) {
      const entry = layer.blocks.get(block);
      if (entry === undefined || entry.slot === ZERO_SLOT) needed += 1;
    }
    return needed;
  }

  /** Writes `data` into `block` from byte `start`; both ends lie on sector borders. */
  write(lineage: Lineage, block: number, start: number, data: Uint8Array): void {
    assert(start % SECTOR_BYTES === 0 && data.length % SECTOR_BYTES === 0, 'whole sectors');
    const entry = this.writableBlock(lineage, block);
    entry.bytes.set(data, start);
    entry.sectors = (entry.sectors | sectorMask(start, start + data.length)) >>> 0;
    if (this.active.slotCount >= this.generationSlots) this.onFull();
  }

  /** Makes all of `block` zeros, without memory. */
  zeroBlock(lineage: Lineage, block: number): void {
    const layer = this.layerForWriting(lineage);
    const old = layer.blocks.get(block);
    if (old !== undefined && old.slot !== ZERO_SLOT) {
      this.memory.release(old.slot);
      this.active.slotCount -= 1;
    }
    layer.blocks.set(block, zeroCachedBlock());
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

  /** Takes the oldest closed generation out after it was published. */
  retire(generation: Generation): void {
    assert(this.closed[0] === generation, 'generations are published in order');
    this.closed.shift();
    for (const step of generation.steps) {
      if (step.kind !== 'layer') continue;
      assert(step.lineage.layers[0] === step, 'layers are published in order');
      step.lineage.layers.shift();
      for (const entry of step.blocks.values()) {
        if (entry.slot !== ZERO_SLOT) this.memory.release(entry.slot);
      }
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
    const layer: Layer = {
      kind: 'layer',
      sequence: this.active.sequence,
      lineage,
      epoch: lineage.epoch,
      blocks: new Map(),
    };
    this.active.steps.push(layer);
    lineage.layers.push(layer);
    return layer;
  }

  private writableBlock(lineage: Lineage, block: number): CachedBlock {
    const layer = this.layerForWriting(lineage);
    const known = layer.blocks.get(block);
    if (known !== undefined && known.slot !== ZERO_SLOT) return known;
    const { slot, bytes } = this.memory.take();
    this.active.slotCount += 1;
    // A block of zeros gets memory now; its sectors stay valid.
    if (known !== undefined) bytes.fill(0, 0, BLOCK_BYTES);
    const entry = { slot, bytes, sectors: known?.sectors ?? 0 };
    layer.blocks.set(block, entry);
    return entry;
  }
}
