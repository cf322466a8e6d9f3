/** File operations that a pair does not allow: refused, and /events tells why, as an error number cannot. */
import { describe, expect, it } from 'vitest';
import { TRACK_BYTES } from '../../src/base/sizes.js';
import { ArrayTree } from '../../src/fuse/array-tree.js';
import { ManualClock } from '../support/manual-clock.js';
import { newMemoryStore, openMemoryArray } from '../support/memory-array.js';
import { codeOf, OVERWRITE, TreeAccess } from './tree-access.js';

describe('the image of a paired volume', () => {
  it('is not emptied, resized or removed, and the reason is told', async () => {
    const clock = new ManualClock();
    const array = await openMemoryArray(newMemoryStore(clock), clock);
    for (const name of ['db', 'copy']) {
      await clock.drive(array.createVolume({ name, sizeBytes: TRACK_BYTES }));
    }
    const options = { mode: 'mirror', pace: 'fast', sync: false, force: false } as const;
    await clock.drive(array.pairing.createPair('db', 'copy', options));
    const mount = new TreeAccess(new ArrayTree(array));
    const codes = [
      await codeOf(() => mount.open('/volumes/db', OVERWRITE)),
      await codeOf(() => mount.change('/volumes/db', { sizeBytes: 2 * TRACK_BYTES })),
      await codeOf(() => mount.remove('/volumes/copy')),
    ];
    expect(codes).toEqual(['EBUSY', 'EBUSY', 'EBUSY']);
    const refusals = array.recentEvents(10).filter(({ code }) => code === 'REFUSED');
    expect(refusals.map(({ subject }) => subject)).toEqual(['db', 'db', 'copy']);
    for (const { message } of refusals) expect(message).toContain('delete its pairs first');
    await clock.drive(array.close());
  });
});
