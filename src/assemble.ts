/**
 * The map of the program: builds the daemon's stack bottom-up, store to file tree.
 */
import type { DiskArray, Owner } from './array/disk-array.js';
import { ArrayError } from './base/errors.js';
import type { FileTree } from './fuse/file-tree.js';

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

export async function assemble(_options: AssembleOptions): Promise<Assembly> {
  throw new ArrayError('ENODEV', 'being built');
}
