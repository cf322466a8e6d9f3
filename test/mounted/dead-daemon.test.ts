/** A daemon that was killed and cannot end, so that whoever uses its mount hangs: how the mount is got back. */
import { existsSync, statSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findHolder } from '../../src/host/instance-lock.js';
import { arrayMounts } from '../../src/host/mount-table.js';
import { startDeadDaemon } from '../support/dead-daemon.js';
import { canMount, MountedArray } from '../support/mounted-array.js';
import { ARRAYFS, run, until } from '../support/programs.js';
import { cleanScratch, mountsBelow, subdirectory } from '../support/scratch-directory.js';

describe.skipIf(!canMount)('a mount whose daemon is dead and does not end', () => {
  let array: MountedArray;
  let serial = '';
  /** Somebody who uses the mount, and hangs. */
  let user: Promise<unknown>;

  beforeEach(async () => {
    array = MountedArray.create();
    array.ok('create', 'v 1M');
    serial = arrayMounts().find(({ mountPoint }) => mountPoint === array.mount)?.serial ?? '';
    await array.umount();
    await startDeadDaemon(serial, { mountPoint: array.mount });
    user = stat(array.mount);
    user.catch(() => undefined);
  });
  afterEach(cleanScratch);

  it.each([[[]], [['--force']]])('is removed by umount %j, and its users go on', async (words) => {
    const { status, errors } = run(ARRAYFS, 'umount', array.mount, ...words);
    expect([status, errors]).toEqual([0, expect.stringContaining('had died')]);
    await expect(user).rejects.toThrow();
    expect(mountsBelow(array.directory)).toEqual([]);
    await until(() => findHolder(serial) === undefined);
    array.mountAgain();
    expect(existsSync(array.volume('v'))).toBe(true);
  });

  it('is taken over by mount', async () => {
    const { notices } = array.mountAgain();
    expect(notices).toEqual([expect.stringContaining('whose daemon had died')]);
    await expect(user).rejects.toThrow();
    expect(statSync(array.volume('v')).size).toBe(2 ** 20);
    expect(array.read('events')).toContain(' TAKEOVER ');
    await array.umount();
    expect(array.findings()).toBeUndefined();
  });

  it('gives way to another array at its place', async () => {
    const other = MountedArray.create({ directory: subdirectory(array.directory, 'other') });
    await other.umount();
    expect(run(ARRAYFS, 'mount', other.store, array.mount)).toMatchObject({ status: 0 });
    expect(run(ARRAYFS, 'umount', array.mount)).toMatchObject({ status: 0 });
    await expect(user).rejects.toThrow();
  });
});

describe.skipIf(!canMount)('a mount whose daemon runs and does not answer', () => {
  afterEach(cleanScratch);

  it('is refused to others, and goes on when the daemon does', async () => {
    const array = MountedArray.create();
    array.ok('create', 'v 1M');
    process.kill(array.daemonPid, 'SIGSTOP');
    const { status, errors } = run(ARRAYFS, 'mount', array.store, array.mount);
    process.kill(array.daemonPid, 'SIGCONT');
    expect([status, errors]).toEqual([1, expect.stringContaining('does not answer')]);
    expect(existsSync(array.volume('v'))).toBe(true);
    await array.umount();
  });
});
