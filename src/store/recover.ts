/**
 * Freeing blocks nobody refers to any more: those of a generation that was never published, and those
 * that a published generation replaced. The latter wait for one more task, because a reader may still
 * hold the old location until it has been told of the new one.
 */

import { ByteReader, ByteWriter } from '../base/byte-cursor.js';
import { ArrayError } from '../base/errors.js';
import { TRANSACTION_BLOCKS_MAX } from '../base/limits.js';
import type { StoreTransaction, TransactionRunner } from './block-store.js';
import { blockKey, recordKey, recordKeyEnd } from './keys.js';
import { type CountersRecord, packCounters, unpackIds } from './records.js';
import type { WriterState } from './tasks.js';

/** Table `share`: references to a block beyond the first, u32. Absent: one reference. */
export function shareCount(transaction: StoreTransaction, id: number): number {
  const value = transaction.get('share', blockKey(id));
  return value === undefined ? 0 : new ByteReader(value).u32();
}

export function setShareCount(transaction: StoreTransaction, id: number, count: number): void {
  if (count === 0) transaction.remove('share', blockKey(id));
  else transaction.put('share', blockKey(id), new ByteWriter().u32(count).finish());
}

/** Drops one reference to a block; returns 1 where that freed it, else 0. */
export function release(transaction: StoreTransaction, id: number): number {
  const shares = shareCount(transaction, id);
  if (shares > 0) {
    setShareCount(transaction, id, shares - 1);
    return 0;
  }
  return transaction.blocks.free(id) ? 1 : 0;
}

/** Frees all deferred blocks in the given transaction; returns how many blocks that freed. */
export function freeDeferred(transaction: StoreTransaction): number {
  const start = recordKey('deferredFrees');
  const lists: { key: Uint8Array; ids: number[] }[] = [];
  for (const entry of transaction.range('records', start, recordKeyEnd('deferredFrees'))) {
    lists.push({ key: new Uint8Array(entry.key), ids: unpackIds(entry.value) });
  }
  let freed = 0;
  for (const { key, ids } of lists) {
    for (const id of ids) freed += release(transaction, id);
    transaction.remove('records', key);
  }
  return freed;
}

/** Writes the counters of a transaction under way. */
export function putCounters(transaction: StoreTransaction, counters: CountersRecord): void {
  transaction.put('records', recordKey('counters'), packCounters(counters));
}

export function trim(runner: TransactionRunner, state: WriterState): CountersRecord {
  state.counters = runner.transaction((transaction) => {
    const freed = freeDeferred(transaction);
    if (freed === 0) return state.counters;
    const counters = {
      ...state.counters,
      storedBlocks: state.counters.storedBlocks - freed,
    };
    putCounters(transaction, counters);
    return counters;
  });
  return state.counters;
}

/** Unpublished blocks are not in `storedBlocks`, so only the deferred ones change the counters. */
export function recover(runner: TransactionRunner, state: WriterState): CountersRecord {
  const { nextBlockId, storedBlocks } = state.counters;
  runner.transaction(({ blocks }) => {
    // A put would overwrite what has lost its mark.
    if ((blocks.markedCount() ?? storedBlocks) < storedBlocks) {
      throw new ArrayError('EIO', 'marks of stored blocks are lost: run arrayfs check --repair');
    }
  });
  for (;;) {
    const removed = runner.transaction(({ blocks }) =>
      blocks.discardUnpublished(nextBlockId, TRANSACTION_BLOCKS_MAX),
    );
    if (removed < TRANSACTION_BLOCKS_MAX) break;
  }
  return trim(runner, state);
}
