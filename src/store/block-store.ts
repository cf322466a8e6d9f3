/**
 * The block-store contract: one pool's tables and blocks, as ordered bytes under transactions. What
 * the bytes mean is records.ts and the tasks (publish, reclaim, merge, ...), not the store.
 *
 * Reading (StoreReader) is synchronous and sees one committed state; a state committed by `run` is
 * seen by reads made after its promise resolved. Buffers returned are *borrowed*: valid until the
 * next call on the same reader; copy what has to live longer.
 *
 * Writing is by tasks. A task is plain data that names a pure function over a StoreTransaction;
 * `run` executes tasks one after the other, in call order, and resolves when the task's effects are
 * committed and durable. A task that fails rejects with an ArrayError (ENOSPC where the host's disk
 * is full, EIO else); the transaction under way is undone, transactions the same task had already
 * committed stay, which the tasks are written to tolerate: until the last transaction of a publish,
 * nothing refers to what the earlier ones stored. A daemon killed anywhere leaves the same.
 *
 * The implementations: memory-store (tests, simulation), lmdb-store (a writer thread executes the
 * tasks; the event loop only reads).
 */
import type { LogDevice } from './log-device.js';
import type { StoreTask, StoreTaskResult } from './tasks.js';

export type TableName = 'records' | 'map' | 'born' | 'share';

export const TABLE_NAMES: readonly TableName[] = ['records', 'map', 'born', 'share'];

export interface StoreEntry {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** Where blocks live, apart from map and records. */
export interface BlockReader {
  /** Borrowed content of 16 KiB, undefined where no such block is stored. */
  read(id: number): Uint8Array | undefined;
  /**
   * Brings blocks from disk into memory, off the event loop, so that reading them does not wait.
   * Undefined where there is nothing to wait for.
   */
  prefetch(ids: readonly number[]): Promise<void> | undefined;
  /** Ids of stored blocks from `fromId` up, ascending. */
  ids(fromId: number): Iterable<number>;
}

/**
 * The block-container contract. Ids are 1 and up; 0 stands for zeros and is never stored. An id is
 * not handed out again before the transaction that freed it is durable.
 */
export interface BlockContainer extends BlockReader {
  /** Stores `content` (16 KiB, borrowed for the call) under a fresh id and returns it. */
  put(content: Uint8Array): number;
  /** Returns false where no such block is stored. */
  free(id: number): boolean;
  /** The id the next put gets: kept in the counters, so that a crash or a retry starts there. */
  nextId(): number;
  /** Makes every put so far durable, before a transaction that names them commits. */
  sync(): void;
}

export interface StoreReader {
  readonly blocks: BlockReader;
  get(table: TableName, key: Uint8Array): Uint8Array | undefined;
  /** Entries with `start` <= key < `end`, ascending. Entries are borrowed. */
  range(table: TableName, start: Uint8Array, end: Uint8Array): Iterable<StoreEntry>;
}

export interface StoreTransaction extends StoreReader {
  readonly blocks: BlockContainer;
  put(table: TableName, key: Uint8Array, value: Uint8Array): void;
  /** Removing what is not there is no error. */
  remove(table: TableName, key: Uint8Array): void;
}

/** What a task runs on: a sequence of transactions. */
export interface TransactionRunner {
  /** Runs `action` in one atomic transaction; a throw undoes it. */
  transaction<T>(action: (transaction: StoreTransaction) => T): T;
  /** Makes the next put get `nextId`: what an unfinished task had stored there is replaced. */
  startIds(nextId: number): void;
  /** `sizeBytes` of the cache from page `page` on (shared memory between event loop and writer). */
  cached(page: number, sizeBytes: number): Uint8Array;
}

export interface BlockStore extends StoreReader {
  run<T extends StoreTask>(task: T): Promise<StoreTaskResult<T>>;
  /** Where the pool's intent log lies. */
  readonly log: LogDevice;
  /** Memory that tasks may refer to by page number; call before a task that uses it. */
  shareSlab(slab: SharedArrayBuffer): void;
  /** Bytes of the pool's files on the host's disk. */
  fileBytes(): number;
  /** Bytes free for the pool on the host's file system; Infinity where there is none. */
  hostFreeBytes(): number;
  /** Waits for running tasks and releases everything. */
  close(): Promise<void>;
}
