/**
 * Opening a pool's intent log: what it holds of unpublished generations is published, then the log
 * is begun anew, so that nothing of an earlier mount is ever taken for a batch of this one. A pool of
 * an older layout becomes one of the newest.
 */
import type { Clock } from '../base/clock.js';
import type { BlockStore } from '../store/block-store.js';
import { loadCounters } from '../store/execute-task.js';
import { IntentLog } from '../store/intent-log.js';
import { recordKey } from '../store/keys.js';
import { unpackEntries } from '../store/log-entries.js';
import {
  heldGeneration,
  type LogRecord,
  nextLogRecord,
  packLogRecord,
  readLog,
  unpackLogRecord,
} from '../store/log-format.js';
import {
  type CountersRecord,
  LAYOUT_VERSION,
  packIdentity,
  unpackIdentity,
} from '../store/records.js';
import type { RecordChange } from '../store/tasks.js';
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
  let record: LogRecord;
  if (value === undefined) {
    record = await beginUnknown(store, tagSeed, newSalt(clock));
  } else {
    record = unpackLogRecord(value);
    const entries = readLog(store.log, tagSeed, record).flatMap(unpackEntries);
    await finishBeginning(store, tagSeed, record);
    await replay({ store, tagSeed, memory }, entries, loadCounters(store).publishedSequence);
  }
  const begun = nextLogRecord(record, newSalt(clock));
  await announce(store, begun);
  const log = new IntentLog(store.log, begun);
  await log.begin(tagSeed);
  return { log, counters: loadCounters(store) };
}

/**
 * A log that was announced and not begun gets its header before the next is announced: a header more
 * than one generation older than the record is that of a foreign log.
 */
async function finishBeginning(store: BlockStore, tagSeed: number, record: LogRecord) {
  if (heldGeneration(store.log)?.generation === record.generation) return;
  await new IntentLog(store.log, record).begin(tagSeed);
}

/**
 * A new pool, one of layout version 1 and one whose log was given up by a repair have no record. Their
 * log gets a header first: without one, a log that was announced and not begun would be a lost one.
 */
async function beginUnknown(store: BlockStore, tagSeed: number, salt: number): Promise<LogRecord> {
  const record = nextLogRecord(heldGeneration(store.log), salt);
  await new IntentLog(store.log, record).begin(tagSeed);
  return record;
}

/** From here on the store knows of the log, and is of the layout that has one. */
async function announce(store: BlockStore, record: LogRecord): Promise<void> {
  await store.run({
    kind: 'publish',
    sequence: loadCounters(store).publishedSequence + 1,
    steps: [],
    records: [{ key: recordKey('log'), value: packLogRecord(record) }, ...upgradedIdentity(store)],
    blocksAreDurable: false,
    discards: [],
  });
}

function upgradedIdentity(store: BlockStore): RecordChange[] {
  const key = recordKey('identity');
  const identity = unpackIdentity(store.get('records', key) ?? new Uint8Array(0));
  if (identity.layoutVersion === LAYOUT_VERSION) return [];
  return [{ key, value: packIdentity({ ...identity, layoutVersion: LAYOUT_VERSION }) }];
}

function newSalt(clock: Clock): number {
  return Buffer.from(clock.randomBytes(4)).readUInt32BE(0);
}

/** The log's record as it is to be stored with the publication of generation `sequence`. */
export function logRecord(log: IntentLog, sequence: number): RecordChange {
  return { key: recordKey('log'), value: packLogRecord(log.recordAt(sequence)) };
}
