/**
 * The store in memory: for tests and simulation. Transactions are atomic by an undo list; `crash`
 * gives the store a killed daemon would find, and `failTransactionAfter` makes a disk that fails.
 */

import { ArrayError, asArrayError } from '../base/errors.js';
import { BLOCK_COST_BYTES, LOG_BYTES_MIN } from '../base/limits.js';
import { BLOCK_BYTES } from '../base/sizes.js';
import type {
  BlockContainer,
  BlockStore,
  PutContext,
  StoreEntry,
  StoreReader,
  StoreTransaction,
  TableName,
  TransactionRunner,
} from './block-store.js';
import { cachedBytes } from './cache-pages.js';
import type { BlockContainerKind } from './container-kind.js';
import { executeTask, loadCounters } from './execute-task.js';
import { FileBlocks } from './file-blocks.js';
import { recordKey } from './keys.js';
import { MemoryLog, type TornWrite } from './log-device.js';
import { MemorySlots } from './memory-slots.js';
import { MemoryState, MemoryTransaction } from './memory-transaction.js';
import { unpackIdentity } from './records.js';
import type { StoreTask, StoreTaskResult, WriterState } from './tasks.js';

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
    readonly slots?: MemorySlots,
  ) {
    this.log = log;
    this.container = slots && new FileBlocks(this, slots, () => this.growthLimit);
    this.blockCostBytes = this.container?.costBytes ?? BLOCK_COST_BYTES;
    this.view = new MemoryTransaction(state, this.ids, this.container);
    this.current = this.view;
  }

  /** An empty one that keeps its blocks there. */
  static withBlocksIn(kind: BlockContainerKind, logBytes = LOG_BYTES_MIN): MemoryStore {
    const slots = kind === 'file' ? new MemorySlots() : undefined;
    return new MemoryStore(undefined, new MemoryLog(logBytes), slots);
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
    if (this.transactionsLeft === 0) this.log.failure = this.failure;
  }

  get reader(): StoreReader {
    return this;
  }

  monotonicMs(): number {
    return 0;
  }

  /** Nothing is cold. */
  noteRead(): void {}

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
   * without the slots that were `lost`; of a write to the log under way, with the bytes that are new.
   */
  crash(lost: (slot: number) => boolean = () => false, isNew?: TornWrite): MemoryStore {
    const slots = this.slots?.crash(lost);
    return new MemoryStore(new MemoryState(this.state), this.log.copy(isNew), slots);
  }

  /** After `count` more transactions all fail with `failure`; undefined heals the disk. */
  failTransactionAfter(count: number | undefined, failure?: ArrayError): void {
    this.transactionsLeft = count ?? Number.POSITIVE_INFINITY;
    if (failure !== undefined) this.failure = failure;
    // The log is on the same disk.
    this.log.failure = count === 0 ? this.failure : undefined;
  }

  /** Changes a stored block behind the array's back: damage, for tests. */
  damage(id: number, change: (content: Uint8Array) => void): void {
    const content = this.slots?.bytes(id - 1) ?? this.state.contents.get(id);
    if (content !== undefined) change(content);
  }
}
