/** Pools on disks: their directories, which no other daemon may have open, and their stores. */

import { systemClock } from '../base/clock.js';
import { asArrayError } from '../base/errors.js';
import { refusePathOnMount } from '../host/backing-chain.js';
import { type InstanceLock, lockDirectory } from '../host/instance-lock.js';
import type { BlockStore } from '../store/block-store.js';
import { LmdbStore } from '../store/lmdb-store.js';
import {
  type CreatePoolOptions,
  createPoolFiles,
  loadPool,
  newIdentity,
  newStoredPool,
  probePool,
  type StoredPool,
} from '../store/pool-files.js';
import type { PoolIdentityRecord } from '../store/records.js';
import { type FoundPools, findPools } from './find-pools.js';
import type { PoolPlaces } from './pool-opener.js';

export interface PoolDirectories {
  /** Of the pool that was given. */
  readonly storeDirectory: string;
  /** Where pools are now that are elsewhere than they were, or new ones. */
  readonly poolDirectories: readonly string[];
  /** Names of pools to be left out. */
  readonly without: readonly string[];
  readonly mountPoint: string;
}

export interface FoundDiskPools extends FoundPools {
  /** Which directories that were named hold no pool that can be read, and why. */
  readonly unread: readonly string[];
}

/**
 * The pools of the array that the given one belongs to; what is wrong with the given one is thrown. A directory that
 * was named and holds nothing is as that of any pool that is missing; one that holds a pool of another array is refused.
 */
export function findDiskPools({
  storeDirectory,
  poolDirectories,
  without,
  mountPoint,
}: PoolDirectories): FoundDiskPools {
  const given = loadPool(storeDirectory);
  const named: StoredPool[] = [];
  const unread: string[] = [];
  for (const directory of poolDirectories) {
    if (directory === storeDirectory) continue;
    try {
      named.push(loadOther(directory));
    } catch (error) {
      unread.push(`no pool is taken from ${directory}: ${asArrayError(error).reason}`);
    }
  }
  const found = findPools({
    given,
    named,
    without,
    look: ({ directory }) => {
      refusePathOnMount(directory, mountPoint);
      return loadOther(directory);
    },
  });
  return { ...found, unread };
}

/** A damaged one must not end the daemon, which can do without it. */
function loadOther(directory: string): StoredPool {
  probePool(directory);
  return loadPool(directory);
}

export class DiskPools implements PoolPlaces {
  private readonly locks = new Map<string, InstanceLock>();

  constructor(
    /** The caller has locked it. */
    private readonly storeDirectory: string,
    private readonly mountPoint: string,
  ) {}

  async open({ directory, identity }: StoredPool): Promise<BlockStore> {
    const { mountPoint } = this;
    if (directory !== this.storeDirectory) {
      const holder = { serial: identity.arraySerial, mountPoint, storeDirectory: directory };
      this.locks.set(directory, await lockDirectory(holder));
    }
    try {
      return new LmdbStore(directory, identity.capacityBytes);
    } catch (error) {
      this.release(directory);
      throw error;
    }
  }

  create(directory: string, options: CreatePoolOptions, first: PoolIdentityRecord): StoredPool {
    refusePathOnMount(directory, this.mountPoint);
    const identity = newIdentity(options, systemClock, first);
    createPoolFiles(directory, identity);
    return newStoredPool(directory, identity);
  }

  release(directory: string): void {
    this.locks.get(directory)?.release();
    this.locks.delete(directory);
  }
}
