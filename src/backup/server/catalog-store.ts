/**
 * The backup catalog ([004] fig. 6, backup data table) in LMDB: tables of records (catalog-records.ts), changed in durable
 * transactions. The only file that knows lmdb's interface. A catalog whose directory was removed while the server runs is
 * begun anew.
 */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { type Database, open, type RootDatabase } from 'lmdb';
import { ArrayError, asArrayError } from '../../base/errors.js';
import { BACKUP_CATALOG_BYTES_MAX } from '../../base/limits.js';
import { makeDirectories } from '../../base/make-directories.js';
import {
  CATALOG_TABLES,
  CATALOG_VERSION,
  type CatalogTable,
  type CatalogTables,
  damagedCatalog,
  keyText,
  packRecord,
  unpackRecord,
} from './catalog-records.js';

const DIRECTORY_MODE = 0o700;
const DATA_FILE = 'data.mdb';
const DATABASES_MAX = 16;
/** ENOSPC, and LMDB's own code for a map that is full. */
const FULL_CODES = new Set<unknown>([28, 'ENOSPC', -30792]);

type Key<T extends CatalogTable> = CatalogTables[T]['key'];
type Value<T extends CatalogTable> = CatalogTables[T]['value'];
type Table = Database<string, string | number | (string | number)[]>;

export interface CatalogRow<T extends CatalogTable> {
  readonly key: Key<T>;
  readonly value: Value<T>;
}

export interface RangeOptions {
  /** The lowest key, with `reverse` the highest; included unless `exclusiveStart`. */
  readonly start?: unknown;
  readonly exclusiveStart?: boolean;
  /** Not included. */
  readonly end?: unknown;
  readonly reverse?: boolean;
  readonly limit?: number;
}

/** What a change sees and does; valid only inside it. */
export interface CatalogChange {
  get<T extends CatalogTable>(table: T, key: Key<T>): Value<T> | undefined;
  put<T extends CatalogTable>(table: T, key: Key<T>, value: Value<T>): void;
  remove<T extends CatalogTable>(table: T, key: Key<T>): void;
}

interface Environment {
  readonly root: RootDatabase<string, string>;
  readonly tables: ReadonlyMap<CatalogTable, Table>;
  /** Of the data file, to see when it is removed. */
  readonly inode: number;
}

export class CatalogStore implements CatalogChange {
  private environment: Environment;

  /** Makes the catalog where there is none. EIO where it is damaged, EINVAL where it is of a newer version. */
  constructor(readonly directory: string) {
    this.environment = openEnvironment(directory);
    this.checkVersion();
  }

  get<T extends CatalogTable>(table: T, key: Key<T>): Value<T> | undefined {
    return this.reading(() => {
      const packed = this.table(table).get(key as string);
      return packed === undefined ? undefined : this.unpack(table, key, packed);
    });
  }

  /** In the order of the keys, or against it. All at once: bound it. */
  range<T extends CatalogTable>(table: T, options: RangeOptions = {}): CatalogRow<T>[] {
    return this.reading(() => {
      const rows = this.table(table).getRange(options as never);
      return Array.from(rows, ({ key, value }) => ({
        key: key as Key<T>,
        value: this.unpack(table, key, value),
      }));
    });
  }

  count(table: CatalogTable): number {
    return (this.table(table).getStats() as { entryCount: number }).entryCount;
  }

  put<T extends CatalogTable>(table: T, key: Key<T>, value: Value<T>): void {
    this.table(table).putSync(key as string, packRecord(value));
  }

  remove<T extends CatalogTable>(table: T, key: Key<T>): void {
    this.table(table).removeSync(key as string);
  }

  /** All of `action` or, where it throws, nothing; durable when it returns. */
  change<T>(action: (change: CatalogChange) => T): T {
    try {
      return this.environment.root.transactionSync(() => action(this));
    } catch (error) {
      throw this.storeError(error);
    }
  }

  /** Begins a new catalog where the directory of the present one was removed; true then. */
  renewIfRemoved(): boolean {
    if (inodeOf(this.directory) === this.environment.inode) return false;
    const { root } = this.environment;
    this.environment = openEnvironment(this.directory);
    this.checkVersion();
    // Its file is gone: nothing waits for it.
    root.close().catch(() => undefined);
    return true;
  }

  async close(): Promise<void> {
    await this.environment.root.close();
  }

  private checkVersion(): void {
    const version = this.get('about', 'version');
    if (version === undefined) {
      if (this.count('entries') > 0) throw damagedCatalog(this.directory, 'it has no version');
      this.change((change) => change.put('about', 'version', CATALOG_VERSION));
    } else if (version !== CATALOG_VERSION) {
      throw new ArrayError(
        'EINVAL',
        `the catalog in ${this.directory} has version ${version}, this arrayfs knows ${CATALOG_VERSION}: use the newer one`,
      );
    }
  }

  private table(name: CatalogTable): Table {
    return this.environment.tables.get(name) as Table;
  }

  private unpack<T extends CatalogTable>(table: T, key: unknown, packed: string): Value<T> {
    return unpackRecord(packed, `${table} ${keyText(key)}`) as Value<T>;
  }

  private reading<T>(action: () => T): T {
    try {
      return action();
    } catch (error) {
      throw damagedCatalog(this.directory, asArrayError(error).reason);
    }
  }

  private storeError(error: unknown): ArrayError {
    if (error instanceof ArrayError) return error;
    if (FULL_CODES.has((error as { code?: unknown } | undefined)?.code)) {
      return new ArrayError('ENOSPC', `no space left for the catalog in ${this.directory}`);
    }
    return damagedCatalog(this.directory, asArrayError(error).reason);
  }
}

function openEnvironment(directory: string): Environment {
  makeDirectories(directory, DIRECTORY_MODE);
  try {
    const root = open({
      path: directory,
      noSubdir: false,
      mapSize: BACKUP_CATALOG_BYTES_MAX,
      maxDbs: DATABASES_MAX,
      noReadAhead: true,
      safeRestore: true,
      overlappingSync: false,
      cache: false,
      encoding: 'string',
    } as Parameters<typeof open>[0]) as RootDatabase<string, string>;
    const tables = CATALOG_TABLES.map(
      (name) => [name, root.openDB(name, { encoding: 'string', cache: false }) as Table] as const,
    );
    return { root, tables: new Map(tables), inode: inodeOf(directory) ?? 0 };
  } catch (error) {
    const failure = asArrayError(error);
    if (/MDB_|corrupt|invalid|not an? LMDB/i.test(failure.reason)) {
      throw damagedCatalog(directory, failure.reason);
    }
    throw failure;
  }
}

function inodeOf(directory: string): number | undefined {
  return statSync(join(directory, DATA_FILE), { throwIfNoEntry: false })?.ino;
}
