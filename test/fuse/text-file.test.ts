/** Texts that change while programs read them by the size that stat tells: nobody is shown a part of one. */
import { beforeEach, describe, expect, it } from 'vitest';
import { ArrayTree } from '../../src/fuse/array-tree.js';
import type { OpenFile } from '../../src/fuse/file-tree.js';
import { FakeArray } from '../control/fake-array.js';
import { contentOf, TreeAccess } from './tree-access.js';

const LONG = 'a-much-longer-name';

let array: FakeArray;
let mount: TreeAccess;
/** Of the volume that is renamed. */
let name: string;

async function rename(newName: string): Promise<void> {
  await mount.rename(`/volumes/${name}`, `/volumes/${newName}`);
  name = newName;
}

/** A job's text has no name of a volume in it, but changes its length with its state. */
async function grow(): Promise<void> {
  await rename(LONG);
  await mount.echo('/ctl/cancel', '1');
  await mount.echo('/ctl/create', 'a-volume-with-a-long-name 1G').catch(() => undefined);
}

async function shrink(): Promise<void> {
  await rename('a');
  await mount.echo('/ctl/create', 'b 1G').catch(() => undefined);
}

/** As Node's readFile: as many bytes as stat tells, less only at the end. */
async function readBySize(file: OpenFile, sizeBytes: number): Promise<string> {
  const target = Buffer.alloc(sizeBytes);
  return target.subarray(0, await file.read(0, target)).toString();
}

const sizeOf = async (file: OpenFile) => (await mount.tree.attributes(file.node)).sizeBytes;

beforeEach(async () => {
  array = new FakeArray();
  mount = new TreeAccess(new ArrayTree(array));
  for (const each of ['db', 'copy']) await array.createVolume({ name: each, sizeBytes: 2 ** 20 });
  name = 'db';
  await mount.echo('/ctl/paircreate', 'db copy');
  await mount.echo('/ctl/scrub', 'all');
});

const PATHS = [
  '/pairs/db:copy',
  '/pairs/db:copy.json',
  '/jobs/1',
  '/jobs/1.json',
  '/status/volumes',
  '/status/pairs.json',
  '/ctl/create',
];

describe.each(PATHS)('%s', (path) => {
  const open = () => mount.open(path.replace('db:', `${name}:`));
  const isWhole = (text: string) => {
    expect(text).toMatch(/\n$/);
    if (path.endsWith('.json')) expect(() => JSON.parse(text)).not.toThrow();
  };

  it.each([
    ['grows', grow],
    ['shrinks', shrink],
  ])('is read whole by its size when it %s before or after that was told', async (_how, change) => {
    const early = await open();
    const late = await open();
    const size = await sizeOf(early);
    await change();
    isWhole(await readBySize(early, size));
    isWhole(await readBySize(late, await sizeOf(late)));
  });

  it('is read whole by several readers, each with the size that it was told', async () => {
    const first = await open();
    const sizes = [await sizeOf(first)];
    await grow();
    const second = await open();
    sizes.push(await sizeOf(second));
    await shrink();
    const third = await open();
    sizes.push(await sizeOf(third));
    for (const [index, file] of [first, second, third].entries()) {
      isWhole(await readBySize(file, sizes[index] ?? 0));
    }
  });

  it('has its own size again when all readers have gone', async () => {
    const file = await open();
    await mount.tree.attributes(file.node);
    await shrink();
    await file.close();
    const again = await open();
    const text = await contentOf(again);
    expect(await sizeOf(again)).toBe(text.length);
    await again.close();
  });
});

describe('the file of a pair', () => {
  it('is as of now for who reads it again from the start, whoever has asked for its size', async () => {
    const file = await mount.open('/pairs/db:copy');
    await contentOf(file);
    await mount.stat('/pairs/db:copy');
    await grow();
    expect((await contentOf(file)).toString()).toContain(LONG);
    await mount.tree.attributes(file.node);
    await shrink();
    expect((await contentOf(file)).toString()).not.toContain(LONG);
  });

  it('is made by the first read of a descriptor whose size nobody has asked for', async () => {
    const file = await mount.open('/pairs/db:copy');
    await grow();
    expect((await contentOf(file)).toString()).toContain(LONG);
  });

  it('may be read on in pieces while it changes', async () => {
    const file = await mount.open('/pairs/db:copy.json');
    const start = Buffer.alloc(100);
    await file.read(0, start);
    await grow();
    const rest = Buffer.alloc(4096);
    const filled = await file.read(100, rest);
    const text = `${start}${rest.subarray(0, filled)}`;
    expect(JSON.parse(text)).toMatchObject({ primary: 'db' });
  });
});
