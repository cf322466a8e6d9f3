/** Sizes, modes, owners, times and space as ordinary programs see them, also after a remount. */
import {
  chmodSync,
  chownSync,
  closeSync,
  openSync,
  readSync,
  statfsSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { canMount, codeOf, KIB, MIB, MountedArray } from '../support/mounted-array.js';
import { done, shell } from '../support/programs.js';
import { cleanScratch } from '../support/scratch-directory.js';

const TIB = 2 ** 40;

describe.skipIf(!canMount)('a volume as a file', () => {
  let array: MountedArray;

  beforeAll(() => {
    array = MountedArray.create();
  });
  afterAll(cleanScratch);

  it('keeps mode, owner and times over a remount', async () => {
    array.ok('create', 'kept 1M');
    const path = array.volume('kept');
    chmodSync(path, 0o640);
    chownSync(path, 12, 34);
    utimesSync(path, 1_000_000, 1_500_000.25);
    await array.umount();
    array.mountAgain();
    const { mode, uid, gid, mtimeMs } = statSync(path);
    expect([mode & 0o7777, uid, gid, mtimeMs]).toEqual([0o640, 12, 34, 1_500_000_250]);
  });

  it('shows in st_blocks and du what is allocated', () => {
    array.ok('create', 'sparse 1G');
    expect(statSync(array.volume('sparse')).blocks).toBe(0);
    const file = openSync(array.volume('sparse'), 'r+');
    writeSync(file, Buffer.alloc(64 * KIB, 1), 0, 64 * KIB, 512 * MIB);
    closeSync(file);
    array.ok('sync', '\n');
    expect(statSync(array.volume('sparse')).blocks).toBe(128);
    expect(done('du', '-k', array.volume('sparse'))).toMatch(/^64\t/);
  });

  it('is part of what df shows', () => {
    const { bsize, blocks, bfree } = statfsSync(array.mount);
    expect(bsize * blocks).toBe(2 ** 31);
    expect(bsize * bfree).toBeLessThan(2 ** 31);
    expect(bsize * bfree).toBeGreaterThan(2 ** 31 - 2 * MIB);
  });

  it('has any size up to 16 TiB, which is written and read at its end', () => {
    shell(`truncate -s 16T ${array.volume('huge')}`);
    const file = openSync(array.volume('huge'), 'r+');
    writeSync(file, Buffer.alloc(512, 7), 0, 512, 16 * TIB - 512);
    const found = Buffer.alloc(2_048, 1);
    expect(readSync(file, found, 0, 2_048, 16 * TIB - 1_024)).toBe(1_024);
    closeSync(file);
    expect([found[511], found[512], found[1_023]]).toEqual([0, 7, 7]);
  });

  it('refuses to be larger', () => {
    expect(codeOf(() => truncateSync(array.volume('huge'), 16 * TIB + 1))).toBe('EFBIG');
    const file = openSync(array.volume('huge'), 'r+');
    expect(codeOf(() => writeSync(file, Buffer.alloc(512), 0, 512, 16 * TIB))).toBe('EFBIG');
    closeSync(file);
    expect(statSync(array.volume('huge')).size).toBe(16 * TIB);
  });

  it('is rounded up to sectors, with zeros', () => {
    writeFileSync(array.volume('text'), 'hello');
    expect(statSync(array.volume('text')).size).toBe(512);
    truncateSync(array.volume('text'), 513);
    expect(statSync(array.volume('text')).size).toBe(1_024);
    expect(shell(`tr -d '\\0' <${array.volume('text')}`)).toBe('hello');
  });

  it('grows by a write past its end', () => {
    array.ok('create', 'growing 1K');
    const file = openSync(array.volume('growing'), 'r+');
    writeSync(file, Buffer.alloc(100, 1), 0, 100, 5_000);
    closeSync(file);
    expect(statSync(array.volume('growing')).size).toBe(5_120);
  });
});
