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
   * Where blocks with ids that follow each other lie one after the other: fills `target` with bytes
   * from byte `start` of block `id` on. False where not all of it is stored.
   */
  readRun?(id: number, start: number, target: Uint8Array): boolean;
  /**
   * Brings blocks from disk into memory, off the event loop, so that reading them does not wait.
   * Undefined where there is nothing to wait for.
   */
  prefetch(ids: readonly number[]): Promise<void> | undefined;
  /**
   * Makes the blocks of all tasks that have ended durable, off the event loop. Where it is missing
   * there is nothing to gain by it: publishing does.
   */
  flush?(): Promise<void>;
  /** Ids of stored blocks from `fromId` up, ascending. */
  ids(fromId: number): Iterable<number>;
}

/**
 * The block-container contract. Ids are 1 and up; 0 stands for zeros and is never stored. An id is
 * not handed out again before the transaction that freed it is durable.
 */
export interface BlockContainer extends BlockReader {
  /**
   * What is stored is marked apart from the content: puts need no transaction, and `read` may find
   * what is not stored.
   */
  readonly marksApart: boolean;
  /**
   * Stores `content` (16 KiB, borrowed for the call) under a fresh id and returns it. `isStream`: it
   * is part of much that was written at once, and need not stay in the host's page cache.
   */
  put(content: Uint8Array, isStream?: boolean): number;
  /** Makes every put so far durable: to be called before `keep`, in its transaction. */
  sync(): void;
  /**
   * Makes a block part of the pool with the transaction under way; until then a crash frees it. For
   * repairs also a block that `read` finds though `has` does not.
   */
  keep(id: number): void;
  has(id: number): boolean;
  /** How many blocks are marked; undefined where nothing is, or marks are damaged. */
  markedCount(): number | undefined;
  /** Returns false where no such block is stored. */
  free(id: number): boolean;
  /** Above the ids of all puts so far: kept in the counters. */
  nextId(): number;
  /**
   * Frees what was put and not kept before a crash: at most `limit` blocks; returns how many they
   * were. `nextId` is that of the counters.
   */
  discardUnpublished(nextId: number, limit: number): number;
}

/** What puts blocks needs: the tables as of now, and the container. */
export interface PutContext extends StoreReader {
  readonly blocks: BlockContainer;
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
  /** Runs `action`, which changes nothing but puts blocks; in a transaction only where puts need one. */
  putBlocks<T>(action: (context: PutContext) => T): T;
  /** Before a task's puts: forgets what one before did not end with `endPuts`. */
  startPuts(nextId: number): void;
  /** After them: what was put can be read, and stays until it is kept or freed. Returns `nextId`. */
  endPuts(): number;
  /** What is committed, for reading between transactions. */
  readonly reader: StoreReader;
  monotonicMs(): number;
  /** Tells how long the read of a stored block took. */
  noteRead(id: number, elapsedMs: number): void;
  /** `sizeBytes` of the cache from page `page` on (shared memory between event loop and writer). */
  cached(page: number, sizeBytes: number): Uint8Array;
}

export interface BlockStore extends StoreReader {
  run<T extends StoreTask>(task: T): Promise<StoreTaskResult<T>>;
  /** Where the pool's intent log lies. */
  readonly log: LogDevice;
  /** Memory that tasks may refer to by page number; call before a task that uses it. */
  shareSlab(slab: SharedArrayBuffer): void;
  /** What a stored block counts against the capacity. */
  readonly blockCostBytes: number;
  /** Bytes of the pool's files on the host's disk. */
  fileBytes(): number;
  /** Bytes free for the pool on the host's file system; Infinity where there is none. */
  hostFreeBytes(): number;
  /** Waits for running tasks and releases everything. */
  close(): Promise<void>;
}
