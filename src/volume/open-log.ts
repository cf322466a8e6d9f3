/**
 * Opening a pool's intent log: what it holds of unpublished generations is published, then the log
 * is begun anew, so that nothing of an earlier mount is ever taken for a batch of this one.
 */
import type { Clock } from '../base/clock.js';
import { newUuid } from '../base/uuid.js';
import type { BlockStore } from '../store/block-store.js';
import { loadCounters } from '../store/execute-task.js';
import {
  IntentLog,
  type LogRecord,
  nextLogRecord,
  packLogRecord,
  readLog,
  unpackLogRecord,
} from '../store/intent-log.js';
import { recordKey } from '../store/keys.js';
import { unpackEntries } from '../store/log-entries.js';
import type { CountersRecord } from '../store/records.js';
import type { CacheMemory } from './cache-memory.js';
import { replay } from './replay.js';

export interface OpenLogOptions {
  readonly store: BlockStore;
  readonly tagSeed: number;
  readonly clock: Clock;
}

/** EIO or EINVAL where the log is missing, damaged or not this pool's. */
export async function openLog(
  { store, tagSeed, clock }: OpenLogOptions,
  memory: CacheMemory,
): Promise<{ log: IntentLog; counters: CountersRecord }> {
  await store.run({ kind: 'recover' });
  const value = store.get('records', recordKey('log'));
  // A pool of layout version 1 has no log yet.
  const record = value && unpackLogRecord(value);
  if (record !== undefined) {
    const entries = readLog(store.log, tagSeed, record).flatMap(unpackEntries);
    await replay({ store, tagSeed, memory }, entries, loadCounters(store).publishedSequence);
  }
  const begun = await announce(store, clock, record);
  const log = new IntentLog(store.log, begun);
  await log.begin(tagSeed);
  return { log, counters: loadCounters(store) };
}

async function announce(
  store: BlockStore,
  clock: Clock,
  old: LogRecord | undefined,
): Promise<LogRecord> {
  const salt = Buffer.from(newUuid(clock)).readUInt32BE(0);
  const record = nextLogRecord(old, salt);
  await store.run({
    kind: 'publish',
    sequence: loadCounters(store).publishedSequence + 1,
    steps: [],
    records: [{ key: recordKey('log'), value: packLogRecord(record) }],
    blocksAreDurable: false,
    discards: [],
  });
  return record;
}
