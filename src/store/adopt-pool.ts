/**
 * Giving the copy of a store new identities, so that it can be mounted beside its original: the
 * array's, the pool's, and those of every volume and snapshot, also of what is only in the intent log
 * and takes effect at the next mount.
 */
import { type Clock, systemClock } from '../base/clock.js';
import { POOL_BYTES_MIN } from '../base/limits.js';
import { newUuid } from '../base/uuid.js';
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
  newIdentity,
  type PoolIdentity,
  publicIdentity,
  readIdentity,
  requirePool,
  withEnvironment,
} from './pool-files.js';
import { type PoolIdentityRecord, packIdentity } from './records.js';
import type { RecordChange } from './tasks.js';

/** EIO or EINVAL where the intent log is damaged or not the copy's. */
export function adoptPool(directory: string): PoolIdentity {
  requirePool(directory);
  return withEnvironment(directory, (environment) => {
    const { arrayUuid, arraySerial, poolUuid } = newIdentity(
      { capacityBytes: POOL_BYTES_MIN },
      systemClock,
    );
    const old = readIdentity(environment, directory);
    const renewal = new Renewal(systemClock);
    // Before the records: whoever is interrupted begins again, with other UUIDs.
    renewLog(directory, environment, old, renewal);
    const identity = { ...old, arrayUuid, arraySerial, poolUuid };
    environment.transaction((transaction) => {
      renewRecords(transaction, renewal);
      transaction.put('records', recordKey('identity'), packIdentity(identity));
    });
    return publicIdentity(identity);
  });
}

/** A UUID of its own for every volume and snapshot, the same wherever its record is. */
class Renewal {
  private readonly uuids = new Map<string, Uint8Array>();

  constructor(private readonly clock: Clock) {}

  /** The record with its new UUID, of the same length; others as they are. */
  renew({ key, value }: RecordChange): RecordChange {
    if (value === undefined) return { key, value };
    if (key[0] === RECORD_KIND.volume) {
      return { key, value: packVolume(this.withUuid(key, unpackVolume(value))) };
    }
    if (key[0] === RECORD_KIND.snapshot) {
      return { key, value: packSnapshot(this.withUuid(key, unpackSnapshot(value))) };
    }
    return { key, value };
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
  for (const kind of ['volume', 'snapshot'] as const) {
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
