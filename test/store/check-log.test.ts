/** The intent log as the check sees it: what a crash leaves in it, and logs that were lost or damaged. */
import { beforeEach, describe, expect, it } from 'vitest';
import { BLOCK_BYTES } from '../../src/base/sizes.js';
import { IntentLog } from '../../src/store/intent-log.js';
import { recordKey } from '../../src/store/keys.js';
import { unpackLogRecord } from '../../src/store/log-format.js';
import type { MemoryStore } from '../../src/store/memory-store.js';
import { ManualClock } from '../support/manual-clock.js';
import { newMemoryStore, openMemoryArray } from '../support/memory-array.js';
import { check, kinds } from './check-fixture.js';

/** The store of an array killed after `count` writes to `db` that were synced one by one. */
async function killedStore(count: number): Promise<MemoryStore> {
  const clock = new ManualClock();
  const store = newMemoryStore(clock);
  const array = await openMemoryArray(store, clock);
  await clock.drive(array.createVolume({ name: 'db', sizeBytes: 16 * BLOCK_BYTES }));
  await clock.drive(array.sync());
  const image = array.openImage(array.volume('db'), { write: true });
  for (let block = 0; block < count; block += 1) {
    image.write(block * BLOCK_BYTES, new Uint8Array(512).fill(1 + block));
    await image.sync();
  }
  return store.crash();
}

/** First byte of the first `count` blocks of `db` after the next mount. */
async function bytesOf(store: MemoryStore, count: number): Promise<number[]> {
  const clock = new ManualClock();
  const array = await openMemoryArray(store, clock);
  const image = array.openImage(array.volume('db'), { write: false });
  const found: number[] = [];
  for (let block = 0; block < count; block += 1) {
    const target = new Uint8Array(1);
    await image.read(block * BLOCK_BYTES, target);
    found.push(target[0] as number);
  }
  image.close();
  await clock.drive(array.close());
  return found;
}

describe('the check of an intent log', () => {
  let store: MemoryStore;
  beforeEach(async () => {
    store = await killedStore(3);
  });

  it('is clean after a crash and counts what the next mount applies', async () => {
    expect(await check(store, { repair: true })).toMatchObject({ findings: [], logBatches: 3 });
    expect(await bytesOf(store.crash(), 4)).toEqual([1, 2, 3, 0]);
  });

  it('counts nothing once that is published', async () => {
    await bytesOf(store, 1);
    expect(await check(store.crash())).toMatchObject({ findings: [], logBatches: 0 });
  });

  it('finds a log without a header, and a repair goes on without it', async () => {
    store.log.clear();
    const [finding] = (await check(store)).findings;
    expect(finding).toMatchObject({ kind: 'damaged log', subject: '-', repaired: false });
    expect(finding?.detail).toMatch(/writes confirmed since the last publish are lost$/);
    await expect(openMemoryArray(store.crash(), new ManualClock())).rejects.toMatchObject({
      code: 'EIO',
    });
    expect((await check(store, { repair: true })).findings).toMatchObject([{ repaired: true }]);
    expect(kinds(await check(store))).toEqual([]);
    expect(await bytesOf(store.crash(), 3)).toEqual([0, 0, 0]);
  });

  it('finds the log of another pool', async () => {
    const value = store.get('records', recordKey('log')) as Uint8Array;
    await new IntentLog(store.log, unpackLogRecord(value)).begin(12_345);
    expect(kinds(await check(store))).toEqual(['damaged log -']);
    await check(store, { repair: true });
    expect([kinds(await check(store)), await bytesOf(store.crash(), 1)]).toEqual([[], [0]]);
  });

  it('finds a damaged record of the log', async () => {
    const value = new Uint8Array(store.get('records', recordKey('log')) as Uint8Array);
    value[3] = (value[3] as number) ^ 1;
    store.transaction((transaction) => transaction.put('records', recordKey('log'), value));
    expect(kinds(await check(store, { repair: true }))).toEqual(['damaged log -']);
    expect([kinds(await check(store)), await bytesOf(store.crash(), 1)]).toEqual([[], [0]]);
  });

  it('keeps the log where the counters are damaged', async () => {
    const key = recordKey('counters');
    store.transaction((transaction) => transaction.put('records', key, Uint8Array.of(1)));
    const report = await check(store);
    expect(kinds(report)).toContain('damaged record -');
    expect([kinds(report).includes('damaged log -'), report.logBatches]).toEqual([false, 3]);
  });
});
