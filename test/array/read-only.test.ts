/** An array mounted read-only: everything can be read, and nothing is written, whatever the pool holds. */

import { beforeEach, describe, expect, it } from 'vitest';
import type { StorageArray } from '../../src/array/array.js';
import { openArray } from '../../src/array/open-array.js';
import { CACHE_BYTES_MIN } from '../../src/base/limits.js';
import { recordKey } from '../../src/store/keys.js';
import type { MemoryStore } from '../../src/store/memory-store.js';
import { onePool } from '../support/memory-array.js';
import { ArrayFixture } from './array-fixture.js';

const FREE = { force: false };

let fixture: ArrayFixture;
let store: MemoryStore;
beforeEach(async () => {
  fixture = await ArrayFixture.open();
  await fixture.create(4, 'db', 'gone');
  await fixture.fill('db', 0, 1, 4);
  await fixture.array.takeSnapshots(['db'], { name: 's' });
  await fixture.fill('db', 0, 2, 2);
  await fixture.array.sync();
});

/** Opens what a kill leaves, read-only. */
async function openReadOnly(): Promise<StorageArray> {
  store = fixture.store.crash();
  return openArray({
    ...onePool('memory', store),
    clock: fixture.clock,
    cacheBytes: CACHE_BYTES_MIN,
    readOnly: true,
    defaultOwner: { uid: 0, gid: 0, mode: 0o600 },
  });
}

/** Everything that is stored, but for what opening the intent log changes. */
function stored(from: MemoryStore): unknown {
  const ofLog = [recordKey('log'), recordKey('counters')];
  const tables = (['records', 'map', 'born', 'share'] as const).map((table) => {
    const all = [...from.range(table, new Uint8Array(1), new Uint8Array(16).fill(255))];
    const entries = all.filter(({ key }) => ofLog.every((own) => Buffer.compare(own, key) !== 0));
    return entries.map(({ key, value }) => [
      Buffer.from(key).toString('hex'),
      Buffer.from(value).toString('hex'),
    ]);
  });
  return [tables, [...from.blocks.ids(1)]];
}

describe('an array mounted read-only', () => {
  it('shows volumes, snapshots and events', async () => {
    const array = await openReadOnly();
    fixture.array = array;
    expect([fixture.bytes('db'), fixture.bytes('db@s')]).toEqual([
      [2, 2, 1, 1],
      [1, 1, 1, 1],
    ]);
    expect(array.recentEvents(9).map(({ code }) => code)).toEqual([
      'CREATED',
      'CREATED',
      'SNAPSHOT',
    ]);
  });

  it.each<[string, (array: StorageArray) => unknown]>([
    ['create', (array) => array.createVolume({ name: 'x', sizeBytes: 512 })],
    ['resize', (array) => array.resizeVolume('db', 512, FREE)],
    ['rename', (array) => array.renameVolume('db', 'x')],
    ['delete', (array) => array.deleteVolume('gone', { snapshots: false })],
    ['snapshot', (array) => array.takeSnapshots(['db'], {})],
    ['delete a snapshot', (array) => array.deleteSnapshot('db', 's', FREE)],
    ['restore', (array) => array.restore('db', 's', FREE)],
    ['clone', (array) => array.clone('db', 's', 'x', {})],
    ['label', (array) => array.setLabel(array.volume('db'), 'x')],
    ['chmod', (array) => array.setOwnership(array.volume('db'), { mode: 0 })],
    ['information', (array) => array.setInfo(array.volume('db'), undefined)],
    ['scrub', (array) => array.scrub('all')],
    ['opening to write', (array) => array.openImage(array.volume('db'), { write: true })],
  ])('refuses %s with EROFS', async (_what, action) => {
    const array = await openReadOnly();
    expect(await fixture.refusal(() => action(array))).toBe('EROFS');
  });

  it('changes nothing, from mounting to closing', async () => {
    // A running job and a reclaim would be something to do.
    await fixture.array.scrub('all');
    await fixture.array.deleteVolume('gone', { snapshots: false });
    // So that the intent log has nothing to replay.
    await fixture.array.sync();
    const before = stored(fixture.store.crash());
    const array = await openReadOnly();
    array.recordEvent('TEST', 'db', 'not recorded');
    for (let turn = 0; turn < 10; turn += 1) await fixture.clock.advance(1_000);
    await fixture.drive(array.close());
    expect(stored(store)).toEqual(before);
  });

  it('shows what only the intent log holds, and changes nothing from then on', async () => {
    await fixture.array.createVolume({ name: 'new', sizeBytes: 512 });
    await fixture.fill('db', 3, 5);
    const image = fixture.array.openImage(fixture.array.volume('db'), { write: false });
    await image.sync();
    fixture.array = await openReadOnly();
    expect([fixture.bytes('db'), fixture.bytes('new')]).toEqual([[2, 2, 1, 5], [0]]);
    const opened = stored(store.crash());
    await fixture.drive(fixture.array.close());
    expect(stored(store)).toEqual(opened);
  });
});
