/** /pairs: files that follow a pair while it is copied, split, renamed and deleted. */
import { beforeEach, describe, expect, it } from 'vitest';
import { ArrayNotices } from '../../src/fuse/array-notices.js';
import { ArrayTree } from '../../src/fuse/array-tree.js';
import { FakeArray } from '../control/fake-array.js';
import { codeOf, contentOf, TreeAccess, WRITE } from './tree-access.js';

let array: FakeArray;
let mount: TreeAccess;

beforeEach(async () => {
  array = new FakeArray();
  mount = new TreeAccess(new ArrayTree(array));
  for (const name of ['db', 'db-copy']) await array.createVolume({ name, sizeBytes: 2 ** 20 });
  await mount.echo('/ctl/paircreate', 'db db-copy pace=fast');
});

describe('/pairs', () => {
  it('has a text and a JSON file for each pair', async () => {
    expect(mount.names('/pairs')).toEqual(['db:db-copy', 'db:db-copy.json']);
    expect(await mount.text('/pairs/db:db-copy')).toMatch(/^secondary-state +duplex-pending$/m);
    expect(JSON.parse(await mount.text('/pairs/db:db-copy.json'))).toMatchObject({
      name: 'db:db-copy',
      pace: 'fast',
      pendingTracks: 16,
    });
  });

  it.each(['none', 'db', 'db:none', '#1:#2', '#2', 'db:db-copy.txt', 'db:db-copy.json.json'])(
    'has no %s',
    async (name) => {
      expect(await codeOf(() => mount.node(`/pairs/${name}`))).toBe('ENOENT');
    },
  );

  it('is changed by commands alone, and says so', async () => {
    expect(await codeOf(() => mount.create('/pairs/db:x'))).toBe('EPERM');
    expect(await codeOf(() => mount.remove('/pairs/db:db-copy'))).toBe('EPERM');
    expect(await codeOf(() => mount.rename('/pairs/db:db-copy', '/pairs/x'))).toBe('EPERM');
    expect(await codeOf(() => mount.open('/pairs/db:db-copy', WRITE))).toBe('EACCES');
    expect(array.refusals[0]?.error.reason).toContain('ctl/paircreate');
  });

  it('tells sizes and times of what is read', async () => {
    array.finishCopy('db:db-copy');
    const { sizeBytes, modifiedMs, mode } = await mount.stat('/pairs/db:db-copy');
    expect(sizeBytes).toBe((await mount.text('/pairs/db:db-copy')).length);
    expect(modifiedMs).toBe(array.pair('db:db-copy').synchronisedMs);
    expect(mode & 0o777).toBe(0o400);
  });
});

describe('a reader of a pair', () => {
  it('follows it from the start, also under new names of its volumes', async () => {
    const file = await mount.open('/pairs/db:db-copy');
    expect((await contentOf(file)).toString()).toMatch(/^pending +16$/m);
    expect(file.isReadable?.()).toBe(false);
    array.finishCopy('db:db-copy');
    expect(file.isReadable?.()).toBe(true);
    await mount.rename('/volumes/db', '/volumes/orders');
    const text = (await contentOf(file)).toString();
    expect(text).toMatch(/^primary +orders$/m);
    expect(text).toMatch(/^pending +0$/m);
    expect(mount.names('/pairs')).toContain('orders:db-copy');
  });

  it('is told that the pair is gone', async () => {
    const file = await mount.open('/pairs/db:db-copy');
    await contentOf(file);
    await mount.echo('/ctl/pairdelete', 'db:db-copy now=yes');
    expect(file.isReadable?.()).toBe(true);
    expect(await codeOf(async () => file.read(0, Buffer.alloc(10)))).toBe('ENOENT');
    expect(await codeOf(() => mount.tree.attributes(file.node))).toBe('ENOENT');
    expect(mount.names('/pairs')).toEqual([]);
  });
});

describe('a change of a pair', () => {
  it('wakes the readers of both of its files', () => {
    const woken: number[] = [];
    const notices = new ArrayNotices({
      keepsPages: false,
      nodeReadable: ({ ino }) => woken.push(ino),
      contentChanged: () => undefined,
      attributesChanged: () => undefined,
      delivered: async () => undefined,
    });
    notices.pairChanged(array.pair('db:db-copy').number);
    expect(woken).toEqual(
      ['/pairs/db:db-copy', '/pairs/db:db-copy.json'].map((path) => mount.node(path).ino),
    );
  });
});

describe('a command on pairs', () => {
  it('answers on its own descriptor per pair what was done', async () => {
    array.finishCopy('db:db-copy');
    await mount.echo('/ctl/split', 'db:db-copy');
    expect(await mount.text('/ctl/split')).toMatch(
      /last result: ok db:db-copy is split-pending now\n$/,
    );
    await mount.echo('/ctl/split', 'db:db-copy');
    expect(await mount.text('/ctl/split')).toMatch(
      /ok db:db-copy is split already, nothing done\n$/,
    );
    expect(await codeOf(() => mount.echo('/ctl/suspend', 'db:db-copy'))).toBe('EBUSY');
    expect(await mount.text('/ctl/suspend')).toMatch(
      /error EBUSY: db:db-copy is not copying updates: db:db-copy\n$/,
    );
  });
});
