/** Opening the intent log of a pool: new, of an older layout, after a crash, lost, or of another pool. */
import { beforeEach, describe, expect, it } from 'vitest';
import { ArrayError } from '../../src/base/errors.js';
import { CACHE_BYTES_MIN } from '../../src/base/limits.js';
import { loadCounters } from '../../src/store/execute-task.js';
import type { IntentLog } from '../../src/store/intent-log.js';
import { recordKey } from '../../src/store/keys.js';
import { packEntries } from '../../src/store/log-entries.js';
import {
  heldGeneration,
  type LogRecord,
  readLog,
  unpackLogRecord,
} from '../../src/store/log-format.js';
import type { MemoryStore } from '../../src/store/memory-store.js';
import { writeIdentity } from '../../src/store/pool-files.js';
import { LAYOUT_VERSION, unpackIdentity } from '../../src/store/records.js';
import { CacheMemory } from '../../src/volume/cache-memory.js';
import { CacheSlabs } from '../../src/volume/cache-slabs.js';
import { openLog } from '../../src/volume/open-log.js';
import { ManualClock } from '../support/manual-clock.js';
import { newMemoryStore } from '../support/memory-array.js';
import { layerEntry, lineageEntry, ReplayPool, written } from './replay-fixture.js';

let clock: ManualClock;
let store: MemoryStore;
beforeEach(() => {
  clock = new ManualClock();
  store = newMemoryStore(clock);
});

const identityOf = (of: MemoryStore) =>
  unpackIdentity(of.get('records', recordKey('identity')) as Uint8Array);

function recordOf(of: MemoryStore): LogRecord {
  return unpackLogRecord(of.get('records', recordKey('log')) as Uint8Array);
}

async function open(of: MemoryStore): Promise<IntentLog> {
  const memory = new CacheMemory(new CacheSlabs(CACHE_BYTES_MIN), (slab) => of.shareSlab(slab));
  const { tagSeed } = identityOf(of);
  return (await openLog({ store: of, tagSeed, clock }, memory)).log;
}

/** Appends a write of `byte` to block 0 of lineage 1, in generation `sequence`. */
function appendWrite(log: IntentLog, sequence: number, byte: number): Promise<void> {
  const entries = [lineageEntry(sequence, 1), layerEntry(sequence, 1, [1, 1], written(0, byte))];
  return log.append(packEntries(entries, 64), sequence);
}

/** First byte of block 0. */
const byteOf = (of: MemoryStore) => new ReplayPool(of).ends(1, 1, 0)[0]?.[0];

/** What it was before layouts had a log. */
function makeVersion1(): void {
  writeIdentity(store, { ...identityOf(store), layoutVersion: 1 });
}

describe('openLog', () => {
  it.each<[string, () => void]>([
    ['a new pool', () => {}],
    ['a pool of layout version 1', makeVersion1],
  ])('begins the log of %s, and says so in the store', async (_what, prepare) => {
    prepare();
    await open(store);
    expect(identityOf(store).layoutVersion).toBe(LAYOUT_VERSION);
    const record = recordOf(store);
    expect(heldGeneration(store.log)).toMatchObject({ generation: record.generation });
    expect(readLog(store.log, identityOf(store).tagSeed, record)).toEqual([]);
  });

  it('keeps everything else of an upgraded identity', async () => {
    const before = identityOf(store);
    makeVersion1();
    await open(store);
    expect(identityOf(store)).toEqual({ ...before, layoutVersion: LAYOUT_VERSION });
  });

  it('publishes what a crash left in the log, once', async () => {
    const log = await open(store);
    const { publishedSequence } = loadCounters(store);
    await appendWrite(log, publishedSequence + 1, 7);
    const crashed = store.crash();
    await open(crashed);
    expect([byteOf(crashed), loadCounters(crashed).publishedSequence]).toEqual([
      7,
      publishedSequence + 2,
    ]);
    const again = crashed.crash();
    await open(again);
    expect([byteOf(again), loadCounters(again).storedBlocks]).toEqual([7, 1]);
  });

  it('takes nothing of an earlier mount for its own', async () => {
    let log = await open(store);
    for (let mount = 1; mount <= 6; mount += 1) {
      const sequence = loadCounters(store).publishedSequence + 1;
      await appendWrite(log, sequence, mount);
      if (mount % 2 === 0) await appendWrite(log, sequence, 100 + mount);
      store = store.crash();
      log = await open(store);
      expect(byteOf(store)).toBe(mount % 2 === 0 ? 100 + mount : mount);
      expect(readLog(store.log, identityOf(store).tagSeed, recordOf(store))).toEqual([]);
    }
  });

  it.each<[string, () => void]>([
    ['new', () => {}],
    ['of layout version 1', makeVersion1],
  ])(
    'opens a pool that is %s after a crash at any step of its first opening',
    async (_, prepare) => {
      prepare();
      await expectSameAfterCrashes();
    },
  );

  it('loses nothing by a crash at any step of a later opening', async () => {
    const log = await open(store);
    await appendWrite(log, loadCounters(store).publishedSequence + 1, 9);
    await expectSameAfterCrashes();
    const last = store.crash();
    await open(last);
    expect(byteOf(last)).toBe(9);
  });

  it('refuses a log that was lost, is damaged, or belongs to another pool or state', async () => {
    const log = await open(store);
    await appendWrite(log, loadCounters(store).publishedSequence + 1, 9);
    const older = store.crash();
    await open(store.crash());
    const lost = store.crash();
    lost.log.clear();
    await expect(open(lost)).rejects.toMatchObject({ code: 'EIO' });
    await expect(open(lost.crash())).rejects.toMatchObject({ code: 'EIO' });
    const foreign = newMemoryStore(new ManualClock(), 2 ** 30);
    writeIdentity(foreign, { ...identityOf(foreign), tagSeed: 1 });
    await open(foreign);
    await copyLog(foreign, older);
    await expect(open(older)).rejects.toMatchObject({ code: 'EINVAL' });
  });

  it('refuses the log of a later mount', async () => {
    await open(store);
    const older = store.crash();
    const newer = store.crash();
    await open(newer);
    await copyLog(newer, older);
    await expect(open(older)).rejects.toMatchObject({
      code: 'EINVAL',
      reason: expect.stringContaining('another state'),
    });
  });
});

async function copyLog(from: MemoryStore, to: MemoryStore): Promise<void> {
  await to.log.write(0, from.log.read(0, from.log.sizeBytes));
}

/** Kills the opening of copies of `store` after each transaction and each write to the log. */
async function expectSameAfterCrashes(): Promise<void> {
  let [killed, isDone] = [0, false];
  for (; !isDone; killed += 1) {
    const attempt = store.crash();
    failWritesAfter(attempt, killed);
    isDone = await open(attempt).then(
      () => true,
      () => false,
    );
    const again = attempt.crash();
    await open(again);
    expect(identityOf(again).layoutVersion).toBe(LAYOUT_VERSION);
    const third = again.crash();
    await open(third);
    if (recordCount(store) > 0) expect(byteOf(third)).toBe(9);
  }
  expect(killed).toBeGreaterThan(3);
}

function recordCount(of: MemoryStore): number {
  return of.get('records', recordKey('log')) === undefined ? 0 : 1;
}

/** Counts transactions and writes to the log together; after `count` of them all fail. */
function failWritesAfter(of: MemoryStore, count: number): void {
  let left = count;
  const spend = () => {
    if (left === 0) throw new ArrayError('EIO', 'killed');
    left -= 1;
  };
  const transaction = of.transaction.bind(of);
  of.transaction = (action) => {
    spend();
    return transaction(action);
  };
  const write = of.log.write.bind(of.log);
  of.log.write = async (position, bytes) => {
    spend();
    await write(position, bytes);
  };
}
