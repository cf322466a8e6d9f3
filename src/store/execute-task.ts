/**
 * Tasks: everything that changes a pool, as plain data that can cross a thread border. `executeTask`
 * is the one place that maps a task to its function; both stores call it, so both behave alike.
 */

import { unreachable } from '../base/assert.js';
import type { StoreReader, TransactionRunner } from './block-store.js';
import { recordKey } from './keys.js';
import { merge } from './merge.js';
import { publish } from './publish.js';
import { reclaim } from './reclaim.js';
import { type CountersRecord, unpackCounters } from './records.js';
import { recover, trim } from './recover.js';
import { storeBlocks } from './store-blocks.js';
import type {
  MergeResult,
  PublishResult,
  ReclaimResult,
  StoreBlocksResult,
  StoreTask,
  VerifyResult,
  WriterState,
} from './tasks.js';
import { verify } from './verify.js';

/** The counters of a pool; a pool that was never written has its first values. */
export function loadCounters(reader: StoreReader): CountersRecord {
  const value = reader.get('records', recordKey('counters'));
  if (value === undefined) return { nextBlockId: 1, storedBlocks: 0, publishedSequence: 0 };
  return unpackCounters(value);
}

export function executeTask(
  runner: TransactionRunner,
  state: WriterState,
  task: StoreTask,
): StoreBlocksResult | PublishResult | ReclaimResult | MergeResult | VerifyResult | CountersRecord {
  switch (task.kind) {
    case 'storeBlocks':
      return storeBlocks(runner, state, task);
    case 'publish':
      return publish(runner, state, task);
    case 'reclaim':
      return reclaim(runner, state, task);
    case 'merge':
      return merge(runner, state, task);
    case 'verify':
      return verify(runner, state, task);
    case 'recover':
      return recover(runner, state);
    case 'trim':
      return trim(runner, state);
    default:
      return unreachable(task);
  }
}
