/**
 * Publishing a generation: the closed content of the write-back cache becomes the pool's state, in one
 * transaction. The blocks were stored before (store-blocks.ts); this one applies the records, map
 * entries, born bitmaps, clips, usage counts and the sequence number. Until it commits nothing refers
 * to the new blocks. Steps are applied in the order the array made them.
 */

import { assert, unreachable } from '../base/assert.js';
import type { StoreTransaction, TransactionRunner } from './block-store.js';
import { BornBitmaps } from './born-bitmaps.js';
import { BLOCK_INDEX_MAX, bornKey, EPOCH_MAX, mapKey, parseMapKey, recordKey } from './keys.js';
import { locationAt } from './locations.js';
import {
  type Location,
  mapTag,
  packCount,
  packIds,
  packMapEntry,
  unpackCount,
  unpackLineage,
} from './records.js';
import { freeDeferred, putCounters, setShareCount, shareCount } from './recover.js';
import { checkedLocation, countMapped, isStored, loadChain, locateVisible } from './resolve.js';
import type {
  ClipStep,
  LayerStep,
  PublishResult,
  PublishTask,
  UsageStep,
  WriterState,
} from './tasks.js';

export function publish(
  runner: TransactionRunner,
  state: WriterState,
  task: PublishTask,
): PublishResult {
  assert(task.sequence > state.counters.publishedSequence, 'generations are published in order');
  const result = runner.transaction((transaction) => {
    if (!task.blocksAreDurable) transaction.blocks.sync();
    return new Publication(transaction, state, task).apply();
  });
  state.counters = result.counters;
  return result;
}

class Publication {
  private readonly born: BornBitmaps;
  /** Blocks that became part of the pool. */
  private stored = 0;
  private readonly replaced: number[] = [];
  private readonly usage = new Map<string, { lineage: number; epoch: number; count: number }>();
  /** Mapped or not, for blocks this generation changed before, by lineage. */
  private readonly mappedNow = new Map<number, Map<number, boolean>>();

  constructor(
    private readonly transaction: StoreTransaction,
    private readonly state: WriterState,
    private readonly task: PublishTask,
  ) {
    this.born = new BornBitmaps(transaction);
  }

  apply(): PublishResult {
    const { transaction, task, state } = this;
    const freed = freeDeferred(transaction);
    for (const id of task.discards) transaction.blocks.free(id);
    for (const { key, value } of task.records) {
      if (value === undefined) transaction.remove('records', key);
      else transaction.put('records', key, value);
    }
    for (const step of task.steps) {
      if (step.kind === 'layer') this.applyLayer(step);
      else if (step.kind === 'clip') this.applyClip(step);
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
      nextBlockId: state.nextId,
      storedBlocks: state.counters.storedBlocks + this.stored - freed,
      publishedSequence: task.sequence,
    };
    putCounters(transaction, counters);
    return { usage: [...this.usage.values()], counters };
  }

  private applyLayer(step: LayerStep): void {
    const { lineage, locations } = step;
    const hasParent = this.hasParent(lineage);
    const hasOlder = hasParent || this.hasVersionsBetween(lineage, -1, step.epoch);
    const hasGap = hasOlder && this.hasVersionsBetween(lineage, step.previousView, step.epoch);
    const usage = this.usageOf(step.lineage, EPOCH_MAX);
    const mappedNow = this.mappedBlocks(step.lineage);
    for (let index = 0; index < step.blocks.length; index += 1) {
      const block = step.blocks[index] as number;
      const location = locationAt(locations, index);
      this.countReference(location.id, step.shared[index] === 1);
      const old = this.ownVersion(step, block);
      const wasMapped = mappedNow.get(block) ?? this.wasMapped(step, block, old, hasOlder);
      const replaced = hasGap && this.removeReplaced(step, block);
      this.putVersion(step, block, location, old, wasMapped || replaced, hasParent);
      mappedNow.set(block, location.id !== 0);
      usage.count += Number(location.id !== 0) - Number(wasMapped);
    }
  }

  private countReference(id: number, shared: boolean): void {
    if (id === 0) return;
    this.transaction.blocks.keep(id);
    if (shared) setShareCount(this.transaction, id, shareCount(this.transaction, id) + 1);
    else this.stored += 1;
  }

  /** Block id of the version that the step's epoch has already; undefined for none. */
  private ownVersion({ lineage, epoch }: LayerStep, block: number): number | undefined {
    const value = this.transaction.get('map', mapKey(lineage, block, epoch));
    return value && checkedLocation(value, this.state.poolSeed, lineage, block, epoch).id;
  }

  /** The view of the layer showed content at the block before it. */
  private wasMapped(
    step: LayerStep,
    block: number,
    own: number | undefined,
    hasOlder: boolean,
  ): boolean {
    if (own !== undefined) return own !== 0;
    if (!hasOlder) return false;
    return locateVisible(this.transaction, this.state.poolSeed, step.levels, block).id !== 0;
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
    /** Block id of the version of the same epoch. */
    old: number | undefined,
    /** Something older was visible at the block, or has just been removed. */
    hidesOlder: boolean,
    hasParent: boolean,
  ): void {
    const { lineage, epoch } = step;
    const key = mapKey(lineage, block, epoch);
    if (old !== undefined && isStored(old)) this.replaced.push(old);
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
