/**
 * Giving the copy of a store, of one pool or of several, new identities, so that it can be mounted beside
 * its original: the array's, the pools', and those of every volume and snapshot, also of what is only in an
 * intent log and takes effect at the next mount.
 */
import { type Clock, systemClock } from '../base/clock.js';
import { ArrayError } from '../base/errors.js';
import { POOL_BYTES_MIN } from '../base/limits.js';
import { newUuid, uuidText } from '../base/uuid.js';
import type { StoreReader, StoreTransaction } from './block-store.js';
import {
  type CopyRecord,
  packSnapshot,
  packVolume,
  unpackSnapshot,
  unpackVolume,
} from './copy-records.js';
import { FileLog, patchLogFile } from './file-log.js';
import { parseRecordKey, RECORD_KIND, recordKey, recordKeyEnd } from './keys.js';
import { type LogEntry, packEntries, unpackEntries } from './log-entries.js';
import { packBatch, readBatches, unpackLogRecord } from './log-format.js';
import {
  type MembersRecord,
  packForeignVolume,
  packMembers,
  packReached,
  unpackForeignVolume,
  unpackMembers,
  unpackReached,
} from './member-records.js';
import { type PairSideRecord, packPair, unpackPair } from './pair-records.js';
import {
  loadPool,
  newIdentity,
  type PoolIdentity,
  publicIdentity,
  readIdentity,
  type StoredPool,
  withEnvironment,
} from './pool-files.js';
import { type PoolIdentityRecord, packIdentity } from './records.js';
import type { RecordChange } from './tasks.js';

/**
 * All pools of one array. EINVAL where some are not given, EIO or EINVAL where an intent log is damaged or
 * not the copy's.
 */
export function adoptPools(directories: readonly string[]): PoolIdentity[] {
  const pools = directories.map(loadPool);
  checkComplete(pools);
  const fresh = newIdentity({ capacityBytes: POOL_BYTES_MIN }, systemClock);
  const places = new Map<string, NewPlace>();
  for (const { directory, identity } of pools) {
    places.set(identity.poolName, { directory, uuid: newUuid(systemClock) });
  }
  return pools.map((pool) => adoptPool(pool, fresh, places));
}

/** Where a pool is now, and what it is called from now on. */
interface NewPlace {
  readonly directory: string;
  readonly uuid: Uint8Array;
}

type PoolName = Pick<PoolIdentityRecord, 'poolUuid' | 'poolName'>;

function membersOf(record: MembersRecord | undefined): PoolName[] {
  return (record?.members ?? []).map(({ uuid, name }) => ({ poolUuid: uuid, poolName: name }));
}

/** By name: an interrupted adoption has changed the UUIDs of some. */
function checkComplete(pools: readonly StoredPool[]): void {
  const given = pools.map(({ identity }) => identity.poolName);
  for (const { directory, identity, members } of pools) {
    const names = members?.members.map(({ name }) => name) ?? [];
    const expected = names.length > 0 ? names : [identity.poolName];
    const absent = expected.find((name) => !given.includes(name));
    if (absent !== undefined) {
      const reason = `pool ${identity.poolName} in ${directory} is one of several: name the directory of pool ${absent}, too`;
      throw new ArrayError('EINVAL', reason);
    }
    const foreign = given.find((name) => !expected.includes(name));
    if (foreign === undefined && new Set(given).size === given.length) continue;
    throw new ArrayError('EINVAL', 'the directories hold pools of several arrays');
  }
}

function adoptPool(
  { directory, members }: StoredPool,
  fresh: PoolIdentityRecord,
  places: ReadonlyMap<string, NewPlace>,
): PoolIdentity {
  return withEnvironment(directory, (environment) => {
    const { arrayUuid, arraySerial } = fresh;
    const old = readIdentity(environment, directory);
    const poolUuid = places.get(old.poolName)?.uuid ?? fresh.poolUuid;
    const renewal = new Renewal(systemClock, [old, ...membersOf(members)], places);
    // Before the records: whoever is interrupted begins again, with other UUIDs.
    renewLog(directory, environment, old, renewal);
    const identity = { ...old, arrayUuid, arraySerial, poolUuid };
    environment.transaction((transaction) => {
      renewRecords(transaction, renewal);
      if (members !== undefined) {
        const moved = packMembers(renewal.members(members, true));
        transaction.put('records', recordKey('members'), moved);
      }
      transaction.put('records', recordKey('identity'), packIdentity(identity));
    });
    return publicIdentity(identity);
  });
}

/** A UUID of its own for every pool, volume and snapshot, the same wherever its record is. */
class Renewal {
  private readonly uuids = new Map<string, Uint8Array>();
  /** New UUIDs of pools by old ones, as text. */
  private readonly pools = new Map<string, Uint8Array>();

  constructor(
    private readonly clock: Clock,
    known: readonly PoolName[],
    private readonly places: ReadonlyMap<string, NewPlace>,
  ) {
    for (const { poolUuid, poolName } of known) {
      this.pools.set(uuidText(poolUuid), places.get(poolName)?.uuid ?? poolUuid);
    }
  }

  /** The log has only room for a record of the same length: without the new directories. */
  members(record: MembersRecord, withDirectories: boolean): MembersRecord {
    const members = record.members.map((member) => {
      const place = this.places.get(member.name);
      const directory = (withDirectories ? place?.directory : undefined) ?? member.directory;
      return { ...member, directory, uuid: place?.uuid ?? member.uuid };
    });
    return { ...record, members };
  }

  /** The record with its new UUID, of the same length; others as they are. */
  renew({ key, value }: RecordChange): RecordChange {
    if (value === undefined) return { key, value };
    if (key[0] === RECORD_KIND.volume) {
      return { key, value: packVolume(this.withUuid(key, unpackVolume(value))) };
    }
    if (key[0] === RECORD_KIND.snapshot) {
      return { key, value: packSnapshot(this.withUuid(key, unpackSnapshot(value))) };
    }
    if (key[0] === RECORD_KIND.members) {
      return { key, value: packMembers(this.members(unpackMembers(value), false)) };
    }
    if (key[0] === RECORD_KIND.reached) {
      const pools = unpackReached(value).map(({ uuid, sequence }) => {
        return { uuid: this.poolUuid(uuid), sequence };
      });
      return { key, value: packReached(pools) };
    }
    if (key[0] === RECORD_KIND.pair) {
      const pair = unpackPair(value);
      const side = (of: PairSideRecord) => ({ ...of, poolUuid: this.poolUuid(of.poolUuid) });
      const [primary, secondary] = [side(pair.primary), side(pair.secondary)];
      return { key, value: packPair({ ...pair, primary, secondary }) };
    }
    if (key[0] === RECORD_KIND.foreignVolume) {
      const volume = unpackForeignVolume(value);
      const poolUuid = this.poolUuid(volume.poolUuid);
      return { key, value: packForeignVolume({ ...volume, poolUuid }) };
    }
    return { key, value };
  }

  private poolUuid(old: Uint8Array): Uint8Array {
    return this.pools.get(uuidText(old)) ?? old;
  }

  private withUuid<T extends CopyRecord>(key: Uint8Array, copy: T): T {
    const name = `${key[0]}/${parseRecordKey(key).first}`;
    const uuid = this.uuids.get(name) ?? newUuid(this.clock);
    this.uuids.set(name, uuid);
    return { ...copy, uuid };
  }
}

function renewRecords(transaction: StoreTransaction, renewal: Renewal): void {
  const found: RecordChange[] = [];
  for (const kind of ['volume', 'snapshot', 'foreignVolume', 'reached', 'pair'] as const) {
    const range = transaction.range('records', recordKey(kind), recordKeyEnd(kind));
    for (const { key, value } of range) {
      found.push({ key: new Uint8Array(key), value: new Uint8Array(value) });
    }
  }
  for (const { key, value } of found.map((record) => renewal.renew(record))) {
    if (value !== undefined) transaction.put('records', key, value);
  }
}

/** Writes the batches that are not applied yet anew, each in its place. */
function renewLog(
  directory: string,
  reader: StoreReader,
  { tagSeed, capacityBytes }: PoolIdentityRecord,
  renewal: Renewal,
): void {
  const value = reader.get('records', recordKey('log'));
  if (value === undefined) return;
  const record = unpackLogRecord(value);
  const log = new FileLog(directory, capacityBytes);
  try {
    const batches = readBatches(log, tagSeed, record);
    const patches = batches.map(({ position, number, payload }) => {
      const entries = unpackEntries(payload).map((entry) => renewEntry(entry, renewal));
      const renewed = packEntries(entries, payload.length);
      return { position, bytes: packBatch([renewed], renewed.length, number, record.salt) };
    });
    if (patches.length > 0) patchLogFile(directory, patches);
  } finally {
    void log.close();
  }
}

function renewEntry(entry: LogEntry, renewal: Renewal): LogEntry {
  return entry.kind === 'record' ? { ...entry, change: renewal.renew(entry.change) } : entry;
}
