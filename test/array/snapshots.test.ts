/** Snapshots, clones and restores: one instant, nothing half done, any number at the same cost. */
import { beforeEach, describe, expect, it } from 'vitest';
import { timeStampName } from '../../src/array/time-stamp-name.js';
import { BLOCK_BYTES } from '../../src/base/sizes.js';
import type { StoreEntry, TableName } from '../../src/store/block-store.js';
import { MemoryStore } from '../../src/store/memory-store.js';
import { newIdentity, writeIdentity } from '../../src/store/pool-files.js';
import { ManualClock } from '../support/manual-clock.js';
import { openMemoryArray } from '../support/memory-array.js';
import { ArrayFixture } from './array-fixture.js';

const FREE = { force: false };
const INFO = new Uint8Array(512).fill(3);

let fixture: ArrayFixture;
beforeEach(async () => {
  fixture = await ArrayFixture.open();
  await fixture.create(3, 'db', 'log');
});

describe('timeStampName', () => {
  const ms = Date.UTC(2026, 1, 3, 4, 5, 6, 789);
  it.each<[string[], string]>([
    [[], '20260203T040506Z'],
    [['20260203T040506Z'], '20260203T040506Z-2'],
    [['20260203T040506Z', '20260203T040506Z-2'], '20260203T040506Z-3'],
    [['20260203T040506Z-2'], '20260203T040506Z'],
  ])('beside %j is %s', (taken, name) => {
    expect(timeStampName(ms, (candidate) => taken.includes(candidate))).toBe(name);
  });
});

describe('a snapshot', () => {
  it('of several volumes is one instant, with one name', async () => {
    await fixture.fill('db', 0, 1);
    await fixture.fill('log', 0, 2);
    const taken = fixture.array.takeSnapshots(['db', 'log'], {});
    await fixture.fill('db', 0, 8);
    await fixture.fill('log', 0, 9);
    const names = (await taken).map(({ name }) => name);
    expect(names).toEqual(['20260101T000000Z', '20260101T000000Z']);
    expect([fixture.bytes(`db@${names[0]}`)[0], fixture.bytes(`log@${names[0]}`)[0]]).toEqual([
      1, 2,
    ]);
  });

  it('without a name gets one that none of the volumes has', async () => {
    await fixture.array.takeSnapshots(['log'], {});
    const [snapshot] = await fixture.array.takeSnapshots(['db', 'log'], {});
    expect(snapshot?.name).toBe('20260101T000000Z-2');
  });

  it('keeps the size its volume had', async () => {
    await fixture.array.takeSnapshots(['db'], { name: 'before' });
    await fixture.drive(fixture.array.resizeVolume('db', BLOCK_BYTES, FREE));
    await fixture.array.takeSnapshots(['db'], { name: 'after' });
    const sizes = fixture.array.volume('db').snapshots.map(({ sizeBytes }) => sizeBytes);
    expect(sizes).toEqual([3 * BLOCK_BYTES, BLOCK_BYTES]);
  });

  it('follows its volume when that is renamed', async () => {
    await fixture.array.takeSnapshots(['db'], { name: 's' });
    await fixture.array.renameVolume('db', 'new');
    expect(fixture.array.snapshot('new', 's').volume.name).toBe('new');
  });

  it('is known by its number, and its volume by that', async () => {
    const [snapshot] = await fixture.array.takeSnapshots(['db'], { name: 's' });
    expect(fixture.array.copy(`#${snapshot?.number}`)).toBe(snapshot);
    expect(fixture.array.findSnapshot('#1', `#${snapshot?.number}`)).toBe(snapshot);
    expect(fixture.array.findSnapshot('log', `#${snapshot?.number}`)).toBeUndefined();
  });
});

describe('a restore', () => {
  it('brings content and size back, and leaves later snapshots', async () => {
    await fixture.fill('db', 0, 1, 3);
    await fixture.array.takeSnapshots(['db'], { name: 'first' });
    await fixture.fill('db', 0, 2, 5);
    await fixture.array.takeSnapshots(['db'], { name: 'second' });
    await fixture.array.restore('db', 'first', FREE);
    expect([fixture.bytes('db'), fixture.bytes('db@second')]).toEqual([
      [1, 1, 1],
      [2, 2, 2, 2, 2],
    ]);
    await fixture.array.restore('db', 'second', FREE);
    await fixture.settle();
    expect(fixture.bytes('db')).toEqual([2, 2, 2, 2, 2]);
  });

  it('gives back in the end what nobody shows', async () => {
    await fixture.fill('db', 0, 1, 3);
    await fixture.array.takeSnapshots(['db'], { name: 's' });
    for (let round = 0; round < 20; round += 1) {
      await fixture.fill('db', 0, 10 + round, 3);
      await fixture.array.restore('db', 's', FREE);
    }
    await fixture.settle();
    expect([fixture.array.pools()[0]?.storedBlocks, fixture.bytes('db')]).toEqual([3, [1, 1, 1]]);
  });
});

describe('volume information', () => {
  it('is carried by snapshots, with whether it is older than the content', async () => {
    await fixture.array.setInfo(fixture.array.volume('db'), INFO);
    await fixture.array.takeSnapshots(['db'], { name: 'fresh' });
    await fixture.fill('db', 0, 1);
    await fixture.array.takeSnapshots(['db'], { name: 'stale' });
    const [fresh, stale] = fixture.array.volume('db').snapshots;
    expect([fresh?.info, fresh?.infoModified]).toEqual([INFO, false]);
    expect([stale?.info, stale?.infoModified]).toEqual([INFO, true]);
  });

  it('given with a snapshot is stored with it and not with the volume', async () => {
    const own = new Uint8Array(512).fill(9);
    await fixture.array.takeSnapshots(['db', 'log'], { name: 's', info: own });
    const infos = ['db', 'log'].map((name) => fixture.array.snapshot(name, 's').info);
    expect([infos, fixture.array.volume('db').info]).toEqual([[own, own], undefined]);
  });

  it('given for each of several snapshots is stored with its own, in their order', async () => {
    const both = new Uint8Array(1024).fill(1, 0, 512).fill(2, 512);
    await fixture.array.takeSnapshots(['log', 'db'], { name: 's', info: both });
    const infos = ['db', 'log'].map((name) => fixture.array.snapshot(name, 's').info);
    expect(infos.map((info) => [info?.length, info?.[0]])).toEqual([
      [512, 2],
      [512, 1],
    ]);
    const three = { name: 't', info: new Uint8Array(1536) };
    await expect(fixture.array.takeSnapshots(['log', 'db'], three)).rejects.toThrow(/EINVAL.*512/);
    expect(fixture.array.volume('db').snapshots.map(({ name }) => name)).toEqual(['s']);
  });

  it('is not carried by clones', async () => {
    await fixture.array.setInfo(fixture.array.volume('db'), INFO);
    await fixture.array.takeSnapshots(['db'], { name: 's' });
    const clone = await fixture.array.clone('db', 's', 'copy', {});
    expect([clone.info, clone.infoModified]).toEqual([undefined, false]);
  });

  it('is older than the content after a restore', async () => {
    await fixture.array.takeSnapshots(['db'], { name: 's' });
    await fixture.array.setInfo(fixture.array.volume('db'), INFO);
    await fixture.array.restore('db', 's', FREE);
    expect([fixture.array.volume('db').info, fixture.array.volume('db').infoModified]).toEqual([
      INFO,
      true,
    ]);
  });

  it('is new again when it is stored again, and may be cleared', async () => {
    const { array } = fixture;
    await array.setInfo(array.volume('db'), INFO);
    await fixture.fill('db', 0, 1);
    await array.setInfo(array.volume('db'), INFO);
    expect(array.volume('db').infoModified).toBe(false);
    await array.setInfo(array.volume('db'), undefined);
    await fixture.fill('db', 0, 2);
    expect([array.volume('db').info, array.volume('db').infoModified]).toEqual([undefined, false]);
  });
});

/** Counts what reads look up in the tables, blocks aside. */
class CountingStore extends MemoryStore {
  lookups = 0;
  override get(table: TableName, key: Uint8Array): Uint8Array | undefined {
    this.lookups += 1;
    return super.get(table, key);
  }
  override *range(table: TableName, start: Uint8Array, end: Uint8Array): Generator<StoreEntry> {
    for (const entry of super.range(table, start, end)) {
      this.lookups += 1;
      yield entry;
    }
  }
}

describe('a volume with 1,000 snapshots', () => {
  it('is read as cheaply as one with none, cold and warm', async () => {
    const clock = new ManualClock();
    const store = new CountingStore();
    writeIdentity(store, newIdentity({ capacityBytes: 2 ** 40, blocks: 'lmdb' }, clock));
    const array = await openMemoryArray(store, clock);
    for (const name of ['plain', 'deep'])
      await array.createVolume({ name, sizeBytes: 64 * BLOCK_BYTES });
    const write = (name: string, block: number, byte: number) => {
      const image = array.openImage(array.volume(name), { write: true });
      image.write(block * BLOCK_BYTES, new Uint8Array(BLOCK_BYTES).fill(byte));
      image.close();
    };
    for (let block = 0; block < 64; block += 1)
      for (const name of ['plain', 'deep']) write(name, block, 1);
    for (let round = 0; round < 1_000; round += 1) {
      write('deep', round % 64, 2);
      await array.takeSnapshots(['deep'], { name: `s${round}` });
    }
    await array.sync();
    const cost = (name: string): number => {
      store.lookups = 0;
      const image = array.openImage(array.volume(name), { write: false });
      image.read(0, new Uint8Array(64 * BLOCK_BYTES));
      image.close();
      return store.lookups;
    };
    for (const name of ['plain', 'deep']) array.volume(name).lineage.index.clear();
    const cold = [cost('plain'), cost('deep')] as const;
    expect(cold[0]).toBe(64);
    // A seek passes over at most eight older versions of a block before it jumps to the next block.
    expect(cold[1]).toBeLessThanOrEqual(64 * 10);
    expect([cost('plain'), cost('deep')]).toEqual([0, 0]);
    await array.close();
  });
});
