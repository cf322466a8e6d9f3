/**
 * Space that a file system inside a volume does not need any more goes back to the array: discard by
 * loop mounts, fstrim and mkfs. Over fuse-native it does not, and the file stays right.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BLOCK_BYTES } from '../../src/base/sizes.js';
import { canLoop, MIB, MountedArray, TRANSPORT } from '../support/mounted-array.js';
import { done, run, shell, until } from '../support/programs.js';
import { cleanScratch, loopReleased } from '../support/scratch-directory.js';

const DISCARDS = TRANSPORT === 'kernel';
const FILE_BYTES = 32 * MIB;
/** Bitmaps, inodes, a log: what a file system of this size may take beside its files. */
const OVERHEAD_BYTES = 16 * MIB;
const FILE_SYSTEMS = [
  { type: 'ext4', make: ['mkfs.ext4', '-q', '-F'], check: ['fsck.ext4', '-fn'] },
  { type: 'xfs', make: ['mkfs.xfs', '-q', '-f'], check: ['xfs_repair', '-n'] },
] as const;

describe.skipIf(!canLoop)('discard', () => {
  let array: MountedArray;

  beforeAll(() => {
    array = MountedArray.create({ capacity: '3G' });
  });
  afterAll(cleanScratch);

  /** Bytes of the volume that are stored, after everything written has been. */
  function allocated(name: string): number {
    array.ok('sync', '\n');
    return statSync(array.volume(name)).blocks * 512;
  }

  const runWords = ([program, ...words]: readonly [string, ...string[]], target: string) =>
    done(program, ...words, target);

  /** Runs `work` with the volume as a block device. */
  async function withDevice(name: string, work: (device: string) => void): Promise<void> {
    const device = done('losetup', '--find', '--show', array.volume(name));
    try {
      work(device);
    } finally {
      done('losetup', '--detach', device);
      await loopReleased(device);
    }
  }

  function mountedWithFiles(name: string, ...options: string[]): string {
    const point = array.loopMount(array.volume(name), `fs-${name}`, ...options);
    writeFileSync(join(point, 'kept'), randomBytes(4 * MIB));
    writeFileSync(join(point, 'removed'), randomBytes(FILE_BYTES));
    shell(`sync -f ${point}`);
    expect(allocated(name)).toBeGreaterThan(FILE_BYTES);
    return point;
  }

  function removeFile(point: string): void {
    rmSync(join(point, 'removed'));
    shell(`sync -f ${point}`);
  }

  describe.each(FILE_SYSTEMS)('of $type', ({ type, make, check }) => {
    const isSmall = () => allocated(type) < OVERHEAD_BYTES;

    it('leaves little of a fresh volume of 2 GiB', () => {
      array.ok('create', `${type} 2G`);
      runWords(make, array.volume(type));
      expect(allocated(type)).toBeGreaterThan(0);
      expect(allocated(type)).toBeLessThan(4 * MIB);
    });

    it('by mount -o discard gives back what rm has freed', async () => {
      const point = mountedWithFiles(type, 'discard');
      const kept = readFileSync(join(point, 'kept'));
      const before = array.pool().storedBlocks;
      removeFile(point);
      if (DISCARDS) {
        await until(isSmall);
        const freed = (FILE_BYTES - OVERHEAD_BYTES) / BLOCK_BYTES;
        await until(() => array.pool().storedBlocks < before - freed);
      } else {
        expect(isSmall()).toBe(false);
      }
      await array.loopUnmount(point);
      const again = array.loopMount(array.volume(type), `fs-${type}`);
      expect(readFileSync(join(again, 'kept')).equals(kept)).toBe(true);
      await array.loopUnmount(again);
      runWords(check, array.volume(type));
    });

    it('by fstrim gives it back, but not what a snapshot shows', async () => {
      const point = mountedWithFiles(type);
      done('fsfreeze', '-f', point);
      array.ok('snapshot', `${type} name=before`);
      done('fsfreeze', '-u', point);
      removeFile(point);
      expect(isSmall()).toBe(false);
      const { status, errors } = run('fstrim', point);
      // Else it says so or not, depending on when the loop device has learnt it.
      if (DISCARDS) expect([status, errors]).toEqual([0, '']);
      else expect(errors).toMatch(/^$|the discard operation is not supported/);
      if (DISCARDS) {
        // XFS frees the blocks of a removed file in the background: what it has not freed is not trimmed.
        await until(() => isSmall() || run('fstrim', point).status !== 0);
      }
      expect(isSmall()).toBe(DISCARDS);
      expect(array.pool().storedBlocks).toBeGreaterThan(FILE_BYTES / BLOCK_BYTES);
      const old = array.loopMount(array.snapshot(type, 'before'), `old-${type}`, ...frozen(type));
      expect(statSync(join(old, 'removed')).size).toBe(FILE_BYTES);
      done('cmp', join(old, 'kept'), join(point, 'kept'));
      await array.loopUnmount(old);
      await array.loopUnmount(point);
      runWords(check, array.volume(type));
      array.ok('delete', `${type}@before`);
      await array.reclaimed();
      if (DISCARDS) {
        await until(() => array.pool().storedBlocks * BLOCK_BYTES < 2 * OVERHEAD_BYTES);
      }
    });

    it('by mkfs on a block device gives back all that was there', async () => {
      array.ok('create', `old-${type} 400M`);
      writeFileSync(array.volume(`old-${type}`), randomBytes(FILE_BYTES), { flag: 'r+' });
      expect(allocated(`old-${type}`)).toBe(FILE_BYTES);
      await withDevice(`old-${type}`, (device) => runWords(make, device));
      const left = allocated(`old-${type}`);
      expect(left).toBeGreaterThan(0);
      if (DISCARDS) expect(left).toBeLessThan(4 * MIB);
      else expect(left).toBeGreaterThan(FILE_BYTES / 2);
      runWords(check, array.volume(`old-${type}`));
      array.ok('delete', type);
      array.ok('delete', `old-${type}`);
      await array.reclaimed();
    });
  });

  it('by blkdiscard empties a block device; with --zeroout over any transport', async () => {
    array.ok('create', `plain ${FILE_BYTES}`);
    writeFileSync(array.volume('plain'), randomBytes(FILE_BYTES), { flag: 'r+' });
    await withDevice('plain', (device) => {
      const { status } = run('blkdiscard', device);
      if (DISCARDS) expect(status).toBe(0);
    });
    expect(allocated('plain')).toBe(DISCARDS ? 0 : FILE_BYTES);
    writeFileSync(array.volume('plain'), randomBytes(FILE_BYTES), { flag: 'r+' });
    await withDevice('plain', (device) => done('blkdiscard', '--zeroout', device));
    expect(allocated('plain')).toBe(0);
  });

  it('leaves an array that is clean', async () => {
    await array.umount();
    expect(array.findings()).toBeUndefined();
  });
});

/** The log in a frozen image cannot be replayed. */
function frozen(type: string): string[] {
  return type === 'xfs' ? ['ro', 'norecovery', 'nouuid'] : ['ro', 'noload'];
}
