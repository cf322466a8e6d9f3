/** What a mount reads from the records is what the array was before. */
import { beforeEach, describe, expect, it } from 'vitest';
import { BLOCK_BYTES } from '../../src/base/sizes.js';
import { ArrayFixture } from './array-fixture.js';

const FREE = { force: false };

let fixture: ArrayFixture;
beforeEach(async () => {
  fixture = await ArrayFixture.open();
});

/** Everything the array's contract shows of its copies, and their content. */
function stateOf({ array }: ArrayFixture): unknown {
  return array.volumes().map((volume) => ({
    ...volume.fields,
    epoch: 0,
    lineage: 0,
    uuid: volume.uuid,
    naa: volume.naa,
    allocated: volume.allocatedBytes,
    depth: volume.lineageDepth,
    bytes: fixture.bytes(volume.name),
    snapshots: volume.snapshots.map((snapshot) => ({
      ...snapshot.fields,
      volumeNumber: volume.number,
      naa: snapshot.naa,
      allocated: snapshot.allocatedBytes,
      bytes: fixture.bytes(`${volume.name}@${snapshot.name}`),
    })),
  }));
}

/** A history with everything a record can say. */
async function history(): Promise<void> {
  const { array } = fixture;
  await fixture.create(4, 'db', 'log', 'gone');
  await fixture.fill('db', 0, 1, 4);
  await array.setInfo(array.volume('db'), new Uint8Array(512).fill(7));
  await array.takeSnapshots(['db', 'log'], { name: 'monday', label: 'first' });
  await fixture.fill('db', 1, 2, 2);
  await fixture.drive(array.resizeVolume('db', 3 * BLOCK_BYTES - 512, FREE));
  await array.takeSnapshots(['db'], { name: 'tuesday' });
  await array.clone('db', 'monday', 'copy', {
    label: 'a clone',
    owner: { uid: 1, gid: 2, mode: 0o640 },
  });
  await fixture.fill('copy', 0, 3);
  await array.restore('db', 'monday', FREE);
  await fixture.fill('db', 3, 4);
  await array.deleteSnapshot('db', 'tuesday', FREE);
  await array.deleteVolume('gone', { snapshots: false });
  await array.setLabel(array.volume('log'), 'the log ä');
  array.setOwnership(array.volume('log'), {
    mode: 0o4755,
    uid: 5,
    gid: 6,
    accessedMs: 7,
    modifiedMs: 8,
  });
}

describe('the array after a remount', () => {
  it('is what it was before a clean stop', async () => {
    await history();
    await fixture.settle();
    const before = stateOf(fixture);
    await fixture.remount();
    expect(stateOf(fixture)).toEqual(before);
  });

  it('is what it was before a kill, if it was durable', async () => {
    await history();
    await fixture.array.sync();
    const before = stateOf(fixture);
    await fixture.remount('killed');
    expect(stateOf(fixture)).toEqual(before);
  });

  it('has its volumes in the order of their creation, renamed or not', async () => {
    await fixture.create(1, 'a', 'b', 'c');
    await fixture.array.renameVolume('a', 'z');
    const order = () => fixture.array.volumes().map(({ name }) => name);
    expect(order()).toEqual(['z', 'b', 'c']);
    await fixture.remount();
    expect(order()).toEqual(['z', 'b', 'c']);
  });

  it('has its own identity', async () => {
    const { identity } = fixture.array;
    await fixture.remount();
    expect(fixture.array.identity).toEqual(identity);
  });

  it('frees all in the end when all is deleted', async () => {
    await history();
    await fixture.remount();
    for (const { name } of fixture.array.volumes()) {
      await fixture.array.deleteVolume(name, { snapshots: true });
    }
    await fixture.remount();
    await fixture.settle();
    expect(fixture.array.pools()[0]).toMatchObject({ storedBlocks: 0, reclaimsPending: 0 });
    expect([...fixture.store.blocks.ids(1)]).toEqual([]);
  });

  it('keeps what snapshots show of writes that an fsync confirmed after a restore', async () => {
    const { array } = fixture;
    await fixture.create(2, 'v');
    await array.takeSnapshots(['v'], { name: 'empty' });
    for (const byte of [1, 2]) {
      await fixture.fill('v', 0, byte);
      await array.takeSnapshots(['v'], { name: `full${byte}` });
      await fixture.drive(array.restore('v', 'empty', { force: false }));
    }
    const image = array.openImage(array.volume('v'), { write: true });
    await fixture.drive(image.sync());
    await fixture.remount('killed');
    expect(['v', 'v@full1', 'v@full2'].map((name) => fixture.bytes(name))).toEqual([
      [0, 0],
      [1, 0],
      [2, 0],
    ]);
  });

  it('keeps a snapshot whose volume was restored away from it', async () => {
    await fixture.create(2, 'db');
    await fixture.fill('db', 0, 1, 2);
    await fixture.array.takeSnapshots(['db'], { name: 'first' });
    await fixture.fill('db', 0, 2, 2);
    await fixture.array.takeSnapshots(['db'], { name: 'second' });
    await fixture.array.restore('db', 'first', FREE);
    await fixture.remount();
    await fixture.settle();
    expect([fixture.bytes('db'), fixture.bytes('db@second')]).toEqual([
      [1, 1],
      [2, 2],
    ]);
  });
});

describe('numbers', () => {
  it('are never used again, whatever is deleted and however often it is mounted', async () => {
    const seen: number[] = [];
    for (let round = 0; round < 4; round += 1) {
      await fixture.create(1, 'db');
      const [snapshot] = await fixture.array.takeSnapshots(['db'], { name: 's' });
      seen.push(fixture.array.volume('db').number, snapshot?.number ?? 0);
      await fixture.array.deleteVolume('db', { snapshots: true });
      await fixture.remount(round % 2 === 0 ? 'stopped' : 'killed');
      await fixture.settle();
    }
    expect(seen).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  it('of lineages are never used again either', async () => {
    await fixture.create(1, 'a');
    await fixture.array.takeSnapshots(['a'], { name: 's' });
    const seen: number[] = [];
    for (let round = 0; round < 3; round += 1) {
      await fixture.array.restore('a', 's', FREE);
      seen.push(fixture.array.volume('a').lineage.id);
      await fixture.settle();
      await fixture.remount();
    }
    expect(seen).toEqual([2, 3, 4]);
  });
});
