/**
 * Opens the pools of an array, those that are there and, as empty pools that cannot be changed, those that
 * are missing: so a missing pool's volumes can be shown, and whatever is asked of them is refused.
 */
import type { Clock } from '../base/clock.js';
import type { ArrayError } from '../base/errors.js';
import { CACHE_BYTES_MIN, INDEX_BYTES_MAX } from '../base/limits.js';
import type { BlockStore } from '../store/block-store.js';
import { packVolume } from '../store/copy-records.js';
import { recordKey } from '../store/keys.js';
import { MemoryLog } from '../store/log-device.js';
import type { ForeignVolumeRecord } from '../store/member-records.js';
import { MemoryStore } from '../store/memory-store.js';
import { type CreatePoolOptions, type StoredPool, writeIdentity } from '../store/pool-files.js';
import { LAYOUT_VERSION, type PoolIdentityRecord, packLineage } from '../store/records.js';
import { IndexBudget } from '../volume/block-index.js';
import type { VersionPlace } from '../volume/block-map.js';
import { CacheSlabs } from '../volume/cache-slabs.js';
import type { MissingPool } from './find-pools.js';
import { Pool } from './pool.js';
import type { Reached } from './reached.js';

/** The log of a pool that never logs anything. */
const NO_LOG_BYTES = 64 * 1024;

/** Where pools are: on disks; in memory in tests. */
export interface PoolPlaces {
  /** Opens the store of a pool that nobody else may have open. */
  open(pool: StoredPool): Promise<BlockStore>;
  /** Makes one more pool of the array that `first` is of; EINVAL, EEXIST where it cannot be there. */
  create(directory: string, options: CreatePoolOptions, first: PoolIdentityRecord): StoredPool;
  /** Nobody has the pool open any more. */
  release(directory: string): void;
}

/** Who is told of what happens to pools. */
export interface PoolListener {
  reportDamage(pool: Pool, place: VersionPlace, block: number, reason: string): void;
  poolFailed(pool: Pool, error: ArrayError | undefined): void;
  /** Which records go with a publication of a pool. */
  readonly membership: { readonly reached: Reached };
  changed(): void;
}

export interface PoolOpenerOptions {
  readonly clock: Clock;
  readonly readOnly: boolean;
  /** Bound of the write cache, which all pools share. */
  readonly cacheBytes: number;
  readonly places: PoolPlaces;
}

/** Of a missing pool. */
export interface KnownPool {
  readonly volumes: readonly ForeignVolumeRecord[];
  /** A generation that was published in it. */
  readonly reached: number;
}

export class PoolOpener {
  /** The array, which comes to be after its pools. */
  listener: PoolListener | undefined;
  private readonly indexBudget = new IndexBudget(INDEX_BYTES_MAX);
  private readonly slabs: CacheSlabs;

  constructor(private readonly options: PoolOpenerOptions) {
    this.slabs = new CacheSlabs(options.cacheBytes);
  }

  get places(): PoolPlaces {
    return this.options.places;
  }

  async open(stored: StoredPool): Promise<Pool> {
    const { clock, readOnly, places } = this.options;
    const store = await places.open(stored);
    // Opening it brings a pool of an older layout to the newest.
    const identity = { ...stored.identity, layoutVersion: LAYOUT_VERSION };
    try {
      const pool = await Pool.open(stored.directory, identity, store, {
        clock,
        slabs: this.slabs,
        readOnly,
        indexBudget: this.indexBudget,
        onDamage: (view, block, reason) => this.listener?.reportDamage(pool, view, block, reason),
        onChange: () => this.listener?.changed(),
        onFailure: (error) => this.listener?.poolFailed(pool, error),
        publishing: () => this.listener?.membership.reached.publishing(pool) ?? [],
      });
      if (stored.members !== undefined) pool.states = [stored.members.state];
      return pool;
    } catch (error) {
      await store.close();
      places.release(stored.directory);
      throw error;
    }
  }

  /** `known` is what a sibling knows of the pool. */
  async openMissing(
    { member, problem, isUnseen }: MissingPool,
    sibling: PoolIdentityRecord,
    known: KnownPool,
  ): Promise<Pool> {
    const { clock } = this.options;
    const identity = { ...sibling, poolUuid: member.uuid, poolName: member.name };
    const store = new MemoryStore(undefined, new MemoryLog(NO_LOG_BYTES));
    writeIdentity(store, identity);
    writeVolumes(store, known.volumes);
    const pool = await Pool.open(member.directory, identity, store, {
      clock,
      // Nothing is ever written to it.
      slabs: new CacheSlabs(CACHE_BYTES_MIN),
      readOnly: true,
      indexBudget: this.indexBudget,
      onDamage: () => {},
      onChange: () => {},
      onFailure: () => {},
    });
    pool.states = member.states;
    pool.lastReached = known.reached;
    pool.missing = problem;
    pool.isUnseen = isUnseen;
    return pool;
  }
}

/** Each with an empty lineage: of their content nothing is known. */
function writeVolumes(store: MemoryStore, volumes: readonly ForeignVolumeRecord[]): void {
  store.transaction((transaction) => {
    for (const [index, { poolUuid: _, ...volume }] of volumes.entries()) {
      const lineage = index + 1;
      const times = {
        accessedMs: volume.createdMs,
        modifiedMs: volume.createdMs,
        changedMs: volume.createdMs,
      };
      transaction.put(
        'records',
        recordKey('lineage', lineage),
        packLineage({ id: lineage, parent: 0, parentEpoch: 0 }),
      );
      transaction.put(
        'records',
        recordKey('volume', volume.number),
        packVolume({
          ...volume,
          ...times,
          lineage,
          epoch: 1,
          infoModified: false,
          info: undefined,
        }),
      );
    }
  });
}
