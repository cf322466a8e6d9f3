/** Backup devices where they really are: another mounted array, loop devices, full file systems. */
import { closeSync, openSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ArrayDevice } from '../../../src/device/array-device.js';
import type { BackupDevice } from '../../../src/device/backup-device.js';
import { beginBackup, openBackup } from '../../../src/device/backup-image.js';
import type { ImageExtent } from '../../../src/device/data-block.js';
import { DiskDevice } from '../../../src/device/disk-device.js';
import { createLibrary } from '../../../src/device/library-files.js';
import { TapeLibrary } from '../../../src/device/tape-library.js';
import { INFORMATION, MANIFEST } from '../../device/backup-examples.js';
import { contentOf, denseExtent, feed, hashOf, imageOf } from '../../device/backup-source.js';
import { faultOf, reasonOf } from '../../device/fault-of.js';
import { canLoop, canMount, MIB, MountedArray } from '../../support/mounted-array.js';
import { ARRAYFS, done, run } from '../../support/programs.js';
import { cleanScratch, makeScratch, subdirectory } from '../../support/scratch-directory.js';

afterAll(cleanScratch);

const IMAGE_BYTES = 8 * MIB;
const EXTENTS = [denseExtent(MIB, MIB), denseExtent(5 * MIB, 512)];
const IMAGE = hashOf(imageOf(EXTENTS, IMAGE_BYTES));
const manifest = { ...MANIFEST, imageBytes: IMAGE_BYTES };

function backUp(
  device: BackupDevice,
  medium: string,
  {
    extents = EXTENTS,
    imageBytes = IMAGE_BYTES,
  }: Partial<{
    extents: readonly ImageExtent[];
    imageBytes: number;
  }> = {},
): void {
  const session = device.login('CL1-C');
  try {
    const management = { manifest: { ...manifest, imageBytes }, information: INFORMATION };
    const writer = beginBackup(session, medium, management);
    feed(writer, extents);
    writer.finish();
  } finally {
    session.logout();
  }
}

function restored(device: BackupDevice, medium: string) {
  const session = device.login('CL2-C');
  try {
    const image = openBackup(session, medium);
    return { hash: hashOf(contentOf(image)), information: image.information };
  } finally {
    session.logout();
  }
}

describe.skipIf(!canMount)('another mounted array', () => {
  let array: MountedArray;
  let device: ArrayDevice;

  beforeAll(() => {
    array = MountedArray.create({ capacity: '64M' });
    device = new ArrayDevice(array.mount);
  });

  it('gets a new volume with its holes and its volume information', () => {
    backUp(device, 'copy');
    expect(hashOf(readFileSync(array.volume('copy')))).toBe(IMAGE);
    expect(statSync(array.volume('copy')).blocks * 512).toBeLessThan(2 * MIB);
    expect(restored(device, 'copy')).toEqual({ hash: IMAGE, information: INFORMATION });
  });

  it('gets a backup from tape by the command line, as a new volume', () => {
    const directory = join(makeScratch(), 'tapes');
    createLibrary(directory, { slots: 1, drives: 1, cartridgeBytes: 16 * MIB, prefix: 'AFS' });
    backUp(new TapeLibrary(directory), 'AFS001');
    done(ARRAYFS, 'tape', 'extract', directory, 'db@monday', array.volume('restored'));
    expect(hashOf(readFileSync(array.volume('restored')))).toBe(IMAGE);
  });

  it('gets nothing of what the volume held before', () => {
    writeFileSync(array.volume('old'), Buffer.alloc(9 * MIB, 1));
    writeFileSync(array.path('info', 'old'), Buffer.alloc(512, 2));
    backUp(device, 'old');
    expect(hashOf(readFileSync(array.volume('old')))).toBe(IMAGE);
  });

  it('that has the volume open for writing says so, and which one', () => {
    const path = array.volume('open');
    writeFileSync(path, Buffer.alloc(MIB, 1));
    const descriptor = openSync(path, 'r+');
    try {
      expect(reasonOf(() => backUp(device, 'open'))).toBe(
        `${path} is open for writing elsewhere: close or unmount it there first`,
      );
    } finally {
      closeSync(descriptor);
    }
    expect(statSync(path).size).toBe(MIB);
  });

  it('has no information beside an image that is not whole', () => {
    backUp(device, 'half');
    const session = device.login('CL1-C');
    feed(beginBackup(session, 'half', { manifest, information: INFORMATION }), EXTENTS);
    session.logout();
    expect(readFileSync(array.path('info', 'half')).length).toBe(0);
  });

  it('that is full says so, and goes on', () => {
    const large = { imageBytes: 128 * MIB, extents: [denseExtent(0, 128 * MIB)] };
    expect(faultOf(() => backUp(device, 'large', large))).toBe('full');
    expect(array.ok('delete', 'large')).toBeTruthy();
    backUp(device, 'after');
    expect(restored(device, 'after').hash).toBe(IMAGE);
  });

  it('whose daemon has gone is missing', async () => {
    const session = device.login('CL1-C');
    session.reserve('copy');
    await array.kill();
    expect(faultOf(() => device.login('CL2-C'))).toBe('missing');
    expect(faultOf(() => session.load('read'))).toBe('missing');
    session.logout();
    array.unmountDead();
  });
});

describe.skipIf(!canLoop)('a block device', () => {
  const loops: string[] = [];
  afterEach(() => {
    for (const loop of loops.splice(0)) done('losetup', '-d', loop);
  });

  function loopDevice(bytes: number, fill: number): { loop: string; disk: DiskDevice } {
    const file = join(makeScratch(), 'disk.img');
    writeFileSync(file, Buffer.alloc(bytes, fill));
    const loop = done('losetup', '--find', '--show', file);
    loops.push(loop);
    return { loop, disk: new DiskDevice(loop) };
  }

  it('has the size it has, and zeros in the holes of an image', () => {
    const { loop, disk } = loopDevice(IMAGE_BYTES + MIB, 0xee);
    backUp(disk, disk.mediumName);
    const whole = readFileSync(loop);
    expect(whole.length).toBe(IMAGE_BYTES + MIB);
    expect(hashOf(whole.subarray(0, IMAGE_BYTES))).toBe(IMAGE);
    expect(whole.subarray(IMAGE_BYTES).every((byte) => byte === 0xee)).toBe(true);
    expect(disk.media()).toEqual([
      { name: disk.mediumName, usedBytes: IMAGE_BYTES + MIB, isProtected: false },
    ]);
  });

  it('that is smaller than the image is full', () => {
    const { loop, disk } = loopDevice(IMAGE_BYTES - 512, 0xee);
    expect(faultOf(() => backUp(disk, disk.mediumName))).toBe('full');
    expect(readFileSync(loop).every((byte) => byte === 0xee)).toBe(true);
  });

  it('that is mounted, or reserved by another, is busy', () => {
    const { loop, disk } = loopDevice(IMAGE_BYTES, 0);
    const other = disk.login('CL2-C');
    other.reserve(disk.mediumName);
    expect(faultOf(() => backUp(disk, disk.mediumName))).toBe('busy');
    other.logout();
    done('mkfs.ext4', '-q', loop);
    const point = subdirectory(makeScratch(), 'fs');
    done('mount', loop, point);
    expect(faultOf(() => backUp(disk, disk.mediumName))).toBe('busy');
    done('umount', point);
    expect(faultOf(() => backUp(disk, disk.mediumName))).toBe('none');
  });

  it('gets a backup from tape', () => {
    const { loop } = loopDevice(IMAGE_BYTES + MIB, 0xee);
    const directory = join(makeScratch(), 'tapes');
    createLibrary(directory, { slots: 1, drives: 1, cartridgeBytes: 16 * MIB, prefix: 'AFS' });
    backUp(new TapeLibrary(directory), 'AFS001');
    const extract = ['tape', 'extract', directory, '1', loop];
    expect(run(ARRAYFS, ...extract)).toMatchObject({
      status: 1,
      errors: `arrayfs: ${loop} exists already`,
    });
    done(ARRAYFS, ...extract, '--force');
    const whole = readFileSync(loop);
    expect(hashOf(whole.subarray(0, IMAGE_BYTES))).toBe(IMAGE);
    expect(whole.subarray(IMAGE_BYTES).every((byte) => byte === 0xee)).toBe(true);
  });

  it('that is read-only is write-protected', () => {
    const file = join(makeScratch(), 'disk.img');
    writeFileSync(file, '');
    truncateSync(file, IMAGE_BYTES);
    const loop = done('losetup', '--find', '--show', '--read-only', file);
    loops.push(loop);
    const disk = new DiskDevice(loop);
    expect(faultOf(() => backUp(disk, disk.mediumName))).toBe('write-protected');
    expect(restored(disk, disk.mediumName).hash).toBe(hashOf(Buffer.alloc(IMAGE_BYTES)));
  });
});

describe.skipIf(!canMount)('on a file system of 2 MiB', () => {
  let directory = '';
  beforeAll(() => {
    directory = subdirectory(makeScratch(), 'small');
    done('mount', '-t', 'tmpfs', '-o', 'size=2M', 'none', directory);
  });
  afterAll(() => {
    run('umount', directory);
  });

  it('a disk is full, and the reason is that of the host', () => {
    const disk = new DiskDevice(join(directory, 'disk.img'));
    const large = { imageBytes: 4 * MIB, extents: [denseExtent(0, 4 * MIB)] };
    expect(faultOf(() => backUp(disk, 'disk.img', large))).toBe('full');
    expect(reasonOf(() => backUp(disk, 'disk.img', large))).toMatch(/no space left on device/);
    truncateSync(join(directory, 'disk.img'), 0);
  });

  it('a cartridge is full before its capacity, and keeps what it has', () => {
    const path = join(directory, 'tapes');
    createLibrary(path, { slots: 2, drives: 1, cartridgeBytes: 16 * MIB, prefix: 'AFS' });
    const library = new TapeLibrary(path);
    backUp(library, 'AFS001', { extents: [denseExtent(0, 512)] });
    const before = readFileSync(join(path, 'AFS001.tap'));
    const large = { imageBytes: 4 * MIB, extents: [denseExtent(0, 4 * MIB)] };
    expect(faultOf(() => backUp(library, 'AFS001', large))).toBe('full');
    const session = library.login('CL2-C');
    expect(hashOf(contentOf(openBackup(session, 'AFS001', '1')))).toBe(
      hashOf(imageOf([denseExtent(0, 512)], IMAGE_BYTES)),
    );
    session.logout();
    const after = readFileSync(join(path, 'AFS001.tap'));
    expect(hashOf(after.subarray(0, before.length - 4))).toBe(hashOf(before.subarray(0, -4)));
  });
});
