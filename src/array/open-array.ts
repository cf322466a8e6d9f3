/** Opens the pools of an array and puts the array together. */
import { CACHE_BYTES_MIN, INDEX_BYTES_MAX } from '../base/limits.js';
import type { BlockStore } from '../store/block-store.js';
import { LAYOUT_VERSION, type PoolIdentityRecord } from '../store/records.js';
import { IndexBudget } from '../volume/block-index.js';
import { StorageArray, type StorageArrayOptions } from './array.js';
import { Pool } from './pool.js';

/** A pool to be opened. */
export interface PoolSource {
  readonly directory: string;
  readonly identity: PoolIdentityRecord;
  readonly store: BlockStore;
}

export interface OpenArrayOptions extends StorageArrayOptions {
  /** In the array's order: the first is the home of jobs and events. */
  readonly pools: readonly PoolSource[];
  /** For the write caches of all pools. */
  readonly cacheBytes: number;
}

export async function openArray(options: OpenArrayOptions): Promise<StorageArray> {
  const { clock, readOnly } = options;
  const indexBudget = new IndexBudget(INDEX_BYTES_MAX);
  const cacheBytes = Math.max(CACHE_BYTES_MIN, options.cacheBytes / options.pools.length);
  // Damage and failures are reported to the array, which comes to be after its pools.
  let array: StorageArray | undefined;
  const pools: Pool[] = [];
  for (const { directory, identity, store } of options.pools) {
    const pool = await Pool.open(
      directory,
      // Opening it brings a pool of an older layout to the newest.
      { ...identity, layoutVersion: LAYOUT_VERSION },
      store,
      {
        clock,
        cacheBytes,
        readOnly,
        indexBudget,
        onDamage: (view, block, reason) => array?.reportDamage(pool, view, block, reason),
        onChange: () => array?.changed(),
        onFailure: (error) => array?.poolFailed(pool, error),
      },
    );
    pools.push(pool);
  }
  array = new StorageArray(pools, options);
  return array;
}
