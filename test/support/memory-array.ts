/** Arrays over the memory store, for tests of everything above the store. */
import type { StorageArray } from '../../src/array/array.js';
import { openArray } from '../../src/array/open-array.js';
import type { Clock } from '../../src/base/clock.js';
import { CACHE_BYTES_MIN, LOG_BYTES_MIN } from '../../src/base/limits.js';
import type { BlockContainerKind } from '../../src/store/container-kind.js';
import { recordKey } from '../../src/store/keys.js';
import { MemoryStore } from '../../src/store/memory-store.js';
import { newIdentity, writeIdentity } from '../../src/store/pool-files.js';
import { type PoolIdentityRecord, unpackIdentity } from '../../src/store/records.js';

/** An empty store with an identity. */
export function newMemoryStore(
  clock: Clock,
  capacityBytes = 2 ** 40,
  blocks: BlockContainerKind = 'lmdb',
  logBytes = LOG_BYTES_MIN,
): MemoryStore {
  const store = MemoryStore.withBlocksIn(blocks, logBytes);
  writeIdentity(store, newIdentity({ capacityBytes, blocks }, clock));
  return store;
}

/** An empty store of one more pool of the array that `first` is of. */
export function newMemoryPool(
  first: MemoryStore,
  poolName: string,
  clock: Clock,
  blocks: BlockContainerKind = 'lmdb',
): MemoryStore {
  const store = MemoryStore.withBlocksIn(blocks);
  const options = { capacityBytes: 2 ** 40, poolName, blocks };
  writeIdentity(store, newIdentity(options, clock, identityOf(first)));
  return store;
}

export function openMemoryArray(
  store: MemoryStore,
  clock: Clock,
  cacheBytes = CACHE_BYTES_MIN,
): Promise<StorageArray> {
  return openMemoryPools([store], clock, cacheBytes);
}

export function openMemoryPools(
  stores: readonly MemoryStore[],
  clock: Clock,
  cacheBytes = CACHE_BYTES_MIN,
): Promise<StorageArray> {
  return openArray({
    pools: stores.map((store) => ({ directory: 'memory', identity: identityOf(store), store })),
    clock,
    cacheBytes,
    readOnly: false,
    defaultOwner: { uid: 0, gid: 0, mode: 0o600 },
  });
}

function identityOf(store: MemoryStore): PoolIdentityRecord {
  return unpackIdentity(store.get('records', recordKey('identity')) as Uint8Array);
}
