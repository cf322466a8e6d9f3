/**
 * Publishing a generation: the closed content of the write-back cache becomes the pool's state.
 *
 * First the blocks are stored under fresh ids, in as many transactions as needed; then one last
 * transaction applies the records, map entries, born bitmaps, clips, usage counts and the sequence
 * number. Until that one commits nothing refers to the new blocks, so a crash or a full disk before
 * it changes nothing. Steps are applied in the order the array made them.
 */

import { crc32 } from 'node:zlib';
import { assert, unreachable } from '../base/assert.js';
import { TRANSACTION_BLOCKS_MAX } from '../base/limits.js';
import { BLOCK_BYTES, SECTOR_BYTES, SECTORS_PER_BLOCK } from '../base/sizes.js';
import type { StoreTransaction, TransactionRunner } from './block-store.js';
import { BornBitmaps } from './born-bitmaps.js';
import { BLOCK_INDEX_MAX, bornKey, EPOCH_MAX, mapKey, parseMapKey, recordKey } from './keys.js';
import {
  ALL_SECTORS,
  type Location,
  mapTag,
  packCount,
  packIds,
  packMapEntry,
  unpackCount,
  unpackLineage,
} from './records.js';
import { freeDeferred, putCounters } from './recover.js';
import { checkedLocation, countMapped, isStored, loadChain } from './resolve.js';
import {
  type ClipStep,
  type LayerLocations,
  type LayerStep,
  type PublishResult,
  type PublishTask,
  type UsageStep,
  type WriterState,
  ZERO_SLOT,
} from './tasks.js';

const ZERO_BLOCK = Buffer.alloc(BLOCK_BYTES);

export function publish(
  runner: TransactionRunner,
  state: WriterState,
  task: PublishTask,
): PublishResult {
  assert(task.sequence > state.counters.publishedSequence, 'generations are published in order');
  const layerSteps = task.steps.filter((step) => step.kind === 'layer');
  const layers = layerSteps.map((step) => ({
    ids: new Float64Array(step.blocks.length),
    crcs: new Uint32Array(step.blocks.length),
    sectors: new Uint32Array(step.blocks.length),
  }));
  const pending = layerSteps.flatMap((step, layer) =>
    Array.from(step.blocks, (_block, index) => ({ step, layer, index })),
  );
  runner.startIds(state.counters.nextBlockId);
  const writer = new ContentWriter(runner, layers);
  let done = 0;
  while (pending.length - done > TRANSACTION_BLOCKS_MAX) {
    const part = pending.slice(done, done + TRANSACTION_BLOCKS_MAX);
    runner.transaction((transaction) => writer.store(transaction, part));
    done += part.length;
  }
  const result = runner.transaction((transaction) => {
    writer.store(transaction, pending.slice(done));
    return new Publication(transaction, state, task, layers).apply(writer.stored);
  });
  state.counters = result.counters;
  return result;
}

interface PendingBlock {
  readonly step: LayerStep;
  readonly layer: number;
  readonly index: number;
}

/** Composes the content of each block and stores it under a fresh id. */
class ContentWriter {
  /** Blocks stored so far. */
  stored = 0;
  private readonly scratch = Buffer.alloc(BLOCK_BYTES);

  constructor(
    private readonly runner: TransactionRunner,
    private readonly layers: readonly LayerLocations[],
  ) {}

  store(transaction: StoreTransaction, part: readonly PendingBlock[]): void {
    for (const { step, layer, index } of part) {
      const location = this.storeBlock(transaction, step, index);
      const target = this.layers[layer] as LayerLocations;
      target.ids[index] = location.id;
      target.crcs[index] = location.crc;
      target.sectors[index] = location.sectors;
    }
    transaction.blocks.sync();
  }

  private storeBlock(transaction: StoreTransaction, step: LayerStep, index: number): Location {
    const slot = step.slots[index] as number;
    if (slot === ZERO_SLOT) return { id: 0, crc: 0, sectors: ALL_SECTORS };
    const { content, sectors } = this.compose(transaction, step, index);
    if (sectors === ALL_SECTORS && ZERO_BLOCK.equals(content)) {
      return { id: 0, crc: 0, sectors };
    }
    const id = transaction.blocks.put(content);
    this.stored += 1;
    return { id, crc: crc32(content), sectors };
  }

  /** Lays the cached sectors over their base; a damaged base leaves its sectors invalid. */
  private compose(
    transaction: StoreTransaction,
    step: LayerStep,
    index: number,
  ): { content: Uint8Array; sectors: number } {
    const cached = this.runner.slot(step.slots[index] as number);
    const mask = step.sectors[index] as number;
    if (mask === ALL_SECTORS) return { content: cached, sectors: ALL_SECTORS };
    const baseId = step.baseIds[index] as number;
    let baseSectors = step.baseSectors[index] as number;
    const base = baseId === 0 ? ZERO_BLOCK : transaction.blocks.read(baseId);
    if (base === undefined || (baseId !== 0 && crc32(base) !== step.baseCrcs[index])) {
      baseSectors = 0;
      this.scratch.fill(0);
    } else {
      this.scratch.set(base);
    }
    for (let sector = 0; sector < SECTORS_PER_BLOCK; sector += 1) {
      if ((mask >>> sector) & 1) {
        const start = sector * SECTOR_BYTES;
        this.scratch.set(cached.subarray(start, start + SECTOR_BYTES), start);
      }
    }
    return { content: this.scratch, sectors: (mask | baseSectors) >>> 0 };
  }
}

/** The last transaction: everything that makes the stored blocks part of the pool. */
class Publication {
  private readonly born: BornBitmaps;
  private readonly replaced: number[] = [];
  private readonly usage = new Map<string, { lineage: number; epoch: number; count: number }>();
  /** Mapped or not, for blocks this generation changed before, by lineage. */
  private readonly mappedNow = new Map<number, Map<number, boolean>>();

  constructor(
    private readonly transaction: StoreTransaction,
    private readonly state: WriterState,
    private readonly task: PublishTask,
    private readonly layers: readonly LayerLocations[],
  ) {
    this.born = new BornBitmaps(transaction);
  }

  apply(stored: number): PublishResult {
    const { transaction, task, state } = this;
    const freed = freeDeferred(transaction);
    for (const { key, value } of task.records) {
      if (value === undefined) transaction.remove('records', key);
      else transaction.put('records', key, value);
    }
    let layer = 0;
    for (const step of task.steps) {
      if (step.kind === 'layer') {
        this.applyLayer(step, this.layers[layer] as LayerLocations);
        layer += 1;
      } else if (step.kind === 'clip') this.applyClip(step);
      else if (step.kind === 'usage') this.copyUsage(step);
      else unreachable(step);
    }
    this.born.save();
    if (this.replaced.length > 0) {
      const key = recordKey('deferredFrees', task.sequence);
      transaction.put('records', key, packIds(this.replaced));
    }
    for (const { lineage, epoch, count } of this.usage.values()) {
      transaction.put('records', recordKey('usage', lineage, epoch), packCount(count));
    }
    const counters = {
      nextBlockId: transaction.blocks.nextId(),
      storedBlocks: state.counters.storedBlocks + stored - freed,
      publishedSequence: task.sequence,
    };
    putCounters(transaction, counters);
    return { layers: this.layers, usage: [...this.usage.values()], counters };
  }

  private applyLayer(step: LayerStep, locations: LayerLocations): void {
    const hasParent = this.hasParent(step.lineage);
    const hasGap = this.hasVersionsBetween(step.lineage, step.previousView, step.epoch);
    const usage = this.usageOf(step.lineage, EPOCH_MAX);
    const mappedNow = this.mappedBlocks(step.lineage);
    for (let index = 0; index < step.blocks.length; index += 1) {
      const block = step.blocks[index] as number;
      const location = {
        id: locations.ids[index] as number,
        crc: locations.crcs[index] as number,
        sectors: locations.sectors[index] as number,
      };
      const wasMapped = mappedNow.get(block) ?? step.mapped[index] === 1;
      const replaced = hasGap && this.removeReplaced(step, block);
      this.putVersion(step, block, location, wasMapped || replaced, hasParent);
      mappedNow.set(block, location.id !== 0);
      usage.count += Number(location.id !== 0) - Number(wasMapped);
    }
  }

  /**
   * An older version that only the head still showed is not visible to anybody any more. Returns
   * whether there was one: zeros that hid something older must be replaced by zeros.
   */
  private removeReplaced(step: LayerStep, block: number): boolean {
    const { lineage, epoch, previousView } = step;
    const start = mapKey(lineage, block, epoch - 1);
    const end =
      previousView < 0
        ? mapKey(lineage, block + 1, EPOCH_MAX)
        : mapKey(lineage, block, previousView);
    const found: { key: Uint8Array; epoch: number; id: number }[] = [];
    for (const { key, value } of this.transaction.range('map', start, end)) {
      const old = parseMapKey(key).epoch;
      const { id } = checkedLocation(value, this.state.poolSeed, lineage, block, old);
      found.push({ key: new Uint8Array(key), epoch: old, id });
    }
    for (const old of found) {
      this.transaction.remove('map', old.key);
      this.born.clear(lineage, old.epoch, block);
      if (isStored(old.id)) this.replaced.push(old.id);
    }
    return found.length > 0;
  }

  private putVersion(
    step: LayerStep,
    block: number,
    location: Location,
    /** Something older was visible at the block, or has just been removed. */
    hidesOlder: boolean,
    hasParent: boolean,
  ): void {
    const { lineage, epoch } = step;
    const key = mapKey(lineage, block, epoch);
    const old = this.transaction.get('map', key);
    if (old !== undefined) {
      const { id } = checkedLocation(old, this.state.poolSeed, lineage, block, epoch);
      if (isStored(id)) this.replaced.push(id);
    }
    const covers = old !== undefined || hidesOlder;
    const needed =
      location.id !== 0 || (covers && (hasParent || this.hasOlder(lineage, block, epoch)));
    if (needed) {
      const tag = mapTag(this.state.poolSeed, lineage, block, epoch, location);
      this.transaction.put('map', key, packMapEntry(location, tag));
      this.born.set(lineage, epoch, block);
    } else if (old !== undefined) {
      this.transaction.remove('map', key);
      this.born.clear(lineage, epoch, block);
    }
  }

  private applyClip(step: ClipStep): void {
    const usage = this.usageOf(step.lineage, EPOCH_MAX);
    if (step.block === 0) usage.count = 0;
    else {
      const levels = loadChain(this.transaction, step.lineage, step.epoch - 1);
      usage.count -= countMapped(
        this.transaction,
        this.state.poolSeed,
        levels,
        step.block,
        BLOCK_INDEX_MAX,
      );
    }
    const key = recordKey('clip', step.lineage, step.epoch);
    this.transaction.put('records', key, packCount(step.block));
    for (const epoch of step.replaces) {
      this.transaction.remove('records', recordKey('clip', step.lineage, epoch));
    }
    const mappedNow = this.mappedBlocks(step.lineage);
    for (const block of mappedNow.keys()) if (block >= step.block) mappedNow.set(block, false);
  }

  private copyUsage(step: UsageStep): void {
    this.usageOf(step.toLineage, step.toEpoch).count = this.usageOf(step.lineage, step.epoch).count;
  }

  private usageOf(lineage: number, epoch: number): { count: number } {
    const name = `${lineage}/${epoch}`;
    let entry = this.usage.get(name);
    if (entry === undefined) {
      const value = this.transaction.get('records', recordKey('usage', lineage, epoch));
      entry = { lineage, epoch, count: value === undefined ? 0 : unpackCount(value) };
      this.usage.set(name, entry);
    }
    return entry;
  }

  private mappedBlocks(lineage: number): Map<number, boolean> {
    let blocks = this.mappedNow.get(lineage);
    if (blocks === undefined) {
      blocks = new Map();
      this.mappedNow.set(lineage, blocks);
    }
    return blocks;
  }

  private hasParent(lineage: number): boolean {
    const value = this.transaction.get('records', recordKey('lineage', lineage));
    return value !== undefined && unpackLineage(value).parent !== 0;
  }

  /** The lineage has versions of epochs after `previous` and before `epoch`. */
  private hasVersionsBetween(lineage: number, previous: number, epoch: number): boolean {
    if (previous + 1 >= epoch) return false;
    const start = bornKey(lineage, previous + 1, 0);
    for (const _entry of this.transaction.range('born', start, bornKey(lineage, epoch, 0))) {
      return true;
    }
    return this.born.touches(lineage, previous, epoch);
  }

  /** An older version of the block exists in its own lineage. */
  private hasOlder(lineage: number, block: number, epoch: number): boolean {
    if (epoch === 0) return false;
    const start = mapKey(lineage, block, epoch - 1);
    for (const { key } of this.transaction.range(
      'map',
      start,
      mapKey(lineage, block + 1, EPOCH_MAX),
    )) {
      return parseMapKey(key).block === block;
    }
    return false;
  }
}
