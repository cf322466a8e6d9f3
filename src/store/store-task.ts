/**
 * Tasks: everything that changes a pool, as plain data that can cross a thread border. `executeTask`
 * is the one place that maps a task to its function; both stores call it, so both behave alike.
 */
import { unreachable } from '../base/assert.js';
import type { StoreReader, TransactionRunner } from './block-store.js';
import { recordKey } from './keys.js';
import { type MergeResult, type MergeTask, merge } from './merge.js';
import { type PublishResult, type PublishTask, publish } from './publish.js';
import { type ReclaimResult, type ReclaimTask, reclaim } from './reclaim.js';
import { type CountersRecord, unpackCounters } from './records.js';
import { recover, trim } from './recover.js';
import { type VerifyResult, type VerifyTask, verify } from './verify.js';

/** A record to put, or to remove where the value is undefined. */
export interface RecordChange {
  readonly key: Uint8Array;
  readonly value: Uint8Array | undefined;
}

/** Frees what a crash left of an unpublished generation; the first task after opening. */
export interface RecoverTask {
  readonly kind: 'recover';
}

/** Frees the blocks that published generations replaced. */
export interface TrimTask {
  readonly kind: 'trim';
}

export type StoreTask = PublishTask | ReclaimTask | MergeTask | VerifyTask | RecoverTask | TrimTask;

export type StoreTaskResult<T extends StoreTask> = T extends PublishTask
  ? PublishResult
  : T extends ReclaimTask
    ? ReclaimResult
    : T extends MergeTask
      ? MergeResult
      : T extends VerifyTask
        ? VerifyResult
        : CountersRecord;

/** What the writer remembers between tasks; changed only after a commit. */
export interface WriterState {
  counters: CountersRecord;
  /** CRC-32 of the pool's UUID, the seed of map tags. */
  readonly poolSeed: number;
}

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
): PublishResult | ReclaimResult | MergeResult | VerifyResult | CountersRecord {
  switch (task.kind) {
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
