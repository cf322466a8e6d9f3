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
import { POOL_BYTES_MIN } from '../base/limits.js';
import { BLOCK_BYTES } from '../base/sizes.js';
import {
  type StoreEntry,
  type StoreReader,
  type StoreTransaction,
  TABLE_NAMES,
  type TableName,
} from './block-store.js';
import { blockKey, parseBlockKey } from './keys.js';

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
  return new ArrayError('EIO', `the pool's store failed: ${message}`);
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
  private readonly ownMemory = Buffer.alloc(BLOCK_BYTES);
  private next = 1;

  constructor(
    readonly directory: string,
    options: { readOnly?: boolean; capacityBytes?: number } = {},
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
    } catch (error) {
      throw storeError(error);
    }
  }

  readonly blocks = {
    read: (id: number): Uint8Array | undefined => {
      const value = this.content.getBinaryFast(blockKey(id));
      // The buffer is larger than its own `length` says: view exactly the value.
      return value && new Uint8Array(value.buffer, value.byteOffset, value.length);
    },
    prefetch: (ids: readonly number[]): Promise<void> => {
      return new Promise((resolve) => this.content.prefetch(ids.map(blockKey), () => resolve()));
    },
    ids: (fromId: number): Iterable<number> => this.blockIds(fromId),
    put: (content: Uint8Array): number => {
      const id = this.next;
      this.next += 1;
      // lmdb takes the address of the value's buffer, which it gets wrong for shared memory.
      this.ownMemory.set(content);
      this.content.putSync(blockKey(id), this.ownMemory);
      return id;
    },
    free: (id: number): boolean => this.content.removeSync(blockKey(id)),
    nextId: (): number => this.next,
    // Blocks are values of the transaction that names them.
    sync: (): void => {},
  };

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
    try {
      return this.root.transactionSync(() => action(this));
    } catch (error) {
      throw storeError(error, this.hostFreeBytes());
    }
  }

  startIds(nextId: number): void {
    this.next = nextId;
  }

  /** Makes the following reads see what has been committed by now. */
  refresh(): void {
    this.root.resetReadTxn();
  }

  /** Entries the table's tree says it has. */
  entryCount(name: TableName | 'blocks'): number {
    const table = name === 'blocks' ? this.content : this.table(name);
    return (table.getStats() as { entryCount: number }).entryCount;
  }

  fileBytes(): number {
    return statSync(join(this.directory, DATA_FILE)).size;
  }

  hostFreeBytes(): number {
    const { bavail, bsize } = statfsSync(this.directory);
    return bavail * bsize;
  }

  async close(): Promise<void> {
    await this.root.close();
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

  private *blockIds(fromId: number): Generator<number> {
    for (const key of this.content.getKeys({ start: blockKey(fromId) })) yield parseBlockKey(key);
  }
}
