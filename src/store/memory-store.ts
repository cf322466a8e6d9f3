/**
 * The store in memory: for tests and simulation. Transactions are atomic by an undo list; `crash`
 * gives the store a killed daemon would find, and `failTransactionAfter` makes a disk that fails.
 */

import { ArrayError, asArrayError } from '../base/errors.js';
import { BLOCK_COST_BYTES, LOG_BYTES_MIN } from '../base/limits.js';
import { BLOCK_BYTES } from '../base/sizes.js';
import {
  type BlockContainer,
  type BlockStore,
  type PutContext,
  type StoreEntry,
  type StoreTransaction,
  TABLE_NAMES,
  type TableName,
  type TransactionRunner,
} from './block-store.js';
import { cachedBytes } from './cache-pages.js';
import type { BlockContainerKind } from './container-kind.js';
import { executeTask, loadCounters } from './execute-task.js';
import { FileBlocks } from './file-blocks.js';
import { recordKey } from './keys.js';
import { MemoryLog } from './log-device.js';
import { MemorySlots } from './memory-slots.js';
import { unpackIdentity } from './records.js';
import type { StoreTask, StoreTaskResult, WriterState } from './tasks.js';

/** Ordered bytes: a map and its keys in order. Keys are latin1 strings, so they compare as bytes. */
class OrderedTable {
  private readonly values = new Map<string, Uint8Array>();
  private readonly keys: string[] = [];

  get(key: string): Uint8Array | undefined {
    return this.values.get(key);
  }

  put(key: string, value: Uint8Array): void {
    if (!this.values.has(key)) this.keys.splice(this.position(key), 0, key);
    this.values.set(key, value);
  }

  remove(key: string): void {
    if (this.values.delete(key)) this.keys.splice(this.position(key), 1);
  }

  /** The first key not before `key`, undefined at the end. */
  keyFrom(key: string): string | undefined {
    return this.keys[this.position(key)];
  }

  copy(): OrderedTable {
    const table = new OrderedTable();
    for (const key of this.keys) {
      table.keys.push(key);
      table.values.set(key, this.values.get(key) as Uint8Array);
    }
    return table;
  }

  private position(key: string): number {
    let low = 0;
    let high = this.keys.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.keys[middle] as string) < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function text(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1');
}

class MemoryState {
  readonly tables = new Map<TableName, OrderedTable>();
  readonly contents = new Map<number, Uint8Array>();

  constructor(from?: MemoryState) {
    for (const name of TABLE_NAMES) {
      this.tables.set(name, from?.table(name).copy() ?? new OrderedTable());
    }
    for (const [id, content] of from?.contents ?? []) this.contents.set(id, content);
  }

  table(name: TableName): OrderedTable {
    return this.tables.get(name) as OrderedTable;
  }
}

/** Reads and writes a MemoryState, remembering how to undo. */
class MemoryTransaction implements StoreTransaction {
  private readonly undo: (() => void)[] = [];
  readonly blocks: BlockContainer;

  constructor(
    private readonly state: MemoryState,
    private readonly ids: { next: number },
    blocks?: BlockContainer,
  ) {
    this.blocks = blocks ?? this.own;
  }

  /** Blocks as values of the state. */
  private readonly own = {
    read: (id: number) => this.state.contents.get(id),
    prefetch: () => undefined,
    ids: (fromId: number) =>
      [...this.state.contents.keys()].filter((id) => id >= fromId).sort(ascending),
    put: (content: Uint8Array) => {
      const id = this.ids.next;
      this.ids.next += 1;
      this.setContent(id, Uint8Array.prototype.slice.call(content));
      return id;
    },
    free: (id: number) => {
      const stored = this.state.contents.has(id);
      if (stored) this.setContent(id, undefined);
      return stored;
    },
    marksApart: false,
    markedCount: () => undefined,
    has: (id: number) => this.state.contents.has(id),
    keep: () => {},
    nextId: () => this.ids.next,
    discardUnpublished: (nextId: number, limit: number) => {
      const orphans = this.own.ids(nextId).slice(0, limit);
      for (const id of orphans) this.own.free(id);
      return orphans.length;
    },
    sync: () => {},
  };

  get(table: TableName, key: Uint8Array): Uint8Array | undefined {
    return this.state.table(table).get(text(key));
  }

  *range(table: TableName, start: Uint8Array, end: Uint8Array): Generator<StoreEntry> {
    const last = text(end);
    let key = this.state.table(table).keyFrom(text(start));
    while (key !== undefined && key < last) {
      const value = this.state.table(table).get(key) as Uint8Array;
      yield { key: Buffer.from(key, 'latin1'), value };
      key = this.state.table(table).keyFrom(`${key}\u0000`);
    }
  }

  put(table: TableName, key: Uint8Array, value: Uint8Array): void {
    this.set(table, text(key), new Uint8Array(value));
  }

  remove(table: TableName, key: Uint8Array): void {
    this.set(table, text(key), undefined);
  }

  rollBack(): void {
    for (const action of this.undo.reverse()) action();
  }

  private set(name: TableName, key: string, value: Uint8Array | undefined): void {
    const table = this.state.table(name);
    const old = table.get(key);
    this.undo.push(() => (old === undefined ? table.remove(key) : table.put(key, old)));
    if (value === undefined) table.remove(key);
    else table.put(key, value);
  }

  private setContent(id: number, content: Uint8Array | undefined): void {
    const { contents } = this.state;
    const old = contents.get(id);
    this.undo.push(() => (old === undefined ? contents.delete(id) : contents.set(id, old)));
    if (content === undefined) contents.delete(id);
    else contents.set(id, content);
  }
}

function ascending(a: number, b: number): number {
  return a - b;
}

export class MemoryStore implements BlockStore, TransactionRunner {
  readonly blockCostBytes: number;
  /** Slots the file may grow to while free ones can be reused. */
  growthLimit = Number.POSITIVE_INFINITY;
  /** What the host's disk has left, for tests of full disks. */
  hostFree = Number.POSITIVE_INFINITY;
  /** Transactions that still succeed; the one after them throws `failure`. */
  private transactionsLeft = Number.POSITIVE_INFINITY;
  private failure = new ArrayError('EIO', 'injected failure');
  private readonly ids = { next: 1 };
  readonly log: MemoryLog;
  private readonly slabs: SharedArrayBuffer[] = [];
  private writer: WriterState | undefined;
  private last: Promise<unknown> = Promise.resolve();
  private readonly view: MemoryTransaction;
  /** The transaction under way, else the view. */
  private current: MemoryTransaction;
  /** Undefined: blocks are values of the state. */
  private readonly container: FileBlocks | undefined;

  constructor(
    private readonly state = new MemoryState(),
    log = new MemoryLog(LOG_BYTES_MIN),
    /** Where blocks are kept in slots: the file. */
    private readonly slots?: MemorySlots,
  ) {
    this.log = log;
    this.container = slots && new FileBlocks(this, slots, () => this.growthLimit);
    this.blockCostBytes = this.container?.costBytes ?? BLOCK_COST_BYTES;
    this.view = new MemoryTransaction(state, this.ids, this.container);
    this.current = this.view;
  }

  /** An empty one that keeps its blocks there. */
  static withBlocksIn(kind: BlockContainerKind): MemoryStore {
    return new MemoryStore(undefined, undefined, kind === 'file' ? new MemorySlots() : undefined);
  }

  get blocks(): BlockContainer {
    return this.view.blocks;
  }

  put(table: TableName, key: Uint8Array, value: Uint8Array): void {
    this.current.put(table, key, value);
  }

  remove(table: TableName, key: Uint8Array): void {
    this.current.remove(table, key);
  }

  get(table: TableName, key: Uint8Array): Uint8Array | undefined {
    return this.view.get(table, key);
  }

  range(table: TableName, start: Uint8Array, end: Uint8Array): Iterable<StoreEntry> {
    return this.view.range(table, start, end);
  }

  /** Tasks run in later turns of the event loop, as they do in a writer thread. */
  run<T extends StoreTask>(task: T): Promise<StoreTaskResult<T>> {
    const result = this.last.then(() => {
      this.writer ??= {
        counters: loadCounters(this),
        nextId: loadCounters(this).nextBlockId,
        poolSeed: unpackIdentity(this.get('records', recordKey('identity')) ?? new Uint8Array())
          .tagSeed,
      };
      return executeTask(this, this.writer, task) as StoreTaskResult<T>;
    });
    this.last = result.catch(() => undefined);
    return result.catch((error: unknown) => {
      throw asArrayError(error);
    });
  }

  transaction<T>(action: (transaction: StoreTransaction) => T): T {
    this.spendTransaction();
    const transaction = new MemoryTransaction(this.state, this.ids, this.container);
    this.current = transaction;
    try {
      const result = action(transaction);
      this.container?.prepare();
      this.container?.committed();
      return result;
    } catch (error) {
      transaction.rollBack();
      this.container?.undone();
      throw error;
    } finally {
      this.current = this.view;
    }
  }

  putBlocks<T>(action: (context: PutContext) => T): T {
    if (this.container === undefined) return this.transaction(action);
    this.spendTransaction();
    return action(this);
  }

  startPuts(nextId: number): void {
    this.ids.next = nextId;
    this.container?.startPuts(nextId);
  }

  endPuts(): number {
    return this.container?.endPuts() ?? this.ids.next;
  }

  private spendTransaction(): void {
    if (this.transactionsLeft === 0) throw this.failure;
    this.transactionsLeft -= 1;
    this.failLog();
  }

  cached(page: number, sizeBytes: number): Uint8Array {
    return cachedBytes(this.slabs, page, sizeBytes);
  }

  shareSlab(slab: SharedArrayBuffer): void {
    this.slabs.push(slab);
  }

  fileBytes(): number {
    return this.container?.fileBytes() ?? this.state.contents.size * BLOCK_BYTES;
  }

  hostFreeBytes(): number {
    return this.hostFree;
  }

  async close(): Promise<void> {
    await this.last;
  }

  /**
   * The store as a daemon finds it that is started after this one was killed now; after a power cut,
   * without the slots that were `lost`.
   */
  crash(lost: (slot: number) => boolean = () => false): MemoryStore {
    const slots = this.slots?.crash(lost);
    return new MemoryStore(new MemoryState(this.state), this.log.copy(), slots);
  }

  /** After `count` more transactions all fail with `failure`; undefined heals the disk. */
  failTransactionAfter(count: number | undefined, failure?: ArrayError): void {
    this.transactionsLeft = count ?? Number.POSITIVE_INFINITY;
    if (failure !== undefined) this.failure = failure;
    this.failLog();
  }

  /** The log is on the same disk. */
  private failLog(): void {
    this.log.failure = this.transactionsLeft === 0 ? this.failure : undefined;
  }

  /** Changes a stored block behind the array's back: damage, for tests. */
  damage(id: number, change: (content: Uint8Array) => void): void {
    const content = this.slots?.bytes(id - 1) ?? this.state.contents.get(id);
    if (content !== undefined) change(content);
  }
}
