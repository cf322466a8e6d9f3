/** A sound store has no findings, whatever was done with the array and whenever it was killed. */
import { describe, expect, it } from 'vitest';
import { BLOCK_BYTES } from '../../src/base/sizes.js';
import { ManualClock } from '../support/manual-clock.js';
import { newMemoryStore, openMemoryArray } from '../support/memory-array.js';
import { check, close, closedHistory, fill, history, settle } from './check-fixture.js';

describe('checkStore on a sound store', () => {
  it('finds nothing in a store that holds no volume yet', async () => {
    const report = await check(newMemoryStore(new ManualClock()));
    expect(report).toEqual({
      findings: [],
      blocksChecked: 0,
      bytesChecked: 0,
      volumes: 0,
      snapshots: 0,
      logBatches: 0,
    });
  });

  it('counts what it looked at', async () => {
    const report = await check(await closedHistory());
    expect(report).toEqual({
      findings: [],
      blocksChecked: 21,
      bytesChecked: 21 * BLOCK_BYTES,
      volumes: 2,
      snapshots: 2,
      logBatches: 0,
    });
  });

  it('finds the same with many small windows', async () => {
    const store = await closedHistory();
    for (const windowBlocks of [1, 2, 5, 21]) {
      expect(await check(store, { windowBlocks })).toEqual(await check(store));
    }
  });

  it('finds nothing after restores, shrinks and deletions', async () => {
    const { array, store, clock } = await history();
    const look = async (): Promise<void> => {
      expect((await check(store.crash())).findings).toEqual([]);
      await settle(array, clock);
      expect((await check(store.crash())).findings).toEqual([]);
    };
    await array.resizeVolume('db', 6 * BLOCK_BYTES, { force: false });
    await look();
    await array.resizeVolume('db', 20 * BLOCK_BYTES, { force: false });
    fill(array, 'db', 5, 3, 9);
    await look();
    await array.restore('db', 'a', { force: false });
    fill(array, 'db', 1, 2, 7);
    await look();
    await array.resizeVolume('copy', 3 * BLOCK_BYTES, { force: false });
    await look();
    await array.deleteSnapshot('db', 'a', { force: false });
    await look();
    await array.deleteVolume('db', { snapshots: true });
    await look();
    await array.deleteVolume('copy', { snapshots: false });
    await look();
    await close(array, clock);
    const report = await check(store.crash());
    expect(report.findings).toEqual([]);
    expect(report.blocksChecked).toBe(0);
  });

  it('finds nothing where an overwrite follows the deletion of a snapshot', async () => {
    const { array, store, clock } = await history();
    await array.deleteSnapshot('db', 'b', { force: false });
    await settle(array, clock);
    fill(array, 'db', 0, 16, 5);
    await settle(array, clock);
    expect((await check(store.crash())).findings).toEqual([]);
    await close(array, clock);
  });

  it('finds nothing after a deep chain of restores was merged', async () => {
    const clock = new ManualClock();
    const store = newMemoryStore(clock);
    const array = await openMemoryArray(store, clock);
    await array.createVolume({ name: 'db', sizeBytes: 16 * BLOCK_BYTES });
    fill(array, 'db', 0, 16, 1);
    for (let round = 0; round < 14; round += 1) {
      await array.takeSnapshots(['db'], { name: `s${round}` });
      fill(array, 'db', round, 2, 10 + round);
      await array.restore('db', `s${round}`, { force: false });
      fill(array, 'db', 1 + (round % 3), 2, 40 + round);
      await settle(array, clock);
      expect((await check(store.crash())).findings).toEqual([]);
    }
    await close(array, clock);
  });
});
