/** Single stories that end in kill -9 and go on after the next mount. */
import { closeSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BLOCK_BYTES } from '../../src/base/sizes.js';
import { canMount, codeOf, MIB, MountedArray } from '../support/mounted-array.js';
import { cleanScratch } from '../support/scratch-directory.js';

const BYTES = 48 * MIB;

describe.skipIf(!canMount)('after kill -9', () => {
  let array: MountedArray;

  beforeEach(() => {
    array = MountedArray.create();
    array.ok('create', `v ${BYTES}`);
  });
  afterEach(async () => {
    await array.umount();
    expect(array.findings()).toBeUndefined();
    cleanScratch();
  });
  afterAll(cleanScratch);

  /** Fills the volume with one byte; durable when it returns. */
  function fill(byte: number): void {
    const file = openSync(array.volume('v'), 'r+');
    writeSync(file, Buffer.alloc(BYTES, byte), 0, BYTES, 0);
    fsyncSync(file);
    closeSync(file);
  }

  const holds = (path: string, byte: number) =>
    readFileSync(path).equals(Buffer.alloc(BYTES, byte));

  it('a restore gives the snapshot that an fsynced overwrite came after', async () => {
    fill(1);
    array.ok('snapshot', 'v name=s');
    fill(2);
    await array.kill();
    array.mountAgain();
    expect(holds(array.volume('v'), 2)).toBe(true);
    array.ok('restore', 'v@s');
    expect(holds(array.volume('v'), 1)).toBe(true);
    await array.kill();
    array.mountAgain();
    expect(holds(array.volume('v'), 1)).toBe(true);
  });

  it('reclaim that was half done goes on to its end', async () => {
    fill(1);
    array.ok('snapshot', 'v name=s');
    fill(2);
    array.ok('delete', 'v@s');
    expect(array.pool().reclaimsPending).toBe(1);
    await array.kill();
    array.mountAgain();
    await array.reclaimed();
    expect(array.pool().storedBlocks).toBe(BYTES / BLOCK_BYTES);
    expect(holds(array.volume('v'), 2)).toBe(true);
  });

  it('the space of a deleted volume comes back', async () => {
    fill(1);
    array.ok('delete', 'v');
    await array.kill();
    array.mountAgain();
    await array.reclaimed();
    expect(array.pool().storedBlocks).toBe(0);
    expect(array.volumes()).toEqual([]);
  });

  it('a volume that was unlinked while open is gone, and its space comes back', async () => {
    fill(1);
    const file = openSync(array.volume('v'), 'r+');
    array.ok('delete', 'v');
    await array.kill();
    codeOf(() => closeSync(file));
    array.mountAgain();
    await array.reclaimed();
    expect([array.volumes(), array.pool().storedBlocks]).toEqual([[], 0]);
  });

  it('every acknowledged command is there', async () => {
    array.ok('create', 'other 1M label=kept');
    array.ok('rename', 'other renamed');
    array.ok('resize', 'renamed 2M');
    array.ok('snapshot', 'v renamed name=s');
    array.ok('clone', 'v@s cloned');
    array.ok('delete', 'renamed@s');
    array.ok('info', `v set=${Buffer.alloc(512, 7).toString('base64')}`);
    const names = () => [array.volumes(), array.snapshots()].map((rows) => rows.map(describeRow));
    const describeRow = (row: { name: string; number: number; sizeBytes: number }) =>
      `${row.number} ${row.name} ${row.sizeBytes}`;
    const before = names();
    expect(before.flat()).toHaveLength(4);
    await array.kill();
    array.mountAgain();
    expect(names().map((rows) => rows.sort())).toEqual(before.map((rows) => rows.sort()));
    expect(readFileSync(array.path('info', 'v'))).toEqual(Buffer.alloc(512, 7));
  });

  it('the dead mount is taken over by the next mount, which says so', async () => {
    await array.kill();
    const { notices } = array.mountAgain();
    expect(notices).toEqual([expect.stringMatching(/took over .* whose daemon had died/)]);
    expect(array.read('events')).toContain(' TAKEOVER ');
    expect(array.volumes()).toHaveLength(1);
  });
});
