/** What discover with backups=yes tells of cartridges: status/backups, over a tape library of files. */
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import type { StorageArray } from '../../src/array/array.js';
import { tryLock } from '../../src/device/owner-lock.js';
import { tableNamed } from '../control/table-named.js';
import { makeLibrary } from '../device/device-cases.js';
import { ManualClock } from '../support/manual-clock.js';
import { newMemoryStore, openMemoryPools } from '../support/memory-array.js';
import { MemoryPlaces } from '../support/memory-places.js';
import { cleanScratch } from '../support/scratch-directory.js';
import { DirectPath } from './direct-path.js';

const MIB = 2 ** 20;
let array: StorageArray;
let clock: ManualClock;
let tapes: string;

afterAll(cleanScratch);

beforeEach(async () => {
  clock = new ManualClock();
  tapes = makeLibrary({ slots: 4, cartridgeBytes: MIB });
  const places = new MemoryPlaces(clock, [['memory', newMemoryStore(clock)]]);
  const backupPath = () => new DirectPath();
  array = await openMemoryPools(places, 'memory', clock, { backupPath });
  await array.san.addDevice({ name: 'tape0', kind: 'tape', path: tapes });
  await clock.drive(array.createVolume({ name: 'db', sizeBytes: 8 * MIB }));
});

async function ended(id: number): Promise<string> {
  await clock.drive(array.jobList.get(id).whenEnded());
  return `${array.job(id).state}: ${array.job(id).message}`;
}

async function backUp(
  medium: string,
  information = Buffer.alloc(512).toString('base64'),
): Promise<string> {
  const order = { source: 'db', destination: `tape0/${medium}`, force: false, information };
  return ended(array.ecopies.startImage(order).id);
}

async function discovered(listing = {}): Promise<string> {
  return ended((await array.discover(['tape0'], listing)).id);
}

const rows = () => JSON.parse(tableNamed('backups').json(array)) as Record<string, unknown>[];

describe('a discovery with backups=yes', () => {
  it('shows each backup with its management and volume information, and empty cartridges', async () => {
    const sector = Buffer.alloc(512, 5).toString('base64');
    expect(await backUp('AFS002', sector)).toMatch(/^done/);
    expect(await backUp('AFS002', sector)).toMatch(/^done/);
    expect(rows()).toEqual([]);
    expect(await discovered()).toBe('done: 1 of 1 devices available; 4 cartridges listed');
    const [empty, first, second, ...others] = rows();
    expect(empty).toMatchObject({ medium: 'AFS001', number: null, state: 'empty' });
    expect(first).toMatchObject({
      ...{ device: 'tape0', medium: 'AFS002', number: 1, name: 'db', imageBytes: 8 * MIB },
      ...{ state: 'complete', form: 'sparse', information: sector, part: 1, problems: [] },
      manifest: { volumeUuid: array.volume('db').uuid },
    });
    expect(second).toMatchObject({ medium: 'AFS002', number: 2 });
    expect(others).toHaveLength(2);
  });

  it('shows where a backup goes on on further cartridges', async () => {
    const image = array.openImage(array.volume('db'), { write: true });
    await clock.drive(Promise.resolve(image.write(0, Buffer.alloc(2 * MIB, 'x'))));
    image.close();
    expect(await backUp('AFS001')).toMatch(/AFS001, tape0\/AFS002/);
    await discovered();
    const [first, part, last] = rows();
    expect(first).toMatchObject({ medium: 'AFS001', state: 'continued' });
    expect(part).toMatchObject({ medium: 'AFS002', number: null, part: 2, file: first?.file });
    expect(part).toMatchObject({ partState: 'continued' });
    expect(last).toMatchObject({ medium: 'AFS003', part: 3, partState: 'complete' });
  });

  it('passes over a cartridge in use or without labels, and says so', async () => {
    const lock = tryLock(join(tapes, '.AFS001.tap'), 'another');
    writeFileSync(join(tapes, 'AFS003.tap'), Buffer.alloc(0));
    expect(await discovered()).toMatch(/4 cartridges listed, 2 could not be read$/);
    expect(rows()[0]).toMatchObject({
      medium: 'AFS001',
      problems: [expect.stringContaining('another')],
    });
    expect(rows()[2]).toMatchObject({ medium: 'AFS003', state: 'the cartridge has no labels' });
    if (lock.isHeld) lock.lock.release();
    chmodSync(join(tapes, 'AFS001.tap'), 0o444);
    expect(await discovered()).toMatch(/4 cartridges listed, 1 could not be read$/);
  });

  it('looks at one cartridge alone where that is named', async () => {
    expect(await discovered({ medium: 'AFS003' })).toMatch(/; 1 cartridge listed$/);
    expect(rows().map(({ medium }) => medium)).toEqual(['AFS003']);
  });

  it('is forgotten with the device', async () => {
    await discovered();
    await array.san.deleteDevice('tape0');
    expect(rows()).toEqual([]);
  });
});
