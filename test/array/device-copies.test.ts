/** Whole images to backup devices and back, of an array whose way to devices is direct. */
import { chmodSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import type { ImageCopyRequest } from '../../src/array/ecopy-contract.js';
import { openBackup } from '../../src/device/backup-image.js';
import { extractBackup } from '../../src/device/image-copy.js';
import { openDevice } from '../../src/device/open-device.js';
import { connectDevice } from '../../src/san/devices.js';
import { setGroup } from '../../src/san/port-groups.js';
import { cleanScratch, makeScratch } from '../support/scratch-directory.js';
import { CopyFixture } from './copy-fixture.js';
import { copyImages } from './copy-images.js';

const MIB = 2 ** 20;
const SECTOR = new Uint8Array(512).fill(3);
let fixture: CopyFixture;
let tapes: string;
let disk: string;

afterAll(cleanScratch);

beforeEach(async () => {
  fixture = await CopyFixture.openWritten();
  tapes = fixture.addTape({ cartridgeBytes: MIB });
  disk = fixture.addDisk();
});

const copy = (source: string, destination: string, options: Partial<ImageCopyRequest> = {}) =>
  copyImages(fixture, source, destination, options);

/** The image of a backup, as a program without the array reads it. */
function extracted(reference?: string): Buffer {
  const session = openDevice({ kind: 'tape', path: tapes }).login('reader');
  const path = join(makeScratch(), 'image');
  try {
    extractBackup(openBackup(session, 'AFS001', reference), path);
  } finally {
    session.logout();
  }
  return readFileSync(path);
}

describe('a backup on tape', () => {
  it('is a labelled one that any program reads, and continues on further cartridges', async () => {
    await fixture.drive(fixture.array.setInfo(fixture.array.volume('db'), SECTOR));
    // Its content of 1 MiB does not fit a cartridge of 1 MiB.
    expect(await copy('db', 'tape0/AFS001')).toBe('done: 8M on tape0/AFS001, tape0/AFS002');
    expect(extracted().equals(await fixture.content('db'))).toBe(true);
    const [job] = fixture.array.jobs();
    expect(job).toMatchObject({
      done: 8 * MIB,
      total: 8 * MIB,
      kind: 'ecopy',
      subject: 'db tape0/AFS001',
    });
    expect(job?.report?.()).toEqual([
      'moving through port CL1-C by microprocessor CL1-M0',
      'why CL1-C: CL1-C and CL1-D have the same load: CL1-C comes first',
      'taken up: 1',
    ]);
    expect(fixture.frozen()).toBe(0);
  });

  it('is of the moment it begins, and comes back as a volume with its information', async () => {
    await fixture.drive(fixture.array.setInfo(fixture.array.volume('db'), SECTOR));
    const before = await fixture.content('db');
    const started = fixture.ecopies.startImage({
      source: 'db',
      destination: 'tape0/AFS001',
      force: false,
    });
    await fixture.write('db', 0, new Uint8Array(MIB).fill(1));
    expect(await fixture.drive(fixture.array.jobList.get(started.id).whenEnded())).toBe('done');
    expect(await copy('tape0/AFS001', 'new', { poolName: 'mirror' })).toBe(
      'done: restored 8M to new',
    );
    expect((await fixture.content('new')).equals(before)).toBe(true);
    expect(fixture.array.volume('new')).toMatchObject({ info: SECTOR, poolName: 'mirror' });
    expect(fixture.array.volume('new').allocatedBytes).toBe(MIB);
  });

  it('has the information of its order on tape, and another one when it comes back', async () => {
    await fixture.drive(fixture.array.setInfo(fixture.array.volume('db'), SECTOR));
    const own = (byte: number) => Buffer.alloc(512, byte).toString('base64');
    expect(await copy('db', 'tape0/AFS001', { information: own(7) })).toMatch(/^done/);
    expect(await copy('tape0/AFS001', 'one')).toMatch(/^done/);
    expect(await copy('tape0/AFS001', 'two', { information: own(8) })).toMatch(/^done/);
    expect(fixture.array.volume('one').info?.[0]).toBe(7);
    expect(fixture.array.volume('two').info?.[0]).toBe(8);
  });

  it('is found again by its name', async () => {
    await fixture.drive(fixture.array.takeSnapshots(['db2'], { name: 'old' }));
    await fixture.write('db2', 0, new Uint8Array(MIB / 8).fill(1));
    expect(await copy('db2@old', 'tape0/AFS001')).toMatch(/^done/);
    expect(await copy('db2', 'tape0/AFS001')).toMatch(/^done/);
    await fixture.write('far', 0, new Uint8Array(MIB).fill(9));
    expect(await copy('tape0/AFS001', 'far', { backup: 'db2@old' })).toMatch(/^done/);
    expect((await fixture.content('far')).every((byte) => byte === 0)).toBe(true);
    expect(await copy('tape0/AFS001', 'far', { backup: '2' })).toMatch(/^done/);
    expect((await fixture.content('far')).equals(await fixture.content('db2'))).toBe(true);
    expect(await copy('tape0/AFS001', 'far', { backup: 'none' })).toMatch(/^failed: ENOENT/);
  });

  it('may be plain', async () => {
    await fixture.drive(fixture.array.createVolume({ name: 'small', sizeBytes: MIB / 2 }));
    expect(await copy('small', 'tape0/AFS001', { plain: true })).toMatch(/^done/);
    expect(extracted().equals(await fixture.content('small'))).toBe(true);
  });

  it.each([
    ['an unknown cartridge', 'tape0/AFS009', {}, /^failed: ENOENT/],
    ['no cartridge', 'tape0/', {}, /^EINVAL/],
    ['a port that is none', 'tape0/AFS001', { port: 'CL9-A' }, /^ENOENT/],
    ['an unknown group', 'tape0/AFS001', { group: 'none' }, /^ENOENT/],
    ['a port outside the group', 'tape0/AFS001', { group: 'g', port: 'CL2-C' }, /^EINVAL/],
    [
      'a port without a path',
      'tape0/AFS001',
      { group: 'g' },
      /^failed: ENXIO: .*CL1-D has no path/,
    ],
    ['a new pool', 'tape0/AFS001', { poolName: 'main' }, /^EINVAL/],
    ['another device', 'disk0/disk.img', { plain: true }, /^EINVAL/],
  ])('is refused for %s', async (_what, destination, options, expected) => {
    const group = { name: 'g', targets: ['CL1-B'], initiators: ['CL1-D'] } as const;
    fixture.san = connectDevice(setGroup(fixture.san, group), 'tape0', ['CL1-C']);
    expect(await copy('db', destination, options)).toMatch(expected);
    expect(fixture.frozen()).toBe(0);
  });

  it('on a write-protected cartridge fails', async () => {
    chmodSync(join(tapes, 'AFS001.tap'), 0o444);
    expect(await copy('db', 'tape0/AFS001')).toMatch(/^failed: EROFS/);
  });

  it('that ends before its time is cancelled', async () => {
    const started = fixture.ecopies.startImage({
      source: 'db',
      destination: 'tape0/AFS001',
      force: false,
    });
    await fixture.drive(fixture.array.cancelJob(started.id));
    expect(fixture.array.job(started.id).state).toBe('cancelled');
    expect(await copy('tape0/AFS001', 'far')).toMatch(/^failed/);
  });
});

describe('an image on a disk', () => {
  it('is the image, and comes back', async () => {
    expect(await copy('db', 'disk0/disk.img')).toBe('done: 8M on disk0/disk.img');
    expect(readFileSync(disk).equals(await fixture.content('db'))).toBe(true);
    await fixture.write('far', 4 * MIB, new Uint8Array(MIB).fill(9));
    expect(await copy('disk0/disk.img', 'far')).toBe('done: restored 8M to far');
    expect((await fixture.content('far')).equals(await fixture.content('db'))).toBe(true);
  });

  it('of another size is not put into a volume that is there', async () => {
    await fixture.drive(fixture.array.createVolume({ name: 'small', sizeBytes: MIB }));
    await copy('db', 'disk0/disk.img');
    expect(await copy('disk0/disk.img', 'small')).toMatch(/^failed: EINVAL: volume small has 1M/);
  });

  it('is not copied to another device', async () => {
    expect(await copy('disk0/disk.img', 'tape0/AFS001')).toMatch(/^EINVAL/);
  });
});
