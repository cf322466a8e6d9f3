/** Ordinary file operations on the array's tree, and what each means. */
import { beforeEach, describe, expect, it } from 'vitest';
import { ArrayTree } from '../../src/fuse/array-tree.js';
import { FakeArray } from '../control/fake-array.js';
import { codeOf, OVERWRITE, READ_WRITE, TreeAccess, WRITE } from './tree-access.js';

const CALLER = { uid: 5, gid: 6, pid: 7 };

let array: FakeArray;
let mount: TreeAccess;

beforeEach(async () => {
  array = new FakeArray();
  mount = new TreeAccess(new ArrayTree(array), CALLER);
  await array.createVolume({ name: 'db', sizeBytes: 4096 });
  await array.createVolume({ name: 'log', sizeBytes: 512 });
  await array.takeSnapshots(['db'], { name: 'monday' });
});

describe('the tree', () => {
  it.each([
    ['/', 'volumes snapshots info pairs targets jobs ctl status events'],
    ['/volumes', 'db log'],
    ['/snapshots', 'db log'],
    ['/snapshots/db', 'monday'],
    ['/snapshots/log', ''],
    ['/info', 'db db@monday log'],
    ['/pairs', ''],
    ['/jobs', ''],
  ])('lists %s', (path, names) => {
    expect(mount.names(path).join(' ')).toBe(names);
  });

  it('gives every listed node the inode and kind that a lookup gives, each inode once', async () => {
    await array.scrub('all');
    await mount.echo('/ctl/create', 'db-copy 4096');
    await mount.echo('/ctl/paircreate', 'db db-copy');
    const seen = new Set<number>([mount.node('/').ino]);
    const visit = async (path: string): Promise<void> => {
      for (const { name, node } of mount.tree.list(mount.node(path))) {
        const found = mount.node(`${path}/${name}`);
        expect([found.ino, found.isDirectory]).toEqual([node.ino, node.isDirectory]);
        expect(seen.has(node.ino), `${path}/${name} has an inode of its own`).toBe(false);
        seen.add(node.ino);
        const { ino, mode } = await mount.stat(`${path}/${name}`);
        expect([ino, mode >> 12]).toEqual([node.ino, node.isDirectory ? 4 : 8]);
        if (node.isDirectory) await visit(`${path}/${name}`);
      }
    };
    await visit('');
    expect(seen.size).toBeGreaterThan(40);
  });

  it.each([
    ['/volumes/none', 'ENOENT'],
    ['/volumes/#1', 'ENOENT'],
    ['/volumes/db/x', 'ENOTDIR'],
    ['/snapshots/db/tuesday', 'ENOENT'],
    ['/snapshots/#1', 'ENOENT'],
    ['/snapshots/db/#3', 'ENOENT'],
    ['/info/db@', 'ENOENT'],
    ['/info/db@tuesday', 'ENOENT'],
    ['/info/#1@monday', 'ENOENT'],
    ['/pairs/db:log', 'ENOENT'],
    ['/jobs/1', 'ENOENT'],
    ['/jobs/x', 'ENOENT'],
    ['/status/none', 'ENOENT'],
    ['/events/x', 'ENOTDIR'],
  ])('has no %s', async (path, code) => {
    expect(await codeOf(() => mount.node(path))).toBe(code);
  });

  it('shows modes and owners by the mounting user', async () => {
    const modes = await Promise.all(
      ['/', '/ctl', '/ctl/create', '/ctl/help', '/status/volumes', '/events', '/info/db'].map(
        async (path) => (await mount.stat(path)).mode & 0o777,
      ),
    );
    expect(modes).toEqual([0o711, 0o700, 0o600, 0o400, 0o400, 0o400, 0o600]);
    expect(await mount.stat('/ctl/create')).toMatchObject({ uid: 1000, gid: 1000 });
  });

  it('makes and removes no directories, and says so in events', async () => {
    expect(await codeOf(() => mount.makeDirectory('/volumes/dir'))).toBe('EPERM');
    expect(await codeOf(() => mount.removeDirectory('/snapshots/db'))).toBe('EPERM');
    expect(await codeOf(() => mount.removeDirectory('/volumes/db'))).toBe('ENOTDIR');
    expect(await codeOf(() => mount.removeDirectory('/volumes/none'))).toBe('ENOENT');
    expect(array.refusals.map(({ subject }) => subject)).toEqual(['dir', 'db']);
  });

  it('makes files nowhere but in /volumes', async () => {
    for (const path of [
      '/x',
      '/snapshots/x',
      '/snapshots/db/x',
      '/info/x',
      '/pairs/x',
      '/jobs/9',
      '/ctl/x',
    ]) {
      expect([path, await codeOf(() => mount.create(path))]).toEqual([path, 'EPERM']);
    }
    expect(array.refusals).toHaveLength(7);
  });

  it('removes no virtual file', async () => {
    for (const path of ['/events', '/ctl/create', '/status/volumes', '/info/db']) {
      expect([path, await codeOf(() => mount.remove(path))]).toEqual([path, 'EPERM']);
    }
    expect(await codeOf(() => mount.remove('/volumes'))).toBe('EISDIR');
  });

  it('tells capacity and room', () => {
    expect(mount.tree.statistics()).toEqual({
      totalBytes: 2 ** 30,
      freeBytes: 2 ** 30 - 2 ** 20,
      files: 16_384,
      filesFree: 16_382,
      nameCharactersMax: 134,
    });
  });
});

describe('an image', () => {
  it('is made empty by creating a file, owned by the caller and private', async () => {
    const file = await mount.create('/volumes/new', 0o644);
    expect(await mount.stat('/volumes/new')).toMatchObject({
      mode: 0o100600,
      uid: 5,
      gid: 6,
      sizeBytes: 0,
      linkCount: 1,
    });
    await file.close();
    expect(array.volume('new').openCount).toBe(0);
  });

  it('belongs to the mounting user where the transport does not know the caller', async () => {
    const unknown = new TreeAccess(mount.tree);
    await (await unknown.create('/volumes/new', 0o666)).close();
    expect(await mount.stat('/volumes/new')).toMatchObject({ mode: 0o100600, uid: 1000 });
  });

  it('grows by a write past its end, rounded up to a sector', async () => {
    const file = await mount.create('/volumes/new');
    await file.write(1000, Buffer.from('hello'));
    expect((await mount.stat('/volumes/new')).sizeBytes).toBe(1024);
    const piece = Buffer.alloc(5);
    expect([await file.read(1000, piece), piece.toString()]).toEqual([5, 'hello']);
    await file.close();
  });

  it('shows allocated space in sectors', async () => {
    array.change('db', { allocatedBytes: 1025 });
    expect((await mount.stat('/volumes/db')).sectorsAllocated).toBe(3);
  });

  it.each([
    [10_000, 10_240],
    [512, 512],
    [1, 512],
    [0, 0],
    [16 * 2 ** 40, 16 * 2 ** 40],
  ])('is truncated to %d as %d bytes', async (asked, sizeBytes) => {
    expect((await mount.change('/volumes/db', { sizeBytes: asked })).sizeBytes).toBe(sizeBytes);
  });

  it('is never larger than 16 TiB', async () => {
    const sizeBytes = 16 * 2 ** 40 + 1;
    expect(await codeOf(() => mount.change('/volumes/db', { sizeBytes }))).toBe('EFBIG');
  });

  it('shrinks through its only writer, not beside another', async () => {
    const first = await mount.open('/volumes/db', WRITE);
    expect(await codeOf(() => mount.change('/volumes/db', { sizeBytes: 512 }))).toBe('EBUSY');
    expect((await mount.change('/volumes/db', { sizeBytes: 512 }, first)).sizeBytes).toBe(512);
    const second = await mount.open('/volumes/db', READ_WRITE);
    expect(await codeOf(() => mount.change('/volumes/db', { sizeBytes: 0 }, second))).toBe('EBUSY');
    expect(await codeOf(() => mount.open('/volumes/db', OVERWRITE))).toBe('EBUSY');
    await first.close();
    await second.close();
    expect(array.volume('db')).toMatchObject({ openCount: 0, writerCount: 0, sizeBytes: 512 });
  });

  it('does not take a reader for a writer when it is truncated through it', async () => {
    const writer = await mount.open('/volumes/db', WRITE);
    const reader = await mount.open('/volumes/db');
    expect(await codeOf(() => mount.change('/volumes/db', { sizeBytes: 0 }, reader))).toBe('EBUSY');
    await reader.close();
    await writer.close();
  });

  it('keeps chmod, chown and times, which a rename does not touch', async () => {
    const changes = { mode: 0o640, uid: 8, gid: 9, accessedMs: 1_000, modifiedMs: 2_000 };
    await mount.change('/volumes/db', changes);
    await mount.rename('/volumes/db', '/volumes/db2');
    expect(await mount.stat('/volumes/db2')).toMatchObject({ ...changes, mode: 0o100640 });
  });

  it('keeps its inode over a rename, seen through a node of before', async () => {
    const node = mount.node('/volumes/db');
    await mount.rename('/volumes/db', '/volumes/db2');
    expect(mount.node('/volumes/db2').ino).toBe(node.ino);
    array.change('db2', { allocatedBytes: 512 });
    expect((await mount.tree.attributes(node)).sectorsAllocated).toBe(1);
  });

  it('goes on working when it is removed while open', async () => {
    const file = await mount.open('/volumes/log', READ_WRITE);
    await file.write(0, Buffer.from('still here'));
    await mount.remove('/volumes/log');
    expect(await codeOf(() => mount.node('/volumes/log'))).toBe('ENOENT');
    const piece = Buffer.alloc(10);
    expect([await file.read(0, piece), piece.toString()]).toEqual([10, 'still here']);
    expect(await mount.tree.attributes(file.node)).toMatchObject({ linkCount: 0 });
    expect(await codeOf(() => mount.tree.open(file.node, WRITE, CALLER))).toBe('ENOENT');
    await file.close();
  });

  it('is not removed while it has snapshots', async () => {
    expect(await codeOf(() => mount.remove('/volumes/db'))).toBe('EBUSY');
    expect(await codeOf(() => mount.remove('/volumes/none'))).toBe('ENOENT');
  });

  it.each([
    ['/volumes/log', 'EEXIST'],
    ['/volumes/db', 'done'],
    ['/volumes/db2', 'done'],
    ['/volumes/-x', 'EINVAL'],
    ['/volumes/a.json', 'EINVAL'],
    ['/info/db2', 'EPERM'],
    ['/db2', 'EPERM'],
  ])('is renamed to %s: %s', async (path, code) => {
    expect(await codeOf(() => mount.rename('/volumes/db', path))).toBe(code);
    expect(array.findVolume('log')?.number).toBe(2);
  });

  it.each([['..'], ['-x'], ['a.json'], ['all'], ['n'.repeat(65)], ['a b'], ['a\nb'], ['#9']])(
    'is not made under the name %j',
    async (name) => {
      const { tree } = mount;
      const create = () => tree.create(mount.node('/volumes'), name, 0o600, CALLER);
      expect(await codeOf(create)).toBe('EINVAL');
      expect(array.refusals).toHaveLength(1);
    },
  );

  it('tells the user of rsync about --inplace', async () => {
    expect(await codeOf(() => mount.create('/volumes/.db.Xk2j1a'))).toBe('EINVAL');
    expect(array.refusals[0]?.error.reason).toMatch(/to write db with rsync use: rsync --inplace$/);
  });
});
