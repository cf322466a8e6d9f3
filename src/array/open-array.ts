/** Opens the pools of an array and puts the array together. */
import type { Clock } from '../base/clock.js';
import { INDEX_BYTES_MAX } from '../base/limits.js';
import type { BlockStore } from '../store/block-store.js';
import { LAYOUT_VERSION, type PoolIdentityRecord } from '../store/records.js';
import { IndexBudget } from '../volume/block-index.js';
import { StorageArray, type StorageArrayOptions } from './array.js';
import { Pool } from './pool.js';

export interface OpenArrayOptions extends StorageArrayOptions {
  readonly directory: string;
  readonly identity: PoolIdentityRecord;
  readonly store: BlockStore;
  readonly clock: Clock;
  readonly cacheBytes: number;
}

export async function openArray(options: OpenArrayOptions): Promise<StorageArray> {
  const { directory, store, clock, cacheBytes, readOnly } = options;
  // Opening it brings a pool of an older layout to the newest.
  const identity = { ...options.identity, layoutVersion: LAYOUT_VERSION };
  // Damage and failures are reported to the array, which comes to be after its pool.
  let array: StorageArray | undefined;
  const pool = await Pool.open(directory, identity, store, {
    clock,
    cacheBytes,
    readOnly,
    indexBudget: new IndexBudget(INDEX_BYTES_MAX),
    onDamage: (view, block, reason) => array?.reportDamage(view, block, reason),
    onChange: () => array?.changed(),
    onFailure: (error) => array?.poolFailed(error),
  });
  array = new StorageArray(pool, options);
  return array;
}
