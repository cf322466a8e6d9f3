/** Pools as users of the array see them: part of the contract in disk-array.ts. */
import type { BlockContainerKind } from '../store/container-kind.js';

export interface PoolView {
  readonly name: string;
  readonly directory: string;
  readonly state: 'normal' | 'degraded' | 'failed' | 'missing';
  /** Why it is not normal. */
  readonly problem: string | undefined;
  /** Undefined of a missing pool, whose numbers are all 0. */
  readonly blockContainer: BlockContainerKind | undefined;
  readonly capacityBytes: number;
  /** What the stored blocks take, at real disk cost. */
  readonly usedBytes: number;
  /** What can still be written: the least of the capacity and of the host's disk. */
  readonly freeBytes: number;
  readonly storedBlocks: number;
  /** Deletions whose space has not been given back yet. */
  readonly reclaimsPending: number;
}

export interface AddPoolOptions {
  readonly name: string;
  /** Absolute; new or empty. */
  readonly directory: string;
  /** That of the home pool unless said otherwise. */
  readonly capacityBytes?: number;
  readonly blocks?: BlockContainerKind;
}

export interface PoolCommands {
  /** In the order in which they were added. */
  pools(): readonly PoolView[];
  /** EEXIST for a name in use, EINVAL for a directory that cannot be a pool of this array. */
  addPool(options: AddPoolOptions): Promise<PoolView>;
  /** EBUSY with volumes, for the last pool, and for a missing one unless forced: that is given up. */
  removePool(name: string, options: { force: boolean }): Promise<PoolView>;
}
