/** A change log over a write cache and a log in memory, and what is in that log. */
import { LOGGED_BYTES_MAX } from '../../src/base/limits.js';
import { BLOCK_BYTES } from '../../src/base/sizes.js';
import { IntentLog } from '../../src/store/intent-log.js';
import { recordKey } from '../../src/store/keys.js';
import { MemoryLog } from '../../src/store/log-device.js';
import { type LogEntry, unpackEntries } from '../../src/store/log-entries.js';
import { nextLogRecord, readLog } from '../../src/store/log-format.js';
import { CacheMemory } from '../../src/volume/cache-memory.js';
import { CacheSlabs } from '../../src/volume/cache-slabs.js';
import { ChangeLog, type LoggedVolume } from '../../src/volume/change-log.js';
import type { RecordSource } from '../../src/volume/record-source.js';
import { WriteCache } from '../../src/volume/write-cache.js';
import { full, newLineage } from './write-cache-fixture.js';

const RECORD = nextLogRecord(undefined, 5);
const CACHE_BLOCKS = 512;

/** A record of one byte. */
export function source(number: number, byte = number): RecordSource {
  return { recordKey: recordKey('job', number), packRecord: () => Uint8Array.of(byte) };
}

export class LoggedCache {
  readonly device = new MemoryLog(2 * LOGGED_BYTES_MAX);
  readonly log = new IntentLog(this.device, RECORD);
  readonly lineage = newLineage(1);
  readonly cache: WriteCache;
  readonly changes: ChangeLog;
  published = 0;
  /** Ids of stored blocks that are damaged. */
  readonly damaged = new Set<number>();

  private constructor() {
    const memory = new CacheMemory(new CacheSlabs(CACHE_BLOCKS * BLOCK_BYTES), () => {});
    this.cache = new WriteCache(memory, CACHE_BLOCKS * BLOCK_BYTES, 0, ({ id }) => full(id));
    this.changes = new ChangeLog(this.cache, this.log, {
      viewBefore: () => 3,
      readStored: ({ id }) => (this.damaged.has(id) ? undefined : full(id)),
      publishedSequence: () => this.published,
    });
  }

  static async open(): Promise<LoggedCache> {
    const logged = new LoggedCache();
    await logged.log.begin(1);
    return logged;
  }

  volume(lineage = this.lineage, record = source(900)): LoggedVolume {
    return { lineage, source: record };
  }

  /** Entries of each batch in the log. */
  batches(): LogEntry[][] {
    return readLog(this.device, 1, RECORD).map(unpackEntries);
  }

  /** The same, each entry in a line without its bytes. */
  lines(): string[][] {
    return this.batches().map((entries) => entries.map(line));
  }
}

function line(entry: LogEntry): string {
  if (entry.kind === 'record') return `record ${Buffer.from(entry.change.key).readUIntBE(1, 6)}`;
  if (entry.kind === 'usage') return `usage ${entry.step.lineage}`;
  if (entry.kind === 'clip') return `clip ${entry.step.lineage}@${entry.step.epoch}`;
  const blocks = entry.blocks.map(({ block, sectors: mask }) => `${block}/${mask.toString(16)}`);
  return `layer ${entry.place.lineage}@${entry.place.epoch} ${blocks.join(' ')}`;
}
