/** Which files and names a change of the array concerns, and who is woken by it. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { StorageArray } from '../../src/array/array.js';
import { ArrayTree } from '../../src/fuse/array-tree.js';
import type { TreeNode, TreeWatcher } from '../../src/fuse/file-tree.js';
import { FakeArray } from '../control/fake-array.js';
import { ManualClock } from '../support/manual-clock.js';
import { newMemoryStore, openMemoryArray } from '../support/memory-array.js';
import { contentOf, TreeAccess } from './tree-access.js';

const PATHS = [
  ...['/volumes', '/snapshots', '/info', '/volumes/db', '/snapshots/db', '/snapshots/db/monday'],
  ...['/info/db', '/info/db@monday', '/events'],
];

let array: StorageArray;
let mount: TreeAccess;
/** The path a node had before any change. */
let pathOf: (node: TreeNode) => string;
let told: string[];
/** Set: whoever waits for delivery says so, and waits for `deliver`. */
let noteWaiting: (() => void) | undefined;
let deliver: (() => void) | undefined;

const watcher: TreeWatcher = {
  keepsPages: false,
  attributesChanged: (node) => told.push(`attributes ${pathOf(node)}`),
  contentChanged: (node) => told.push(`content ${pathOf(node)}`),
  nodeReadable: (node) => told.push(`readable ${pathOf(node)}`),
  delivered: () => {
    if (noteWaiting === undefined) return Promise.resolve();
    noteWaiting();
    return new Promise((resolve) => {
      deliver = resolve;
    });
  },
};

beforeEach(async () => {
  const clock = new ManualClock();
  array = await openMemoryArray(newMemoryStore(clock), clock);
  const tree = new ArrayTree(array);
  mount = new TreeAccess(tree);
  await array.createVolume({ name: 'db', sizeBytes: 4096 });
  await array.takeSnapshots(['db'], { name: 'monday' });
  const paths = new Map(PATHS.map((path) => [mount.node(path).ino, path]));
  pathOf = (node) => paths.get(node.ino) ?? `inode ${node.ino}`;
  told = [];
  noteWaiting = undefined;
  deliver = undefined;
  tree.watch(watcher);
});

/** What was told, but for new lines in /events. */
const changes = () => told.filter((line) => line !== 'readable /events');

describe('the watcher of the tree', () => {
  it('is told that an image has another content', async () => {
    await mount.echo('/ctl/restore', 'db@monday');
    expect(changes()).toEqual(['content /volumes/db']);
  });

  it('is told that a renamed volume has another time of change', async () => {
    await mount.rename('/volumes/db', '/volumes/new');
    expect(changes()).toEqual(['attributes /volumes/db']);
  });

  it('is told that a deleted volume and its snapshots have no link any more', async () => {
    await mount.echo('/ctl/delete', 'db snapshots=yes');
    expect(changes()).toEqual(['attributes /snapshots/db/monday', 'attributes /volumes/db']);
  });

  it('is told of a chmod of an image, which its information file follows without a word', async () => {
    await mount.change('/volumes/db', { mode: 0o640 });
    expect(changes()).toEqual(['attributes /volumes/db']);
    expect((await mount.stat('/info/db')).mode & 0o777).toBe(0o640);
  });

  it('is told that an information file has another content', async () => {
    await array.setInfo(array.volume('db'), new Uint8Array(512));
    expect(changes()).toEqual(['content /info/db']);
  });

  it('is told nothing of new names', async () => {
    await mount.echo('/ctl/create', 'new 1M');
    await mount.echo('/ctl/snapshot', 'db name=tuesday');
    await mount.echo('/ctl/clone', 'db@monday copy');
    expect(changes()).toEqual([]);
  });

  it('holds the answer of a command until the host has been told, and no other answer', async () => {
    const waiting = new Promise<void>((resolve) => {
      noteWaiting = resolve;
    });
    let answered = false;
    const command = mount.echo('/ctl/restore', 'db@monday').then(() => {
      answered = true;
    });
    await waiting;
    await mount.rename('/volumes/db', '/volumes/new');
    expect([answered, array.findVolume('new')?.number]).toEqual([false, 1]);
    deliver?.();
    await command;
    expect(answered).toBe(true);
  });

  it('needs no word about the nodes that nobody may keep', async () => {
    await array.scrub('all');
    const made = ['/events', '/status/volumes', '/status/array.json', '/jobs/1', '/ctl/help'];
    for (const path of [...made, '/info/db', '/info/db@monday']) {
      expect([path, mount.node(path).isVolatile]).toEqual([path, true]);
    }
    const kept = ['/volumes/db', '/snapshots/db/monday', '/ctl/create', '/volumes'];
    for (const path of [...kept, '/snapshots/db']) {
      expect([path, mount.node(path).isVolatile ?? false]).toEqual([path, false]);
    }
  });

  it('lets images be cached, and nothing else', async () => {
    await mount.echo('/ctl/create', 'new 1M');
    const cached = async (path: string) => (await mount.open(path)).mayBeCached ?? false;
    expect([await cached('/volumes/db'), await cached('/snapshots/db/monday')]).toEqual([
      true,
      true,
    ]);
    for (const path of ['/info/db', '/events', '/status/volumes', '/ctl/create']) {
      expect([path, await cached(path)]).toEqual([path, false]);
    }
    const created = await mount.create('/volumes/created');
    expect(created.mayBeCached).toBe(true);
  });
});

describe('a reader of events', () => {
  it('has something to read until it has read all, and again after the next event', async () => {
    const file = await mount.open('/events');
    expect(file.isReadable?.()).toBe(true);
    const before = await contentOf(file);
    expect(file.isReadable?.()).toBe(false);
    array.recordEvent('BUSY', '-', 'more');
    expect(told).toContain('readable /events');
    expect(file.isReadable?.()).toBe(true);
    const more = Buffer.alloc(1000);
    const length = await file.read(before.length, more);
    expect(more.subarray(0, length).toString()).toMatch(/ BUSY - more\n$/);
    expect(file.isReadable?.()).toBe(false);
  });

  it('that begins at the end has read all', async () => {
    const file = await mount.open('/events');
    expect(await file.read(array.events.sizeBytes, Buffer.alloc(10))).toBe(0);
    expect(file.isReadable?.()).toBe(false);
    expect(await file.read(array.events.sizeBytes + 10, Buffer.alloc(10))).toBe(0);
    array.recordEvent('BUSY', '-', 'more');
    expect(file.isReadable?.()).toBe(true);
  });
});

describe('a reader of a job', () => {
  it('is woken when the job changes, whichever form it reads', async () => {
    const { id } = await array.scrub('db');
    const nodes = [mount.node(`/jobs/${id}`), mount.node(`/jobs/${id}.json`)];
    await array.cancelJob(id);
    expect(told).toEqual(expect.arrayContaining(nodes.map((node) => `readable inode ${node.ino}`)));
  });

  it('has something to read when the job is another, from the start', async () => {
    const fake = new FakeArray();
    const access = new TreeAccess(new ArrayTree(fake));
    const { id } = await fake.scrub('all');
    const file = await access.open(`/jobs/${id}`);
    expect(file.isReadable?.()).toBe(true);
    const running = await contentOf(file);
    expect(running.toString()).toMatch(/state +running/);
    expect(file.isReadable?.()).toBe(false);
    await fake.cancelJob(id);
    expect(file.isReadable?.()).toBe(true);
    const rest = Buffer.alloc(20);
    await file.read(20, rest);
    expect(rest).toEqual(running.subarray(20, 40));
    expect((await contentOf(file)).toString()).toMatch(/state +cancelled/);
    expect(file.isReadable?.()).toBe(false);
  });
});
