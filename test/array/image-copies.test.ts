/** Copies of whole images between volumes. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { ImageCopyRequest } from '../../src/array/ecopy-contract.js';
import { CopyFixture } from './copy-fixture.js';
import { copyImages } from './copy-images.js';

const MIB = 2 ** 20;
const SECTOR = new Uint8Array(512).fill(3);
let fixture: CopyFixture;

beforeEach(async () => {
  fixture = await CopyFixture.openWritten();
});

const copy = (source: string, destination: string, options: Partial<ImageCopyRequest> = {}) =>
  copyImages(fixture, source, destination, options);

describe('a copy of an image to a volume', () => {
  it.each([
    ['in the same pool', undefined],
    ['in another pool', 'mirror'],
  ])('makes one %s, with its information', async (_where, poolName) => {
    await fixture.drive(fixture.array.setInfo(fixture.array.volume('db'), SECTOR));
    const options = poolName === undefined ? {} : { poolName };
    expect(await copy('db', 'new', options)).toBe('done: copied 8M to new');
    expect((await fixture.content('new')).equals(await fixture.content('db'))).toBe(true);
    const made = fixture.array.volume('new');
    expect([made.poolName, made.info, made.infoModified]).toEqual([
      poolName ?? 'main',
      SECTOR,
      false,
    ]);
    expect(fixture.frozen()).toBe(0);
  });

  it('has the information that its order gives, in the place of that of the image', async () => {
    await fixture.drive(fixture.array.setInfo(fixture.array.volume('db'), SECTOR));
    const own = Buffer.alloc(512, 7);
    const information = own.toString('base64');
    expect(await copy('db', 'new', { information })).toBe('done: copied 8M to new');
    expect(own.equals(fixture.array.volume('new').info ?? SECTOR)).toBe(true);
    expect(fixture.array.volume('new').infoModified).toBe(false);
  });

  it('takes a snapshot, and overwrites all that was there', async () => {
    await fixture.drive(fixture.array.takeSnapshots(['db'], { name: 'old' }));
    await fixture.write('db', 0, new Uint8Array(MIB).fill(1));
    await fixture.write('far', 5 * MIB, new Uint8Array(MIB).fill(2));
    await fixture.drive(fixture.array.setInfo(fixture.array.volume('far'), SECTOR));
    expect(await copy('db@old', 'far')).toBe('done: copied 8M to far');
    expect((await fixture.content('far')).equals(await fixture.content('db@old'))).toBe(true);
    expect(fixture.array.volume('far').info).toBeUndefined();
  });

  it('has the image of the moment it begins', async () => {
    const before = await fixture.content('db');
    const started = fixture.ecopies.startImage({ source: 'db', destination: 'far', force: false });
    await fixture.write('db', 0, new Uint8Array(2 * MIB).fill(1));
    await fixture.drive(fixture.array.jobList.get(started.id).whenEnded());
    expect((await fixture.content('far')).equals(before)).toBe(true);
  });

  it('may begin later, with the image of then', async () => {
    const atMs = fixture.array.nowMs() + 60_000;
    const started = fixture.ecopies.startImage({
      source: 'db',
      destination: 'far',
      force: false,
      atMs,
    });
    await fixture.write('db', 0, new Uint8Array(MIB).fill(1));
    await fixture.pools.clock.advance(30_000);
    expect([fixture.array.job(started.id).state, fixture.frozen()]).toEqual(['running', 0]);
    await fixture.pools.clock.advance(40_000);
    await fixture.drive(fixture.array.jobList.get(started.id).whenEnded());
    expect((await fixture.content('far')).equals(await fixture.content('db'))).toBe(true);
  });

  it('is cancelled between two parts', async () => {
    const started = fixture.ecopies.startImage({ source: 'db', destination: 'far', force: false });
    await fixture.drive(fixture.array.cancelJob(started.id));
    expect(fixture.array.job(started.id).message).toMatch(/^cancelled after /);
    expect([fixture.frozen(), fixture.array.volume('far').writerCount]).toEqual([0, 0]);
  });

  it.each([
    ['an unknown source', 'none', 'far', {}, /^ENOENT/],
    ['a volume of another size', 'db', 'small', {}, /^EINVAL: volume small has 1M/],
    ['itself', 'db', 'db', {}, /^EINVAL: source and destination/],
    ['a wrong name', 'db', '.x', {}, /^EINVAL/],
    ['a pool for a volume that is there', 'db', 'far', { poolName: 'main' }, /^EINVAL/],
    ['an unknown pool', 'db', 'new', { poolName: 'none' }, /^ENOENT/],
    ['a time that is past', 'db', 'far', { atMs: 1 }, /^EINVAL/],
    ['a port to no device', 'db', 'far', { port: 'CL1-C' }, /^EINVAL/],
    ['an unknown device', 'db', 'none/x', {}, /^ENOENT: there is no device none/],
  ])('is refused for %s', async (_what, source, destination, options, expected) => {
    await fixture.drive(fixture.array.createVolume({ name: 'small', sizeBytes: MIB }));
    expect(await copy(source, destination, options)).toMatch(expected);
    expect(fixture.array.jobs()).toEqual([]);
  });

  it('is refused while the volume is open for writing, unless forced', async () => {
    const image = fixture.array.openImage(fixture.array.volume('far'), { write: true });
    expect(await copy('db', 'far')).toMatch(/^EBUSY: volume far is open/);
    expect(await copy('db', 'far', { force: true })).toMatch(/^done/);
    image.close();
    await fixture.drive(fixture.array.reserveVolumes(['far']));
    expect(await copy('db', 'far')).toMatch(/^EROFS/);
  });
});
