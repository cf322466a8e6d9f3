/** Writes that are promised to be on disk when they return: O_SYNC, O_DSYNC and fdatasync, then kill -9. */
import { closeSync, constants, fdatasyncSync, openSync, readSync, writeSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { canMount, codeOf, KIB, MIB, MountedArray } from '../support/mounted-array.js';
import { cleanScratch } from '../support/scratch-directory.js';

const { O_DSYNC, O_SYNC, O_RDWR } = constants;

describe.skipIf(!canMount)('a write that is promised to be on disk', () => {
  let array: MountedArray;
  beforeEach(() => {
    array = MountedArray.create();
    array.ok('create', 'db 1M');
  });
  afterEach(cleanScratch);

  /** First byte of the first blocks of 4 KiB. */
  function bytes(count: number): number[] {
    const file = openSync(array.volume('db'), 'r');
    const content = Buffer.alloc(MIB);
    try {
      readSync(file, content, 0, count * 4 * KIB, 0);
    } finally {
      closeSync(file);
    }
    return Array.from({ length: count }, (_, block) => content[block * 4 * KIB] as number);
  }

  it.each<[string, number, boolean]>([
    ['O_DSYNC', O_DSYNC, false],
    ['O_SYNC', O_SYNC, false],
    ['fdatasync', 0, true],
  ])('by %s is there after kill -9', async (_what, flags, syncs) => {
    const file = openSync(array.volume('db'), O_RDWR | flags);
    for (let block = 0; block < 5; block += 1) {
      writeSync(file, Buffer.alloc(4 * KIB, 1 + block), 0, 4 * KIB, block * 4 * KIB);
    }
    if (syncs) fdatasyncSync(file);
    await array.kill();
    // Closing through the dead mount fails; the descriptor is gone all the same.
    expect(codeOf(() => closeSync(file))).toMatch(/^E(NOTCONN|CONNABORTED)$/);
    array.mountAgain();
    expect(bytes(5)).toEqual([1, 2, 3, 4, 5]);
    await array.umount();
  });
});
