/** Disks and other arrays as files: what each does besides the contract. */
import {
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { ArrayDevice } from '../../src/device/array-device.js';
import { beginBackup } from '../../src/device/backup-image.js';
import { DeviceError } from '../../src/device/device-error.js';
import { DiskDevice } from '../../src/device/disk-device.js';
import { PositionedBytes } from '../../src/device/positioned-bytes.js';
import { cleanScratch, makeScratch } from '../support/scratch-directory.js';
import { INFORMATION, MANIFEST } from './backup-examples.js';
import { makeArrayTree } from './device-cases.js';
import { faultOf, reasonOf } from './fault-of.js';

afterAll(cleanScratch);

function loadedImage(device: DiskDevice | ArrayDevice, medium: string) {
  const session = device.login('CL1-C');
  session.reserve(medium);
  return { session, image: session.load('write') };
}

describe('a disk', () => {
  it('that is a new file is made by loading it for writing', () => {
    const path = join(makeScratch(), 'new.img');
    const disk = new DiskDevice(path);
    expect(disk.media()).toEqual([{ name: 'new.img', usedBytes: 0, isProtected: false }]);
    const session = disk.login('CL1-C');
    session.reserve('new.img');
    expect(faultOf(() => session.load('read'))).toBe('no-medium');
    expect(existsSync(path)).toBe(false);
    session.load('write').beginImage(1024);
    session.logout();
    expect(readFileSync(path)).toEqual(Buffer.alloc(1024));
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it.each([
    ['a directory', (path: string) => mkdirSync(path)],
    ['a character device', (path: string) => symlinkSync('/dev/null', path)],
  ])('that is %s refuses', (_what, make) => {
    const path = join(makeScratch(), 'disk');
    make(path);
    expect(faultOf(() => new DiskDevice(path).login('CL1-C'))).toBe('refused');
  });

  it('has nothing of what it held before', () => {
    const path = join(makeScratch(), 'disk.img');
    writeFileSync(path, Buffer.alloc(8192, 1));
    const { session, image } = loadedImage(new DiskDevice(path), 'disk.img');
    image.beginImage(4096);
    image.write(1024, new Uint8Array(512).fill(2));
    expect([image.sizeBytes, image.startsAsZeros]).toEqual([4096, true]);
    session.logout();
    const expected = Buffer.alloc(4096).fill(2, 1024, 1536);
    expect(readFileSync(path)).toEqual(expected);
  });

  it('has no place for volume information', () => {
    const path = join(makeScratch(), 'disk.img');
    const { session, image } = loadedImage(new DiskDevice(path), 'disk.img');
    expect(image.writeInformation(INFORMATION)).toBe(false);
    expect(image.readInformation()).toBeUndefined();
    session.logout();
  });

  it('transfers whole sectors within the image', () => {
    const path = join(makeScratch(), 'disk.img');
    const { session, image } = loadedImage(new DiskDevice(path), 'disk.img');
    image.beginImage(4096);
    expect(faultOf(() => image.write(100, new Uint8Array(512)))).toBe('invalid');
    expect(faultOf(() => image.write(512, new Uint8Array(100)))).toBe('invalid');
    expect(faultOf(() => image.read(-512, 512))).toBe('invalid');
    expect(faultOf(() => image.beginImage(1000))).toBe('invalid');
    expect(faultOf(() => image.read(3584, 1024))).toBe('damaged');
    image.write(0, new Uint8Array(4096).fill(9));
    image.writeZeros(512, 1024);
    const expected = Buffer.alloc(4096, 9).fill(0, 512, 1536);
    expect(Buffer.from(image.read(0, 4096))).toEqual(expected);
    session.logout();
  });
});

describe('another array', () => {
  it.each(['volumes', 'info', 'ctl'])('is missing without %s/', (part) => {
    const path = makeArrayTree();
    rmSync(join(path, part), { recursive: true });
    const device = new ArrayDevice(path);
    expect(faultOf(() => device.login('CL1-C'))).toBe('missing');
    expect(reasonOf(() => device.login('CL1-C'))).toMatch(`no array is mounted at ${path}`);
  });

  it('has its volumes as media, and makes one by loading it for writing', () => {
    const path = makeArrayTree();
    writeFileSync(join(path, 'volumes/log'), Buffer.alloc(4096));
    const device = new ArrayDevice(path);
    expect(device.media().map((medium) => medium.name)).toEqual(['log']);
    const { session, image } = loadedImage(device, 'db');
    image.beginImage(1024);
    session.logout();
    expect(device.media().map((medium) => medium.name)).toEqual(['db', 'log']);
  });

  it.each(['.hidden', 'a/b', 'all', ''])("takes no volume named '%s'", (name) => {
    const session = new ArrayDevice(makeArrayTree()).login('CL1-C');
    expect(faultOf(() => session.reserve(name))).toBe('invalid');
  });

  it('lets several volumes be written at a time', () => {
    const device = new ArrayDevice(makeArrayTree());
    const first = loadedImage(device, 'db');
    const second = loadedImage(device, 'log');
    expect(faultOf(() => device.login('CL2-C').reserve('db'))).toBe('busy');
    first.session.logout();
    second.session.logout();
  });

  it('by two paths is one', () => {
    const path = makeArrayTree();
    const other = join(makeScratch(), 'link');
    symlinkSync(path, other);
    const { session } = loadedImage(new ArrayDevice(path), 'db');
    expect(faultOf(() => new ArrayDevice(other).login('CL2-C').reserve('db'))).toBe('busy');
    session.logout();
  });

  it('names the volume that it does not shrink because somebody has it open for writing', () => {
    const path = makeArrayTree();
    const { session, image } = loadedImage(new ArrayDevice(path), 'db');
    const refused = vi.spyOn(PositionedBytes.prototype, 'truncate').mockImplementation(() => {
      throw new DeviceError('busy', 'resource busy or locked');
    });
    try {
      const volume = join(path, 'volumes/db');
      expect(faultOf(() => image.beginImage(1024))).toBe('busy');
      expect(reasonOf(() => image.beginImage(1024))).toContain(`${volume} is open for writing`);
    } finally {
      refused.mockRestore();
      session.logout();
    }
  });

  it('gets the information after the image, and loses the old one before', () => {
    const path = makeArrayTree();
    const device = new ArrayDevice(path);
    const session = device.login('CL1-C');
    const writer = beginBackup(session, 'db', { manifest: MANIFEST, information: INFORMATION });
    expect(readFileSync(join(path, 'ctl/info'), 'utf8')).toBe('db clear=yes\n');
    expect(readFileSync(join(path, 'info/db')).length).toBe(0);
    writer.finish();
    expect(new Uint8Array(readFileSync(join(path, 'info/db')))).toEqual(INFORMATION);
    expect(statSync(join(path, 'volumes/db')).size).toBe(MANIFEST.imageBytes);
    session.logout();
    const later = device.login('CL2-C');
    later.reserve('db');
    expect(later.load('read').readInformation()).toEqual(INFORMATION);
    later.logout();
  });
});
