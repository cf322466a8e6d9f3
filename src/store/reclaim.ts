/**
 * Reclaim: gives back the versions of a lineage that no view sees any more, after the view at some
 * epoch has gone. With `previous` and `next` the remaining views around it, versions born in
 * (previous, next) survive only where they are the newest one not after `next` and not clipped;
 * without a next view all after `previous` go. Born bitmaps say where to look. Work is done in slices;
 * doing one twice is harmless, so a crash needs no bookkeeping beyond the reclaim record.
 */

import type { StoreTransaction, TransactionRunner } from './block-store.js';
import { BornBitmaps, setBits, unpackBorn } from './born-bitmaps.js';
import {
  bornKey,
  CHUNK_BLOCKS,
  mapKey,
  parseBornKey,
  parseRecordKey,
  recordKey,
  recordKeyEnd,
} from './keys.js';
import { putCounters, release } from './recover.js';
import { checkedLocation, isStored, loadClips } from './resolve.js';
import type { Clip, ReclaimCursor, ReclaimResult, ReclaimTask, WriterState } from './tasks.js';

export function reclaim(
  runner: TransactionRunner,
  state: WriterState,
  task: ReclaimTask,
): ReclaimResult {
  const result = runner.transaction((transaction) => {
    const slice = new Slice(transaction, task, state.poolSeed);
    const cursor = slice.run();
    if (cursor === undefined) finish(transaction, task);
    const counters = {
      ...state.counters,
      storedBlocks: state.counters.storedBlocks - slice.freed,
    };
    putCounters(transaction, counters);
    return { cursor, freedBlocks: slice.freed, counters };
  });
  state.counters = result.counters;
  return result;
}

class Slice {
  freed = 0;
  private readonly born: BornBitmaps;
  private readonly clips: readonly Clip[];
  private seen = 0;

  constructor(
    private readonly transaction: StoreTransaction,
    private readonly task: ReclaimTask,
    private readonly poolSeed: number,
  ) {
    this.born = new BornBitmaps(transaction);
    this.clips = loadClips(transaction, task.lineage);
  }

  run(): ReclaimCursor | undefined {
    for (const { epoch, chunk, bit } of this.candidates()) {
      if (this.seen === this.task.limit) {
        this.born.save();
        return { epoch, chunk, bit };
      }
      this.seen += 1;
      this.reclaimVersion(chunk * CHUNK_BLOCKS + bit, epoch);
    }
    this.born.save();
    return undefined;
  }

  /** Versions born in the gap, from the cursor on, at most one more than the limit. */
  private candidates(): ReclaimCursor[] {
    const { lineage, previous, next, cursor, limit } = this.task;
    const found: ReclaimCursor[] = [];
    const start = cursor
      ? bornKey(lineage, cursor.epoch, cursor.chunk)
      : bornKey(lineage, previous + 1, 0);
    const end = next === undefined ? bornKey(lineage + 1, 0, 0) : bornKey(lineage, next, 0);
    for (const { key, value } of this.transaction.range('born', start, end)) {
      const { epoch, chunk } = parseBornKey(key);
      const bitmap = unpackBorn(value);
      const first = cursor?.epoch === epoch && cursor.chunk === chunk ? cursor.bit : 0;
      for (const bit of setBits(bitmap ?? new Uint8Array(0), first)) {
        found.push({ epoch, chunk, bit });
        if (found.length > limit) return found;
      }
    }
    return found;
  }

  private reclaimVersion(block: number, epoch: number): void {
    if (!this.isInvisible(block, epoch)) return;
    const { lineage } = this.task;
    const key = mapKey(lineage, block, epoch);
    const value = this.transaction.get('map', key);
    if (value !== undefined) {
      const { id } = checkedLocation(value, this.poolSeed, lineage, block, epoch);
      if (isStored(id)) this.freed += release(this.transaction, id);
      this.transaction.remove('map', key);
    }
    this.born.clear(lineage, epoch, block);
  }

  private isInvisible(block: number, epoch: number): boolean {
    const { lineage, next } = this.task;
    if (next === undefined) return true;
    const clipped = this.clips.some(
      (clip) => clip.epoch > epoch && clip.epoch <= next && clip.block <= block,
    );
    if (clipped) return true;
    const newer = this.transaction.range(
      'map',
      mapKey(lineage, block, next),
      mapKey(lineage, block, epoch),
    );
    for (const _entry of newer) return true;
    return false;
  }
}

/**
 * Removes what described views that are gone: their usage counts, and the clips no view is left for.
 */
function finish(transaction: StoreTransaction, task: ReclaimTask): void {
  const { lineage, previous, next } = task;
  removeBetween(transaction, 'usage', lineage, previous, next);
  if (next === undefined) removeBetween(transaction, 'clip', lineage, previous, next);
  for (const { key, value } of task.finish) {
    if (value === undefined) transaction.remove('records', key);
    else transaction.put('records', key, value);
  }
}

/** Removes records of epochs after `previous` and before `next`. */
function removeBetween(
  transaction: StoreTransaction,
  kind: 'clip' | 'usage',
  lineage: number,
  previous: number,
  next: number | undefined,
): void {
  const start = recordKey(kind, lineage, previous + 1);
  const end = next === undefined ? recordKeyEnd(kind, lineage) : recordKey(kind, lineage, next);
  const epochs: number[] = [];
  for (const { key } of transaction.range('records', start, end)) {
    epochs.push(parseRecordKey(key).second);
  }
  for (const epoch of epochs) transaction.remove('records', recordKey(kind, lineage, epoch));
}
