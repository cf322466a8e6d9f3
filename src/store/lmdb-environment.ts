/**
 * One pool's LMDB environment as the store sees it; the only file that knows lmdb's interface. Event
 * loop and writer thread each open it (lmdb shares the environment inside a process).
 *
 * Options that matter, see native-notes/lmdb.md: `safeRestore` and `noReadAhead` always; no
 * overlapping sync, so a transaction that returned is durable; values above a page are stored in
 * pages of their own, a 16 KiB block takes five.
 */
import { existsSync, statfsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Database, open, type RootDatabase } from 'lmdb';
import { ArrayError } from '../base/errors.js';
import { FILE_BLOCK_COST_BYTES, HOST_RESERVE_BYTES, POOL_BYTES_MIN } from '../base/limits.js';
import type { TransactionBlocks } from './block-container.js';
import {
  type PutContext,
  type StoreEntry,
  type StoreReader,
  type StoreTransaction,
  TABLE_NAMES,
  type TableName,
} from './block-store.js';
import type { BlockContainerKind } from './container-kind.js';
import { FileBlocks } from './file-blocks.js';
import { recordKey } from './keys.js';
import { LmdbBlocks } from './lmdb-blocks.js';
import { unpackIdentity } from './records.js';
import { SlotFile } from './slot-file.js';

type Table = Database<Uint8Array, Uint8Array>;

export const DATA_FILE = 'data.mdb';

/** ENOSPC in errno, and LMDB's own code for a map that is full. */
const FULL_CODES = new Set<unknown>([28, 'ENOSPC', -30792]);

/** With less than this left a failed write is taken for a full disk: LMDB calls a short write EIO. */
const FULL_DISK_BYTES = 4 * 2 ** 20;

/** The ArrayError an exception of lmdb stands for, with `hostFreeBytes` left on the disk. */
export function storeError(error: unknown, hostFreeBytes = Number.POSITIVE_INFINITY): ArrayError {
  if (error instanceof ArrayError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const code = (error as { code?: unknown } | undefined)?.code;
  const isFull = FULL_CODES.has(code) || /no space left/i.test(message);
  if (isFull || hostFreeBytes < FULL_DISK_BYTES) {
    return new ArrayError('ENOSPC', 'the disk that holds the pool is full');
  }
  return new ArrayError('EIO', `the pool's store failed: ${message.replace(/[:\s]+$/, '')}`);
}

/**
 * Address space for a pool: twice its capacity, as freed pages are reused late. 64 TiB was seen to
 * crash at random when a process maps it twice, 32 TiB not (native-notes/lmdb.md).
 */
function mapBytes(capacityBytes: number): number {
  return Math.max(2 ** 36, 2 * capacityBytes);
}

export class LmdbEnvironment implements StoreTransaction, StoreReader {
  private readonly root: RootDatabase<Uint8Array, Uint8Array>;
  private readonly tables: ReadonlyMap<TableName, Table>;
  private readonly content: Table;
  private readonly inside: LmdbBlocks;
  private container: TransactionBlocks | undefined;
  /**
   * LMDB could not write what it committed: seen to end the process by a damaged heap when it is used
   * again. A full disk it survives.
   */
  private broken: ArrayError | undefined;

  constructor(
    readonly directory: string,
    private readonly options: { readOnly?: boolean; capacityBytes?: number } = {},
  ) {
    if (options.readOnly && !existsSync(join(directory, DATA_FILE))) {
      throw new ArrayError('ENOENT', `no pool in ${directory}`);
    }
    try {
      this.root = open({
        path: directory,
        noSubdir: false,
        mapSize: mapBytes(options.capacityBytes ?? POOL_BYTES_MIN),
        maxDbs: 8,
        noReadAhead: true,
        safeRestore: true,
        overlappingSync: false,
        cache: false,
        encoding: 'binary',
        keyEncoding: 'binary',
        ...(options.readOnly ? { readOnly: true } : {}),
      } as Parameters<typeof open>[0]) as RootDatabase<Uint8Array, Uint8Array>;
      this.tables = new Map(TABLE_NAMES.map((name) => [name, this.openTable(name)]));
      this.content = this.openTable('blocks');
      this.inside = new LmdbBlocks(this.content);
    } catch (error) {
      throw storeError(error);
    }
  }

  /** The container the pool was made with; before it has an identity, LMDB itself. */
  get blocks(): TransactionBlocks {
    this.container ??= this.openContainer();
    return this.container ?? this.inside;
  }

  get(table: TableName, key: Uint8Array): Uint8Array | undefined {
    return this.table(table).getBinary(key);
  }

  range(table: TableName, start: Uint8Array, end: Uint8Array): Iterable<StoreEntry> {
    return this.table(table).getRange({ start, end });
  }

  put(table: TableName, key: Uint8Array, value: Uint8Array): void {
    this.table(table).putSync(key, value);
  }

  remove(table: TableName, key: Uint8Array): void {
    this.table(table).removeSync(key);
  }

  /** Runs `action` in one durable transaction; a throw undoes it. */
  transaction<T>(action: (transaction: StoreTransaction) => T): T {
    const { blocks } = this;
    if (this.broken !== undefined) throw this.broken;
    let result: T;
    let isCommitting = false;
    try {
      result = this.root.transactionSync(() => {
        const value = action(this);
        blocks.prepare();
        isCommitting = true;
        return value;
      });
    } catch (error) {
      blocks.undone();
      const failure = storeError(error, this.hostFreeBytes());
      if (!isCommitting || failure.code === 'ENOSPC') throw failure;
      const { code, reason } = failure;
      this.broken = new ArrayError(code, `${reason}; out of use until the next mount`, true);
      throw this.broken;
    }
    blocks.committed();
    return result;
  }

  /** Runs `action`, in a transaction only where puts are changes of the environment. */
  putBlocks<T>(action: (context: PutContext) => T): T {
    if (!this.blocks.marksApart) return this.transaction(action);
    try {
      return action(this);
    } catch (error) {
      throw storeError(error, this.hostFreeBytes());
    }
  }

  startPuts(nextId: number): void {
    this.refresh();
    this.blocks.startPuts(nextId);
  }

  endPuts(): number {
    try {
      return this.blocks.endPuts();
    } catch (error) {
      throw storeError(error, this.hostFreeBytes());
    }
  }

  /** Makes the following reads see what has been committed by now. */
  refresh(): void {
    this.root.resetReadTxn();
  }

  /** Entries the table's tree says it has; undefined for blocks that are not in a tree. */
  entryCount(name: TableName | 'blocks'): number | undefined {
    if (name === 'blocks' && this.blocks !== this.inside) return undefined;
    const table = name === 'blocks' ? this.content : this.table(name);
    return (table.getStats() as { entryCount: number }).entryCount;
  }

  fileBytes(): number {
    return statSync(join(this.directory, DATA_FILE)).size + this.blocks.fileBytes();
  }

  hostFreeBytes(): number {
    const { bavail, bsize } = statfsSync(this.directory);
    return bavail * bsize;
  }

  async close(): Promise<void> {
    this.container?.close();
    this.container = undefined;
    if (this.broken === undefined) await this.root.close();
  }

  private openTable(name: string): Table {
    return this.root.openDB<Uint8Array, Uint8Array>(name, {
      encoding: 'binary',
      keyEncoding: 'binary',
      cache: false,
    }) as Table;
  }

  private table(name: TableName): Table {
    return this.tables.get(name) as Table;
  }

  private openContainer(): TransactionBlocks | undefined {
    const kind = containerOf(this);
    if (kind === undefined) return undefined;
    if (kind === 'lmdb') return this.inside;
    const file = new SlotFile(this.directory, this.options.readOnly ? 'r' : 'r+');
    return new FileBlocks(this, file, () => this.growthLimit());
  }

  /** Slots the file of blocks may grow to: within the capacity, and above the host's reserve. */
  private growthLimit(): number {
    if (this.hostFreeBytes() < HOST_RESERVE_BYTES) return 0;
    return Math.floor((this.options.capacityBytes ?? POOL_BYTES_MIN) / FILE_BLOCK_COST_BYTES);
  }
}

/** Undefined where there is no identity that can be read. */
function containerOf(reader: StoreReader): BlockContainerKind | undefined {
  const value = reader.get('records', recordKey('identity'));
  try {
    return value && unpackIdentity(value).blockContainer;
  } catch {
    return undefined;
  }
}
