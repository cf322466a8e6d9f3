/** Snapshots, information files and a read-only array in the mounted tree. */
import { beforeEach, describe, expect, it } from 'vitest';
import { ArrayTree } from '../../src/fuse/array-tree.js';
import { FakeArray } from '../control/fake-array.js';
import { codeOf, contentOf, READ_WRITE, TreeAccess, WRITE } from './tree-access.js';

const SECTOR = new Uint8Array(512).fill(7);

let array: FakeArray;
let mount: TreeAccess;

beforeEach(async () => {
  array = new FakeArray();
  mount = new TreeAccess(new ArrayTree(array));
  await array.createVolume({ name: 'db', sizeBytes: 4096 });
  await array.createVolume({ name: 'log', sizeBytes: 512 });
  await array.takeSnapshots(['db'], { name: 'monday' });
});

describe('a snapshot', () => {
  it('is read only, whatever mode it is given', async () => {
    expect(await codeOf(() => mount.open('/snapshots/db/monday', WRITE))).toBe('EROFS');
    const changed = await mount.change('/snapshots/db/monday', { mode: 0o666 });
    expect(changed.mode).toBe(0o100444);
    const truncate = () => mount.change('/snapshots/db/monday', { sizeBytes: 0 });
    expect(await codeOf(truncate)).toBe('EROFS');
  });

  it('is deleted by rm, not while it is open, and not renamed', async () => {
    const file = await mount.open('/snapshots/db/monday');
    expect((await contentOf(file)).length).toBe(4096);
    expect(await codeOf(() => mount.remove('/snapshots/db/monday'))).toBe('EBUSY');
    await file.close();
    const rename = () => mount.rename('/snapshots/db/monday', '/snapshots/db/tuesday');
    expect(await codeOf(rename)).toBe('EPERM');
    expect(await codeOf(() => mount.remove('/snapshots/db/monday'))).toBe('done');
    expect(mount.names('/snapshots/db')).toEqual([]);
    expect(await codeOf(() => mount.remove('/snapshots/db/monday'))).toBe('ENOENT');
  });
});

describe('an information file', () => {
  it('has no content until 512 bytes are written at 0', async () => {
    expect((await mount.stat('/info/db')).sizeBytes).toBe(0);
    await mount.echo('/info/db', SECTOR);
    expect((await mount.stat('/info/db')).sizeBytes).toBe(512);
    expect(await contentOf(await mount.open('/info/db'))).toEqual(Buffer.from(SECTOR));
    expect(array.volume('db').info).toEqual(SECTOR);
    expect((await mount.stat('/info/log')).sizeBytes).toBe(0);
  });

  it('keeps a copy of what was lent to it', async () => {
    const lent = Buffer.alloc(512, 1);
    const file = await mount.open('/info/db@monday', READ_WRITE);
    await file.write(0, lent);
    lent.fill(9);
    expect((await contentOf(file))[0]).toBe(1);
    expect(array.snapshot('db', 'monday').info?.[0]).toBe(1);
  });

  it.each([
    [0, 511],
    [0, 513],
    [0, 0],
    [1, 512],
    [512, 512],
  ])('refuses a write at %d of %d bytes', async (offset, length) => {
    const file = await mount.open('/info/db', WRITE);
    expect(await codeOf(() => file.write(offset, new Uint8Array(length)))).toBe('EINVAL');
    expect(array.volume('db').info).toBeUndefined();
  });

  it('ignores truncation, refuses other sizes and attributes', async () => {
    await mount.echo('/info/db', SECTOR);
    expect((await mount.change('/info/db', { sizeBytes: 0 })).sizeBytes).toBe(512);
    expect(await codeOf(() => mount.change('/info/db', { sizeBytes: 100 }))).toBe('EINVAL');
    expect(await codeOf(() => mount.change('/info/db', { mode: 0o777 }))).toBe('EPERM');
  });
});

describe('an array mounted read-only', () => {
  it('refuses every change with EROFS', async () => {
    const readOnly = new FakeArray(true);
    await readOnly.createVolume({ name: 'db', sizeBytes: 512 });
    await readOnly.takeSnapshots(['db'], { name: 'monday' });
    const ro = new TreeAccess(new ArrayTree(readOnly));
    const changes: (() => unknown)[] = [
      () => ro.create('/volumes/new'),
      () => ro.remove('/volumes/db'),
      () => ro.rename('/volumes/db', '/volumes/db2'),
      () => ro.change('/volumes/db', { sizeBytes: 0 }),
      () => ro.change('/volumes/db', { mode: 0o600 }),
      () => ro.open('/volumes/db', WRITE),
      () => ro.open('/info/db', WRITE),
      () => ro.remove('/snapshots/db/monday'),
      () => ro.echo('/ctl/create', 'new 1G\n'),
    ];
    expect(await Promise.all(changes.map(codeOf))).toEqual(changes.map(() => 'EROFS'));
    expect((await ro.text('/volumes/db')).length).toBe(512);
  });
});
