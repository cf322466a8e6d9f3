/**
 * The map of the program: builds the daemon's stack bottom-up, store to file tree.
 */
import type { DiskArray, Owner } from './array/disk-array.js';
import { openArray } from './array/open-array.js';
import { systemClock } from './base/clock.js';
import { ArrayError } from './base/errors.js';
import { ArrayTree } from './fuse/array-tree.js';
import type { FileTree } from './fuse/file-tree.js';
import { LmdbStore } from './store/lmdb-store.js';
import { loadIdentity } from './store/pool-files.js';

export interface AssembleOptions {
  /** Directory of the first pool, made by `arrayfs init`. */
  readonly storeDirectory: string;
  /** Where the array will be mounted: no path of the array may lie on it. */
  readonly mountPoint: string;
  readonly readOnly: boolean;
  readonly cacheBytes: number;
  readonly defaultOwner: Owner;
  /** Absolute directories of further pools. */
  readonly poolDirectories: readonly string[];
}

export interface Assembly {
  readonly array: DiskArray;
  readonly tree: FileTree;
}

export async function assemble(options: AssembleOptions): Promise<Assembly> {
  const { storeDirectory: directory, readOnly, cacheBytes, defaultOwner } = options;
  if (options.poolDirectories.length > 0) {
    throw new ArrayError('EINVAL', 'an array has one pool for now');
  }
  // Who the pool is: a foreign directory or a newer layout ends here.
  const identity = loadIdentity(directory);
  // The store: the event loop reads it, its writer thread changes it.
  const store = new LmdbStore(directory, identity.capacityBytes);
  // The array: pool content (cache, destage, reclaim), volumes and snapshots, jobs, events.
  const array = await openArray({
    pools: [{ directory, identity, store }],
    clock: systemClock,
    cacheBytes,
    readOnly,
    defaultOwner,
  });
  array.recordEvent('MOUNTED', '-', `store ${directory} at ${options.mountPoint}`);
  // The tree of files that a transport mounts.
  const tree = new ArrayTree(array);
  return { array, tree };
}
