/**
 * The writer thread of an LMDB pool: executes tasks one after the other, so that no transaction,
 * checksum or merge of partial blocks ever holds up the event loop that serves the host.
 */

import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../base/clock.js';
import { ArrayError, type ErrorCode } from '../base/errors.js';
import { workInBackground } from '../base/own-thread.js';
import { PAGE_BYTES } from '../base/sizes.js';
import { BlockFetcher } from './block-fetcher.js';
import type { TransactionRunner } from './block-store.js';
import { cachedBytes } from './cache-pages.js';
import { executeTask, loadCounters } from './execute-task.js';
import { recordKey } from './keys.js';
import { LmdbEnvironment, storeError } from './lmdb-environment.js';
import { unpackIdentity } from './records.js';
import { findBases } from './store-blocks.js';
import type { StoreBlocksTask, StoreTask, WriterState } from './tasks.js';

/** Has the host give memory for every page, here and not where the host waits; changes nothing. */
function touch(slab: SharedArrayBuffer): void {
  const words = new Int32Array(slab);
  const step = PAGE_BYTES / Int32Array.BYTES_PER_ELEMENT;
  for (let word = 0; word < words.length; word += step) Atomics.or(words, word, 0);
}

/** What the event loop sends. */
export type WriterRequest =
  | { readonly kind: 'task'; readonly id: number; readonly task: StoreTask }
  | { readonly kind: 'slab'; readonly slab: SharedArrayBuffer }
  | { readonly kind: 'close' };

/** What the thread answers. */
export type WriterReply =
  | { readonly kind: 'done'; readonly id: number; readonly result: unknown }
  | {
      readonly kind: 'failed';
      readonly id: number;
      readonly code: ErrorCode;
      readonly reason: string;
      readonly isFinal: boolean;
    }
  | { readonly kind: 'closed' };

export interface WriterData {
  readonly directory: string;
  readonly capacityBytes: number;
}

if (parentPort !== null) {
  const port = parentPort;
  workInBackground();
  const { directory, capacityBytes } = workerData as WriterData;
  const environment = new LmdbEnvironment(directory, { capacityBytes });
  const slabs: SharedArrayBuffer[] = [];
  const identity = unpackIdentity(
    environment.get('records', recordKey('identity')) ?? new Uint8Array(0),
  );
  const counters = loadCounters(environment);
  const state: WriterState = {
    counters,
    nextId: counters.nextBlockId,
    poolSeed: identity.tagSeed,
  };
  const fetcher = new BlockFetcher(environment);
  const runner: TransactionRunner = {
    transaction: (action) => environment.transaction(action),
    putBlocks: (action) => environment.putBlocks(action),
    startPuts: (nextId) => environment.startPuts(nextId),
    endPuts: () => environment.endPuts(),
    reader: environment,
    monotonicMs: () => systemClock.monotonicMs(),
    noteRead: (id, elapsedMs) => fetcher.noteRead(id, elapsedMs),
    cached: (page, sizeBytes) => cachedBytes(slabs, page, sizeBytes),
  };
  const execute = async (request: { id: number; task: StoreTask }): Promise<WriterReply> => {
    try {
      if (request.task.kind === 'storeBlocks') await fetchBases(request.task);
      return { kind: 'done', id: request.id, result: executeTask(runner, state, request.task) };
    } catch (error) {
      const { code, reason, isFinal } = error instanceof ArrayError ? error : storeError(error);
      return { kind: 'failed', id: request.id, code, reason, isFinal };
    }
  };
  /** Cold bases are fetched many at once: one after the other each would cost a disk access. */
  const fetchBases = async (task: StoreBlocksTask): Promise<void> => {
    if (!fetcher.isActive) return;
    environment.refresh();
    await fetcher.fetch(findBases(environment, state.poolSeed, task));
  };
  const close = async (): Promise<void> => {
    await environment.close();
    port.postMessage({ kind: 'closed' } satisfies WriterReply);
    port.close();
  };
  let last: Promise<void> = Promise.resolve();
  port.on('message', (request: WriterRequest) => {
    if (request.kind === 'slab') {
      slabs.push(request.slab);
      touch(request.slab);
    } else if (request.kind === 'close') last = last.then(close);
    else last = last.then(async () => port.postMessage(await execute(request)));
  });
}
