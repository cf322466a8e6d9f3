/** Opens the pools of an array and puts the array together. */
import { ArrayError, asArrayError } from '../base/errors.js';
import type { StoreReader } from '../store/block-store.js';
import { parseRecordKey, recordKey, recordKeyEnd } from '../store/keys.js';
import {
  type ForeignVolumeRecord,
  type Member,
  unpackForeignVolume,
  unpackReached,
} from '../store/member-records.js';
import { StorageArray, type StorageArrayOptions } from './array.js';
import type { FoundPools, MissingPool, PresentPool } from './find-pools.js';
import { Pool } from './pool.js';
import { beginMount } from './pool-commands.js';
import { PoolOpener, type PoolPlaces } from './pool-opener.js';
import { allDone } from './pools.js';

export interface OpenArrayOptions extends StorageArrayOptions {
  readonly found: FoundPools;
  readonly places: PoolPlaces;
  /** Bound of the write cache, which all pools share. */
  readonly cacheBytes: number;
}

export async function openArray(options: OpenArrayOptions): Promise<StorageArray> {
  const { found } = options;
  const opener = new PoolOpener(options);
  const pools = await openPools(opener, found);
  try {
    const array = new StorageArray(pools, opener, options);
    await beginMount(array, found.authority.members);
    array.ecopies.takeUp();
    return array;
  } catch (error) {
    await allDone(pools.map((pool) => pool.content.close())).catch(() => undefined);
    throw error;
  }
}

/** In the array's order. What cannot be opened is missing, unless nothing can: then the reason is thrown. */
async function openPools(opener: PoolOpener, { authority, pools }: FoundPools): Promise<Pool[]> {
  const entries: (Pool | MissingPool)[] = [];
  const opened: Pool[] = [];
  let failure: unknown;
  for (const entry of pools) {
    if ('problem' in entry) entries.push(entry);
    else {
      try {
        const pool = await openBeside(opened, entry, opener);
        opened.push(pool);
        entries.push(pool);
      } catch (error) {
        failure ??= error;
        const { reason: problem } = asArrayError(error);
        entries.push({ member: entry.member, problem, isUnseen: false });
      }
    }
  }
  const { poolUuid } = authority.identity;
  const source = opened.find((pool) => isOf(poolUuid, pool.identity)) ?? opened[0];
  if (source === undefined) throw failure ?? new ArrayError('EIO', 'no pool of the array is there');
  return Promise.all(
    entries.map((entry) => {
      if (entry instanceof Pool) return entry;
      const volumes = volumesOf(entry.member, source.store);
      const reached = reachedBy(entry.member, source.store);
      return opener.openMissing(entry, source.identity, { volumes, reached });
    }),
  );
}

/** EIO where another pool has one of its numbers. */
async function openBeside(
  others: readonly Pool[],
  { stored }: PresentPool,
  opener: PoolOpener,
): Promise<Pool> {
  const pool = await opener.open(stored);
  const numbers = new Set(others.length > 0 ? numbersIn(pool.store) : []);
  for (const other of others) {
    const twice = numbersIn(other.store).find((number) => numbers.has(number));
    if (twice === undefined) continue;
    await pool.content.close();
    opener.places.release(stored.directory);
    throw new ArrayError('EIO', `pool ${other.name} has a volume or snapshot ${twice}, too`);
  }
  return pool;
}

function numbersIn(store: StoreReader): number[] {
  return (['volume', 'snapshot'] as const).flatMap((kind) => {
    const records = [...store.range('records', recordKey(kind), recordKeyEnd(kind))];
    return records.map(({ key }) => parseRecordKey(key).first);
  });
}

/** What a pool that is there knows of a missing one's volumes. */
function volumesOf(member: Member, store: StoreReader): ForeignVolumeRecord[] {
  const start = recordKey('foreignVolume');
  const records = [...store.range('records', start, recordKeyEnd('foreignVolume'))];
  return records
    .map(({ value }) => unpackForeignVolume(value))
    .filter(({ poolUuid }) => isOf(member.uuid, { poolUuid }));
}

/** How far a pool that is there knows the missing one to have come. */
function reachedBy(member: Member, store: StoreReader): number {
  const record = store.get('records', recordKey('reached'));
  const reached = record ? unpackReached(record) : [];
  return reached.find(({ uuid }) => isOf(member.uuid, { poolUuid: uuid }))?.sequence ?? 0;
}

function isOf(uuid: Uint8Array, { poolUuid }: { readonly poolUuid: Uint8Array }): boolean {
  return Buffer.compare(uuid, poolUuid) === 0;
}
