/**
 * The map of the program: builds the daemon's stack bottom-up, store to file tree.
 */
import { devicePreparer } from './array/device-preparer.js';
import type { DiskArray, Owner } from './array/disk-array.js';
import { DiskPools, findDiskPools } from './array/disk-pools.js';
import { MicroprocessorPool } from './array/microprocessor-pool.js';
import { openArray } from './array/open-array.js';
import { systemClock } from './base/clock.js';
import { ArrayTree } from './fuse/array-tree.js';
import type { FileTree } from './fuse/file-tree.js';

export interface AssembleOptions {
  /** Directory of the first pool, made by `arrayfs init`. */
  readonly storeDirectory: string;
  /** Where the array will be mounted: no path of the array may lie on it. */
  readonly mountPoint: string;
  readonly readOnly: boolean;
  readonly cacheBytes: number;
  readonly defaultOwner: Owner;
  /** Absolute directories of pools that are not where they were. */
  readonly poolDirectories: readonly string[];
  /** Names of pools to mount the array without. */
  readonly without: readonly string[];
  /** Users may set faults. */
  readonly allowFaults: boolean;
}

export interface Assembly {
  readonly array: DiskArray;
  readonly tree: FileTree;
  /** What the user should know. */
  readonly notices: readonly string[];
}

export async function assemble(options: AssembleOptions): Promise<Assembly> {
  const { storeDirectory, mountPoint, readOnly, cacheBytes, defaultOwner, allowFaults } = options;
  // Which pools there are: a foreign directory or a newer layout ends here.
  const found = findDiskPools(options);
  // Their stores: the event loop reads them, the writer thread of each changes it.
  const places = new DiskPools(storeDirectory, mountPoint);
  // The array: pool content (cache, destage, reclaim), volumes and snapshots, jobs, events.
  const array = await openArray({
    found,
    places,
    clock: systemClock,
    cacheBytes,
    readOnly,
    defaultOwner,
    allowFaults,
    // Backup devices are reached by microprocessors, threads of their own.
    backupPath: (parts) => new MicroprocessorPool(parts),
    prepareDevice: devicePreparer(mountPoint, systemClock),
  });
  array.recordEvent('MOUNTED', '-', `store ${storeDirectory} at ${mountPoint}`);
  // The tree of files that a transport mounts.
  const tree = new ArrayTree(array);
  return { array, tree, notices: [...found.unread, ...missingPools(array)] };
}

function missingPools(array: DiskArray): string[] {
  const missing = array.pools().filter(({ state }) => state === 'missing');
  return missing.map(({ name, problem }) => `pool ${name} is missing: ${problem}`);
}
