/** Pools in memory, each under the name of a directory: what the disks of an array are in tests. */

import { type FoundPools, findPools } from '../../src/array/find-pools.js';
import type { PoolPlaces } from '../../src/array/pool-opener.js';
import type { Clock } from '../../src/base/clock.js';
import { ArrayError } from '../../src/base/errors.js';
import { LOG_BYTES_MIN } from '../../src/base/limits.js';
import { MemoryStore } from '../../src/store/memory-store.js';
import {
  type CreatePoolOptions,
  newIdentity,
  newStoredPool,
  readPool,
  type StoredPool,
  writeIdentity,
} from '../../src/store/pool-files.js';
import type { PoolIdentityRecord } from '../../src/store/records.js';

export class MemoryPlaces implements PoolPlaces {
  /** By directory. */
  readonly stores = new Map<string, MemoryStore>();

  constructor(
    private readonly clock: Clock,
    stores: Iterable<readonly [string, MemoryStore]> = [],
  ) {
    for (const [directory, store] of stores) this.stores.set(directory, store);
  }

  async open({ directory }: StoredPool): Promise<MemoryStore> {
    return this.store(directory);
  }

  create(directory: string, options: CreatePoolOptions, first: PoolIdentityRecord): StoredPool {
    if (this.stores.has(directory)) throw new ArrayError('EEXIST', `${directory} holds an array`);
    const identity = newIdentity(options, this.clock, first);
    const store = MemoryStore.withBlocksIn(identity.blockContainer, LOG_BYTES_MIN);
    writeIdentity(store, identity);
    this.stores.set(directory, store);
    return newStoredPool(directory, identity);
  }

  release(): void {}

  /** The pools of the array whose pool in `directory` is given, as a mount finds them. */
  find(
    directory: string,
    without: readonly string[] = [],
    named: readonly string[] = [],
  ): FoundPools {
    return findPools({
      given: this.stored(directory),
      named: named.map((name) => this.stored(name)),
      without,
      look: (member) => this.stored(member.directory),
    });
  }

  store(directory: string): MemoryStore {
    const store = this.stores.get(directory);
    if (store === undefined) throw new ArrayError('ENOENT', `${directory} does not exist`);
    return store;
  }

  private stored(directory: string): StoredPool {
    return readPool(this.store(directory), directory);
  }
}
