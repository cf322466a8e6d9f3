/** How a mount ends, ways to mount, and several arrays at one time. */
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  readSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { abortConnection } from '../../src/host/fuse-connection.js';
import { mountAt, readMountTable } from '../../src/host/mount-table.js';
import {
  canLoop,
  canMount,
  codeOf,
  MIB,
  MountedArray,
  TRANSPORT,
  writeWhole,
} from '../support/mounted-array.js';
import { ARRAYFS, done, run, until } from '../support/programs.js';
import { cleanScratch, mountsBelow } from '../support/scratch-directory.js';

/** Less than the write cache: all of it may be in memory alone when the mount ends. */
const DIRTY_BYTES = 16 * MIB;

describe.skipIf(!canMount)('a mount', () => {
  afterEach(cleanScratch);

  const create = () => {
    const array = MountedArray.create();
    array.ok('create', 'v 1M');
    return array;
  };
  const logOf = (array: MountedArray) => readFileSync(join(array.store, 'daemon.log'), 'utf8');

  function writeText(array: MountedArray, text: string): void {
    const file = openSync(array.volume('v'), 'r+');
    writeSync(file, text);
    closeSync(file);
  }

  const textOf = (array: MountedArray) =>
    readFileSync(array.volume('v'), 'utf8').replace(/\0+$/, '');

  it('of root on Linux is over the kernel transport unless another one is chosen', async () => {
    const array = create();
    const chosen = array.transport;
    await array.umount();
    expect([chosen, array.mountOver('auto').transport]).toEqual([TRANSPORT, 'kernel']);
  });

  const WAYS: Readonly<Record<string, (array: MountedArray) => unknown>> = {
    'umount(8) from outside': (array) => done('umount', array.mount),
    'umount -l': (array) => done('umount', '-l', array.mount),
    SIGTERM: (array) => process.kill(array.daemonPid, 'SIGTERM'),
    SIGINT: (array) => process.kill(array.daemonPid, 'SIGINT'),
    'an abort of the connection': (array) => {
      const device = mountAt(array.mount, readMountTable())?.device ?? '';
      expect(abortConnection(device)).toBe(true);
    },
  };

  it.each(Object.entries(WAYS))(
    'ended by %s loses nothing that was not fsynced',
    async (_, end) => {
      const array = create();
      const content = randomBytes(DIRTY_BYTES);
      writeFileSync(array.volume('v'), content, { flag: 'r+' });
      writeText(array, 'written last');
      content.write('written last');
      end(array);
      await array.daemonEnded();
      expect(mountsBelow(array.directory)).toEqual([]);
      expect(array.findings()).toBeUndefined();
      array.mountAgain();
      expect(readFileSync(array.volume('v')).equals(content)).toBe(true);
    },
  );

  it('taken away by umount -l serves open files to their last close, and nobody else', async () => {
    const array = create();
    const files = ['r+', 'r+'].map((flags) => openSync(array.volume('v'), flags)) as [
      number,
      number,
    ];
    const content = randomBytes(DIRTY_BYTES);
    writeWhole(files[0], content.subarray(0, DIRTY_BYTES / 2), 0);
    done('umount', '-l', array.mount);
    expect(existsSync(array.volume('v'))).toBe(false);
    writeWhole(files[0], content.subarray(DIRTY_BYTES / 2), DIRTY_BYTES / 2);
    closeSync(files[0]);
    // The store is still in use, so nobody can mount it yet.
    expect(() => array.mountAgain()).toThrow(/still serves files/);
    const found = Buffer.alloc(DIRTY_BYTES);
    expect(readSync(files[1], found, 0, DIRTY_BYTES, 0)).toBe(DIRTY_BYTES);
    expect(found.equals(content)).toBe(true);
    closeSync(files[1]);
    await array.daemonEnded();
    expect(array.findings()).toBeUndefined();
    array.mountAgain();
    expect(readFileSync(array.volume('v')).equals(content)).toBe(true);
  });

  it('ended by an abort in the middle of writes keeps what was acknowledged, and mounts again', async () => {
    const array = create();
    const device = mountAt(array.mount, readMountTable())?.device ?? '';
    let written = 0;
    const writing = (async () => {
      const handle = await open(array.volume('v'), 'r+');
      try {
        for (;;) {
          const block = Buffer.alloc(4096, (written % 255) + 1);
          await handle.write(block, 0, block.length, (written % 256) * 4096);
          written += 1;
        }
      } finally {
        await handle.close().catch(() => undefined);
      }
    })();
    writing.catch(() => undefined);
    await until(() => written > 300);
    expect(abortConnection(device)).toBe(true);
    await expect(writing).rejects.toThrow();
    await array.daemonEnded();
    expect(mountsBelow(array.directory)).toEqual([]);
    expect(array.findings()).toBeUndefined();
    array.mountAgain();
    const content = readFileSync(array.volume('v'));
    for (let number = Math.max(0, written - 256); number < written; number += 1) {
      const at = (number % 256) * 4096;
      // The one that was under way may have come after it.
      const expected = number === written - 256 ? [number, written] : [number];
      expect(expected.map((value) => (value % 255) + 1)).toContain(content[at]);
    }
  });

  it('is not ended by SIGTERM while it is busy, says by whom, and goes on', async () => {
    const array = create();
    const file = openSync(array.volume('v'), 'r+');
    writeSync(file, 'durable');
    process.kill(array.daemonPid, 'SIGTERM');
    await until(() => logOf(array).includes('still serving'));
    expect(array.read('events')).toMatch(
      new RegExp(` BUSY .* in use by process ${process.pid} .*${array.volume('v')}`),
    );
    expect(run(ARRAYFS, 'umount', array.mount)).toMatchObject({
      status: 1,
      errors: expect.stringContaining(`process ${process.pid}`),
    });
    writeSync(file, ' and more', 7);
    process.kill(array.daemonPid, 'SIGTERM');
    await until(() => mountsBelow(array.directory).length === 0);
    writeSync(file, ' after detaching', 16);
    closeSync(file);
    await array.daemonEnded();
    array.mountAgain();
    expect(textOf(array)).toBe('durable and more after detaching');
  });

  it.skipIf(!canLoop)('names the loop device that keeps it busy', async () => {
    const array = create();
    array.ok('resize', 'v 16M');
    done('mkfs.ext4', '-q', array.volume('v'));
    const point = array.loopMount(array.volume('v'), 'fs');
    writeFileSync(join(point, 'file'), 'content');
    process.kill(array.daemonPid, 'SIGTERM');
    await until(() => logOf(array).includes('still serving'));
    expect(array.read('events')).toMatch(/ BUSY .* in use by loop device \/dev\/loop\d+ /);
    expect(readFileSync(join(point, 'file'), 'utf8')).toBe('content');
    await array.loopUnmount(point);
    await array.umount();
  });

  it('that is read-only refuses every change and shows everything', async () => {
    const array = create();
    writeText(array, 'kept');
    array.ok('snapshot', 'v name=s');
    await array.umount();
    array.mountAgain('--read-only');
    expect(textOf(array)).toBe('kept');
    expect(codeOf(() => array.command('snapshot', 'v name=t'))).toBe('EROFS');
    expect(codeOf(() => openSync(array.volume('v'), 'r+'))).toBe('EROFS');
    expect(codeOf(() => writeFileSync(array.volume('new'), ''))).toBe('EROFS');
    expect(codeOf(() => writeFileSync(array.path('info', 'v'), Buffer.alloc(512)))).toBe('EROFS');
    expect(array.snapshots()).toHaveLength(1);
    await array.umount();
    expect(array.findings()).toBeUndefined();
  });

  it('of one array knows nothing of another at the same time', async () => {
    const arrays = [create(), create()];
    const [first, second] = arrays as [MountedArray, MountedArray];
    writeText(first, 'first');
    writeText(second, 'second');
    first.ok('snapshot', 'v name=only-here');
    expect([textOf(first), textOf(second)]).toEqual(['first', 'second']);
    expect(second.snapshots()).toEqual([]);
    await first.kill();
    expect(textOf(second)).toBe('second');
    first.mountAgain();
    await second.umount();
    expect(first.snapshots()).toHaveLength(1);
    expect(existsSync(second.volume('v'))).toBe(false);
  });
});
