/**
 * The directory of a pool: making one, and reading who it is.
 *
 *   DIR/data.mdb, DIR/lock.mdb   the LMDB environment
 *   DIR/intent.log               the intent log (intent-log.ts)
 *   DIR/blocks.dat               the blocks, where they are kept in a file of slots
 */

import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { type Clock, systemClock } from '../base/clock.js';
import { ArrayError } from '../base/errors.js';
import { POOL_BYTES_MAX, POOL_BYTES_MIN } from '../base/limits.js';
import { makeDirectories } from '../base/make-directories.js';
import { checkLabel, checkName } from '../base/names.js';
import { formatSize } from '../base/sizes.js';
import { newUuid, uuidText } from '../base/uuid.js';
import type { StoreReader, StoreTransaction } from './block-store.js';
import { type BlockContainerKind, DEFAULT_CONTAINER } from './container-kind.js';
import { createLogFile } from './file-log.js';
import { recordKey } from './keys.js';
import { DATA_FILE, LmdbEnvironment } from './lmdb-environment.js';
import {
  type MembersRecord,
  type ReachedPool,
  unpackMembers,
  unpackReached,
} from './member-records.js';
import {
  LAYOUT_VERSION,
  type PoolIdentityRecord,
  packIdentity,
  unpackCounters,
  unpackIdentity,
} from './records.js';
import { createSlotFile } from './slot-file.js';

/** Who a pool is, texts in canonical form. */
export interface PoolIdentity {
  readonly layoutVersion: number;
  readonly arrayUuid: string;
  /** 12 hex digits. */
  readonly arraySerial: string;
  readonly arrayLabel: string;
  readonly poolUuid: string;
  readonly poolName: string;
  readonly createdMs: number;
  readonly capacityBytes: number;
  readonly blockContainer: BlockContainerKind;
}

export interface CreatePoolOptions {
  /** What the blocks may take on disk. */
  readonly capacityBytes: number;
  readonly label?: string;
  readonly poolName?: string;
  /** Where its blocks live, else DEFAULT_CONTAINER; fixed for good. */
  readonly blocks?: BlockContainerKind;
}

/** Identity of a pool, the first of a new array or one more of `array`; nothing is written. */
export function newIdentity(
  options: CreatePoolOptions,
  clock: Clock,
  array?: PoolIdentityRecord,
): PoolIdentityRecord {
  const { capacityBytes, label = '', poolName = 'main', blocks = DEFAULT_CONTAINER } = options;
  checkName(poolName);
  checkLabel(label);
  if (capacityBytes < POOL_BYTES_MIN || capacityBytes > POOL_BYTES_MAX) {
    throw new ArrayError(
      'EINVAL',
      `capacity must be ${formatSize(POOL_BYTES_MIN)} to ${formatSize(POOL_BYTES_MAX)}`,
    );
  }
  const poolUuid = newUuid(clock);
  return {
    layoutVersion: LAYOUT_VERSION,
    arrayUuid: array?.arrayUuid ?? newUuid(clock),
    arraySerial: array?.arraySerial ?? Buffer.from(clock.randomBytes(6)).toString('hex'),
    arrayLabel: array?.arrayLabel ?? label,
    poolUuid,
    tagSeed: crc32(poolUuid),
    poolName,
    createdMs: clock.nowMs(),
    capacityBytes,
    blockContainer: blocks,
  };
}

/** Makes a pool, and the array it is the first of, in a new or empty directory. */
export function createPool(directory: string, options: CreatePoolOptions): PoolIdentity {
  const identity = newIdentity(options, systemClock);
  createPoolFiles(directory, identity);
  return publicIdentity(identity);
}

/** EEXIST, ENOTDIR or EINVAL unless `directory` is new or empty. */
export function createPoolFiles(directory: string, identity: PoolIdentityRecord): void {
  if (existsSync(join(directory, DATA_FILE))) {
    throw new ArrayError('EEXIST', `${directory} already holds an array`);
  }
  if (existsSync(directory) && !statSync(directory).isDirectory()) {
    throw new ArrayError('ENOTDIR', `${directory} is not a directory`);
  }
  makeDirectories(directory, 0o700);
  const left = readdirSync(directory).filter((name) => name !== 'lost+found');
  if (left.length > 0) {
    throw new ArrayError('EINVAL', `${directory} is not empty (it holds ${left[0]})`);
  }
  try {
    writeFiles(directory, identity);
  } catch (error) {
    // A directory that holds half a pool could not be used for another attempt.
    for (const name of readdirSync(directory)) {
      if (name !== 'lost+found') rmSync(join(directory, name));
    }
    throw error;
  }
}

function writeFiles(directory: string, identity: PoolIdentityRecord): void {
  if (identity.blockContainer === 'file') createSlotFile(directory);
  withEnvironment(directory, (environment) => writeIdentity(environment, identity));
  createLogFile(directory, identity.capacityBytes);
  for (const name of readdirSync(directory)) {
    if (name.endsWith('.mdb')) chmodSync(join(directory, name), 0o600);
  }
}

/** Who the pool in `directory` is. EINVAL where it is no pool or one of a newer layout. */
export function readPoolIdentity(directory: string): PoolIdentity {
  return publicIdentity(loadIdentity(directory));
}

/** The same as the record has it. */
export function loadIdentity(directory: string): PoolIdentityRecord {
  requirePool(directory);
  return withEnvironment(directory, (environment) => readIdentity(environment, directory));
}

/** A pool as it lies on its disk. */
export interface StoredPool {
  readonly directory: string;
  readonly identity: PoolIdentityRecord;
  /** What it remembers of the array; undefined where it has never had another pool beside it. */
  readonly members: MembersRecord | undefined;
  /** Of the last generation published in it. */
  readonly publishedSequence: number;
  /** What the other pools had published, as far as it knows. */
  readonly reached: readonly ReachedPool[];
}

export function loadPool(directory: string): StoredPool {
  requirePool(directory);
  return withEnvironment(directory, (environment) => readPool(environment, directory));
}

/**
 * Reads the pool in a process of its own first: a damaged LMDB file can end the process that reads it. EIO where
 * it does; whatever else is wrong `loadPool` tells.
 */
export function probePool(directory: string): void {
  requirePool(directory);
  const program = 'const { loadPool } = await import(process.argv[1]); loadPool(process.argv[2]);';
  const words = ['--input-type=module', '-e', program, import.meta.url, directory];
  const { signal } = spawnSync(process.execPath, words, { stdio: 'ignore' });
  if (signal === null) return;
  throw new ArrayError('EIO', `${directory} is damaged, reading it ended in ${signal}`);
}

export function readPool(reader: StoreReader, directory: string): StoredPool {
  const identity = readIdentity(reader, directory);
  const [members, reached, counters] = (['members', 'reached', 'counters'] as const).map((kind) => {
    return reader.get('records', recordKey(kind));
  });
  return {
    directory,
    identity,
    members: members && unpackMembers(members),
    publishedSequence: counters ? unpackCounters(counters).publishedSequence : 0,
    reached: reached ? unpackReached(reached) : [],
  };
}

/** One that was just made. */
export function newStoredPool(directory: string, identity: PoolIdentityRecord): StoredPool {
  return { directory, identity, members: undefined, publishedSequence: 0, reached: [] };
}

/** EINVAL where the store holds no array. */
export function readIdentity(reader: StoreReader, directory: string): PoolIdentityRecord {
  const value = reader.get('records', recordKey('identity'));
  if (value === undefined) throw new ArrayError('EINVAL', `${directory} holds no array`);
  return unpackIdentity(value);
}

export function writeIdentity(
  store: { transaction(action: (transaction: StoreTransaction) => void): void },
  identity: PoolIdentityRecord,
): void {
  store.transaction((transaction) => {
    transaction.put('records', recordKey('identity'), packIdentity(identity));
  });
}

export function publicIdentity(identity: PoolIdentityRecord): PoolIdentity {
  const { tagSeed: _internal, ...shown } = identity;
  return {
    ...shown,
    arrayUuid: uuidText(identity.arrayUuid),
    poolUuid: uuidText(identity.poolUuid),
  };
}

/** ENOENT or EINVAL unless `directory` holds LMDB's file; nothing is created. */
export function requirePool(directory: string): void {
  try {
    readdirSync(directory);
  } catch (error) {
    const code = (error as { code?: unknown }).code;
    if (code === 'EACCES') throw new ArrayError('EACCES', `permission denied: ${directory}`);
    if (code === 'ENOENT') throw new ArrayError('ENOENT', `${directory} does not exist`);
  }
  if (!statSync(directory).isDirectory()) {
    throw new ArrayError('ENOTDIR', `${directory} is not a directory`);
  }
  if (!existsSync(join(directory, DATA_FILE))) {
    throw new ArrayError('EINVAL', `${directory} holds no array (make one with: arrayfs init)`);
  }
}

export function withEnvironment<T>(directory: string, action: (store: LmdbEnvironment) => T): T {
  const environment = new LmdbEnvironment(directory);
  try {
    return action(environment);
  } finally {
    void environment.close();
  }
}
