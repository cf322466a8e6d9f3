/** File operations that a pair does not allow: refused, and /events tells why, as an error number cannot. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { StorageArray } from '../../src/array/array.js';
import { TRACK_BYTES } from '../../src/base/sizes.js';
import { ArrayTree } from '../../src/fuse/array-tree.js';
import { ManualClock } from '../support/manual-clock.js';
import { newMemoryStore, openMemoryArray } from '../support/memory-array.js';
import { codeOf, OVERWRITE, TreeAccess, WRITE } from './tree-access.js';

describe('the image of a paired volume', () => {
  const clock = new ManualClock();
  let array: StorageArray;
  let mount: TreeAccess;

  beforeEach(async () => {
    array = await openMemoryArray(newMemoryStore(clock), clock);
    for (const name of ['db', 'copy', 'other']) {
      await clock.drive(array.createVolume({ name, sizeBytes: TRACK_BYTES }));
    }
    const options = { mode: 'mirror', pace: 'fast', sync: false, force: false } as const;
    await clock.drive(array.pairing.createPair('db', 'copy', options));
    mount = new TreeAccess(new ArrayTree(array));
  });

  afterEach(() => clock.drive(array.close()));

  function refusals(): { subject: string; message: string }[] {
    return array.recentEvents(20).filter(({ code }) => code === 'REFUSED');
  }

  it('is not emptied, resized or removed, and the reason is told', async () => {
    const codes = [
      await codeOf(() => mount.open('/volumes/db', OVERWRITE)),
      await codeOf(() => mount.change('/volumes/db', { sizeBytes: 2 * TRACK_BYTES })),
      await codeOf(() => mount.remove('/volumes/copy')),
    ];
    expect(codes).toEqual(['EBUSY', 'EBUSY', 'EBUSY']);
    expect(refusals().map(({ subject }) => subject)).toEqual(['db', 'db', 'copy']);
    for (const { message } of refusals()) expect(message).toContain('delete its pairs first');
  });

  it('is not made larger by a write, an allocation or a copy, and the reason is told once for each file', async () => {
    const other = await mount.open('/volumes/other');
    const data = Buffer.alloc(512, 1);
    const growing = {
      kind: 'reserve',
      offset: 0,
      sizeBytes: 2 * TRACK_BYTES,
      keepsSize: false,
    } as const;
    for (const operation of ['write', 'allocate', 'copy'] as const) {
      const file = await mount.open('/volumes/db', WRITE);
      const operations = {
        write: () => file.write(TRACK_BYTES, data),
        allocate: () => file.allocate?.(growing),
        copy: () => other.copyRange?.(0, file, TRACK_BYTES, 512),
      };
      for (let turn = 0; turn < 3; turn += 1) {
        expect([operation, await codeOf(operations[operation])]).toEqual([operation, 'EBUSY']);
      }
      await file.close();
    }
    await other.close();
    expect(refusals().map(({ subject }) => subject)).toEqual(['db', 'db', 'db']);
    for (const { message } of refusals()) expect(message).toContain('delete its pairs first');
  });

  it('is not written any more once its secondary follows the primary again, and the reason is told', async () => {
    const pair = ['db:copy'];
    await clock.drive(array.pairing.splitPairs(pair, {}));
    const file = await mount.open('/volumes/copy', WRITE);
    await clock.drive(Promise.resolve(file.write(0, Buffer.alloc(512, 1))));
    await clock.drive(array.pairing.resyncPairs(pair, { direction: 'forward', force: true }));
    expect(await codeOf(() => file.write(0, Buffer.alloc(512, 2)))).toBe('EROFS');
    await file.close();
    expect(refusals()).toMatchObject([
      { subject: 'copy', message: expect.stringMatching(/is the secondary of pair db:copy/) },
    ]);
  });
});
