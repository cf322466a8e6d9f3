/** Adopting the copy of a store that was killed: what is only in its intent log gets new UUIDs, too. */

import { cpSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { StorageArray } from '../../src/array/array.js';
import { openArray } from '../../src/array/open-array.js';
import { type Clock, systemClock } from '../../src/base/clock.js';
import { CACHE_BYTES_MIN } from '../../src/base/limits.js';
import { BLOCK_BYTES, TRACK_BYTES } from '../../src/base/sizes.js';
import { uuidText } from '../../src/base/uuid.js';
import { adoptPools } from '../../src/store/adopt-pool.js';
import { checkPool } from '../../src/store/check.js';
import { recordKey } from '../../src/store/keys.js';
import { packMembers, packReached } from '../../src/store/member-records.js';
import {
  createPool,
  createPoolFiles,
  loadIdentity,
  loadPool,
  newIdentity,
  withEnvironment,
} from '../../src/store/pool-files.js';
import { ManualClock } from '../support/manual-clock.js';
import { onePool } from '../support/memory-array.js';
import { cleanScratch, makeScratch } from '../support/scratch-directory.js';
import { LmdbStore } from './built-store.js';

const CAPACITY_BYTES = 2 ** 28;

let original: string;
let copy: string;
let clock: ManualClock;
let running: StorageArray;
beforeEach(async () => {
  const scratch = makeScratch();
  original = join(scratch, 'original');
  copy = join(scratch, 'copy');
  createPool(original, { capacityBytes: CAPACITY_BYTES });
  // Its timers never fire: nothing is written to the store while it is copied.
  clock = new ManualClock();
  running = await openPool(original, clock);
  await running.createVolume({ name: 'old', sizeBytes: BLOCK_BYTES });
  await running.poolList.home.content.durable();
  await running.createVolume({ name: 'new', sizeBytes: BLOCK_BYTES });
  for (const [name, byte] of [
    ['old', 1],
    ['new', 2],
  ] as const) {
    const image = running.openImage(running.volume(name), { write: true });
    await image.write(0, new Uint8Array(512).fill(byte));
    await image.sync();
    image.close();
  }
  await running.takeSnapshots(['new'], { name: 'monday' });
  cpSync(original, copy, { recursive: true });
});
afterEach(async () => {
  await clock.drive(running.close());
  cleanScratch();
});

function openPool(directory: string, clockOf: Clock = systemClock): Promise<StorageArray> {
  return openArray({
    ...onePool(directory, new LmdbStore(directory, CAPACITY_BYTES)),
    clock: clockOf,
    cacheBytes: CACHE_BYTES_MIN,
    readOnly: false,
    defaultOwner: { uid: 0, gid: 0, mode: 0o600 },
  });
}

/** UUIDs of the volumes and the snapshot, and the first byte of each. */
async function look(directory: string): Promise<{ uuids: string[]; bytes: number[] }> {
  const array = await openPool(directory);
  try {
    const copies = [array.volume('old'), array.volume('new'), array.snapshot('new', 'monday')];
    const bytes: number[] = [];
    for (const each of copies) {
      const image = array.openImage(each, { write: false });
      const target = new Uint8Array(1);
      await image.read(0, target);
      bytes.push(target[0] as number);
      image.close();
    }
    return { uuids: copies.map(({ uuid }) => uuidTextOf(uuid)), bytes };
  } finally {
    await array.close();
  }
}

const uuidTextOf = (uuid: Uint8Array | string) =>
  typeof uuid === 'string' ? uuid : uuidText(uuid);

describe('adoptPools of a copy whose log was not applied', () => {
  it('renews every UUID and keeps the content', async () => {
    const copies = [running.volume('old'), running.volume('new')];
    const before = [...copies, running.snapshot('new', 'monday')].map(({ uuid }) =>
      uuidTextOf(uuid),
    );
    adoptPools([copy]);
    const report = await checkPool(copy, { repair: false, onProgress: () => {} });
    expect(report.findings).toEqual([]);
    expect(report.logBatches).toBeGreaterThan(0);
    const { uuids, bytes } = await look(copy);
    expect(bytes).toEqual([1, 2, 2]);
    expect(uuids.filter((uuid) => before.includes(uuid))).toEqual([]);
    expect((await look(copy)).uuids).toEqual(uuids);
  });

  it('can be repeated, and leaves no file behind', async () => {
    const files = readdirSync(copy).sort();
    adoptPools([copy]);
    adoptPools([copy]);
    expect(readdirSync(copy).sort()).toEqual(files);
    expect((await look(copy)).bytes).toEqual([1, 2, 2]);
  });

  it('refuses a copy without its log, which check then repairs', async () => {
    rmSync(join(copy, 'intent.log'));
    const options = { onProgress: () => {} };
    expect((await checkPool(copy, { ...options, repair: false })).findings).toMatchObject([
      { kind: 'damaged log', detail: expect.stringContaining('intent.log is missing') },
    ]);
    expect(() => adoptPools([copy])).toThrow(/^EIO: the intent log is missing or damaged/);
    await checkPool(copy, { ...options, repair: true });
    expect((await checkPool(copy, { ...options, repair: false })).findings).toEqual([]);
    adoptPools([copy]);
    const array = await openPool(copy);
    expect(array.volumes().map(({ name }) => name)).toEqual(['old']);
    await array.close();
  });
});

describe('adoptPools of a pool with pairs', () => {
  it('keeps them: what was half copied is copied to its end', async () => {
    const pairBytes = 4 * TRACK_BYTES;
    for (const name of ['db', 'mirror']) await running.createVolume({ name, sizeBytes: pairBytes });
    const image = running.openImage(running.volume('db'), { write: true });
    await image.write(0, new Uint8Array(pairBytes).fill(7));
    image.close();
    const options = { mode: 'mirror', pace: 'slow', sync: false, force: false } as const;
    await clock.drive(running.pairing.createPair('db', 'mirror', options));
    await clock.drive(running.pairing.splitPairs(['db:mirror'], {}));
    expect(running.pairing.pairs().map(({ state }) => state)).toEqual(['split-pending']);
    await clock.drive(running.poolList.home.content.durable());
    const half = join(original, '..', 'half');
    cpSync(original, half, { recursive: true });
    adoptPools([half]);
    const array = await openPool(half);
    const mirror = array.openImage(array.volume('mirror'), { write: false });
    try {
      const found = new Uint8Array(pairBytes);
      await mirror.read(0, found);
      expect(found.every((byte) => byte === 7)).toBe(true);
      expect(array.pairing.pairs().map(({ name }) => name)).toEqual(['db:mirror']);
    } finally {
      mirror.close();
      await array.close();
    }
  });
});

describe('adoptPools of several pools', () => {
  it('renews their UUIDs in what each remembers of the others', () => {
    const directories = ['a', 'b'].map((name) => join(original, '..', name));
    const [first = '', second = ''] = directories;
    createPool(first, { capacityBytes: CAPACITY_BYTES, poolName: 'a' });
    const options = { capacityBytes: CAPACITY_BYTES, poolName: 'b' };
    createPoolFiles(second, newIdentity(options, clock, loadIdentity(first)));
    const before = directories.map((directory) => loadIdentity(directory).poolUuid);
    for (const [index, directory] of directories.entries()) {
      const state = { generation: 3, nonce: new Uint8Array(8) };
      const members = before.map((uuid, of) => {
        const name = of === 0 ? 'a' : 'b';
        return { uuid, name, directory: `/old/${name}`, isPresent: true, states: [state] };
      });
      const reached = before.filter((_, of) => of !== index);
      withEnvironment(directory, (environment) => {
        environment.transaction((transaction) => {
          const known = reached.map((uuid) => ({ uuid, sequence: 7 + index }));
          transaction.put('records', recordKey('members'), packMembers({ state, members }));
          transaction.put('records', recordKey('reached'), packReached(known));
        });
      });
    }
    adoptPools(directories);
    const pools = directories.map(loadPool);
    const after = pools.map(({ identity }) => identity.poolUuid);
    expect(after).not.toEqual(before);
    expect(pools.map(({ members }) => members?.members.map(({ uuid }) => uuid))).toEqual([
      after,
      after,
    ]);
    expect(pools.map(({ reached }) => reached)).toEqual([
      [{ uuid: after[1], sequence: 7 }],
      [{ uuid: after[0], sequence: 8 }],
    ]);
  });
});
