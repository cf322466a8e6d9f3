/** The host's disk is smaller than the capacity, or somebody else fills it to the last byte. */
import { closeSync, fsyncSync, openSync, readSync, rmSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sleep } from '../../src/base/clock.js';
import { HOST_RESERVE_BYTES } from '../../src/base/limits.js';
import { canLoop, codeOf, MIB, MountedArray, writeWhole } from '../support/mounted-array.js';
import { done, run, shell } from '../support/programs.js';
import { cleanScratch, makeScratch, subdirectory } from '../support/scratch-directory.js';

const DISK_MIB = 300;
const PIECE = MIB;

const piece = (number: number) => Buffer.alloc(PIECE, (number % 250) + 1);

describe.skipIf(!canLoop)('a host disk smaller than the capacity', () => {
  let disk = '';
  let array: MountedArray;
  let file = -1;

  beforeEach(() => {
    const scratch = makeScratch();
    const image = join(scratch, 'disk.image');
    disk = subdirectory(scratch, 'disk');
    shell(`truncate -s ${DISK_MIB}M ${image}; mkfs.ext4 -q -m 0 ${image}`);
    done('mount', '-o', 'loop', image, disk);
    array = MountedArray.create({ directory: disk, capacity: '10G' });
    array.ok('create', 'v 2G');
    file = openSync(array.volume('v'), 'r+');
  });
  afterEach(cleanScratch);

  const diskFree = () => statfsSync(disk).bavail * statfsSync(disk).bsize;

  /** Writes pieces from number `from` on until `to` or an error; how many there are then. */
  function write(from: number, to: number): { pieces: number; code: string | undefined } {
    let pieces = from;
    const code = codeOf(() => {
      while (pieces < to) {
        writeWhole(file, piece(pieces), pieces * PIECE);
        pieces += 1;
      }
    });
    return { pieces, code };
  }

  /** Numbers of the pieces below `count` that are not as written. */
  function wrongPieces(count: number): number[] {
    const image = openSync(array.volume('v'), 'r');
    const found = Buffer.alloc(PIECE);
    const wrong = Array.from({ length: count }, (_, number) => number).filter((number) => {
      readSync(image, found, 0, PIECE, number * PIECE);
      return !found.equals(piece(number));
    });
    closeSync(image);
    return wrong;
  }

  async function expectAllThereAfterKill(pieces: number): Promise<void> {
    await array.kill();
    codeOf(() => closeSync(file));
    array.mountAgain();
    expect(wrongPieces(pieces)).toEqual([]);
    await array.umount();
    expect(array.findings()).toBeUndefined();
  }

  it('gives ENOSPC at the write, keeps a reserve, and loses nothing', async () => {
    const { pieces, code } = write(0, 2_048);
    expect(code).toBe('ENOSPC');
    expect(pieces).toBeGreaterThan(100);
    fsyncSync(file);
    expect(diskFree()).toBeGreaterThan(HOST_RESERVE_BYTES / 2);
    expect(wrongPieces(pieces)).toEqual([]);
    await expectAllThereAfterKill(pieces);
  });

  it('takes writes again after a deletion', async () => {
    array.ok('create', 'ballast 60M');
    shell(`dd if=/dev/zero bs=1M count=60 status=none | tr '\\0' x |
      dd of=${array.volume('ballast')} bs=1M iflag=fullblock conv=notrunc,fsync status=none`);
    const full = write(0, 2_048);
    expect(full.code).toBe('ENOSPC');
    array.ok('delete', 'ballast');
    await array.reclaimed();
    const more = write(full.pieces, full.pieces + 20);
    expect(more).toEqual({ pieces: full.pieces + 20, code: undefined });
    fsyncSync(file);
    await expectAllThereAfterKill(more.pieces);
  });

  it('heals after another program has filled the disk under dirty data', async () => {
    expect(write(0, 20).code).toBeUndefined();
    fsyncSync(file);
    const fillers = ['', '.2', '.3'].map((suffix) => join(disk, `filler${suffix}`));
    const [filler = '', ...others] = fillers;
    const empty = () => {
      for (const path of fillers) rmSync(path, { force: true });
    };
    // Less than a generation, which would be destaged at once.
    const pieces = 28;
    const fillUnderDirtyData = async () => {
      const kept = Math.floor(HOST_RESERVE_BYTES / MIB) + 40;
      shell(`fallocate -l ${Math.floor(diskFree() / MIB) - kept}M ${filler}`);
      // Room is asked for again only after a while.
      await sleep(300);
      expect(write(20, pieces)).toEqual({ pieces, code: undefined });
      shell(`fallocate -l ${diskFree()} ${others[0]} || true`);
      run('dd', 'if=/dev/zero', `of=${others[1]}`, 'bs=4k');
      return codeOf(() => fsyncSync(file));
    };
    let code = await fillUnderDirtyData();
    // On a busy machine the data was stored before the disk was full: once more.
    while (code === undefined) {
      empty();
      code = await fillUnderDirtyData();
    }
    expect(code).toMatch(/ENOSPC|EIO/);
    expect(array.pool().state).toMatch(/degraded|failed/);
    expect(array.read('events')).toContain(' POOL-FAILED ');
    expect(wrongPieces(pieces)).toEqual([]);
    empty();
    while (codeOf(() => fsyncSync(file)) !== undefined) await sleep(50);
    expect(array.pool().state).toBe('normal');
    expect(array.read('events')).toContain(' POOL-WORKS ');
    await expectAllThereAfterKill(pieces);
  });
});
