/** Arrays over the memory store, for tests of everything above the store. */

import type { StorageArray } from '../../src/array/array.js';
import type { PrepareDevice } from '../../src/array/device-preparer.js';
import { findPools } from '../../src/array/find-pools.js';
import { type OpenArrayOptions, openArray } from '../../src/array/open-array.js';
import type { Clock } from '../../src/base/clock.js';
import { CACHE_BYTES_MIN, LOG_BYTES_MIN } from '../../src/base/limits.js';
import type { BlockStore } from '../../src/store/block-store.js';
import type { BlockContainerKind } from '../../src/store/container-kind.js';
import { MemoryStore } from '../../src/store/memory-store.js';
import { newIdentity, readPool, writeIdentity } from '../../src/store/pool-files.js';
import { MemoryPlaces } from './memory-places.js';

const DIRECTORY = 'memory';

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

export function openMemoryArray(
  store: MemoryStore,
  clock: Clock,
  cacheBytes = CACHE_BYTES_MIN,
): Promise<StorageArray> {
  return openMemoryPools(new MemoryPlaces(clock, [[DIRECTORY, store]]), DIRECTORY, clock, {
    cacheBytes,
  });
}

/** An empty store of one more pool of the array that `first` is of. */
export function newMemoryPool(
  first: MemoryStore,
  poolName: string,
  clock: Clock,
  blocks: BlockContainerKind = 'lmdb',
): MemoryStore {
  const store = MemoryStore.withBlocksIn(blocks);
  const { identity } = readPool(first, DIRECTORY);
  writeIdentity(store, newIdentity({ capacityBytes: 2 ** 40, poolName, blocks }, clock, identity));
  return store;
}

/** The array of these pools, the home pool first, whatever they remember of each other. */
export function openMemoryStores(
  stores: readonly MemoryStore[],
  clock: Clock,
): Promise<StorageArray> {
  const pools = stores.map((store, index) => {
    const stored = readPool(store, `/${index}`);
    const { poolUuid: uuid, poolName: name } = stored.identity;
    return { member: { uuid, name, directory: `/${index}`, isPresent: true, states: [] }, stored };
  });
  const [first] = pools;
  if (first === undefined) throw new Error('an array has a pool');
  return openArray({
    found: { authority: first.stored, pools },
    places: new MemoryPlaces(
      clock,
      stores.map((store, index) => [`/${index}`, store]),
    ),
    clock,
    cacheBytes: CACHE_BYTES_MIN * stores.length,
    readOnly: false,
    defaultOwner: { uid: 0, gid: 0, mode: 0o600 },
  });
}

/** The array that the pool in `directory` is of, with all pools that are found. */
export function openMemoryPools(
  places: MemoryPlaces,
  directory: string,
  clock: Clock,
  options: {
    cacheBytes?: number;
    readOnly?: boolean;
    without?: readonly string[];
    allowFaults?: boolean;
    prepareDevice?: PrepareDevice;
    backupPath?: OpenArrayOptions['backupPath'];
  } = {},
): Promise<StorageArray> {
  const { cacheBytes = CACHE_BYTES_MIN, readOnly = false, without = [] } = options;
  const { allowFaults = false, backupPath, prepareDevice } = options;
  return openArray({
    found: places.find(directory, without),
    places,
    clock,
    cacheBytes,
    readOnly,
    allowFaults,
    ...(prepareDevice && { prepareDevice }),
    ...(backupPath !== undefined && { backupPath }),
    defaultOwner: { uid: 0, gid: 0, mode: 0o600 },
  });
}

/** An array of one pool whose store is open. */
export function onePool(
  directory: string,
  store: BlockStore,
): Pick<OpenArrayOptions, 'found' | 'places'> {
  const refuse = () => {
    throw new Error('the array has one pool');
  };
  return {
    found: findPools({ given: readPool(store, directory), named: [], without: [], look: refuse }),
    places: { open: async () => store, create: refuse, release: () => {} },
  };
}
