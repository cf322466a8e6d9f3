/** Everything that keeps a daemon from starting: one clear line, and nothing left mounted. */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { ArrayError } from '../../src/base/errors.js';
import type { DaemonOptions } from '../../src/host/daemon-options.js';
import { findHolder } from '../../src/host/instance-lock.js';
import { mountAt, readMountTable } from '../../src/host/mount-table.js';
import { FakeArray, optionsIn, possible, SERIAL, start } from './daemon-fixture.js';
import { MemoryTree } from './memory-tree.js';
import { cleanMounts, mountTree, run, scratchDirectory } from './mounted-tree-fixture.js';
import { FUSE_NATIVE } from './transport-cases.js';

afterEach(cleanMounts);

describe.skipIf(!possible)('a daemon that cannot start', () => {
  const failure = async (options: DaemonOptions, fake = new FakeArray()) => {
    const daemon = start(options, fake);
    const report = await daemon.ready;
    expect(await daemon.ended).toBe(1);
    expect(findHolder(SERIAL)).toBeUndefined();
    return report;
  };

  it.each([
    ['missing', 'ENOENT', 'does not exist', (place: string) => renameSync(place, `${place}.gone`)],
    [
      'a file',
      'ENOTDIR',
      'not a directory',
      (place: string) => {
        renameSync(place, `${place}.gone`);
        writeFileSync(place, '');
      },
    ],
    ['not empty', 'EBUSY', 'not empty', (place: string) => writeFileSync(join(place, 'x'), '')],
  ])('names a mount point that is %s', async (_what, code, words, spoil) => {
    const options = optionsIn(scratchDirectory());
    spoil(options.mountPoint);
    const reason = expect.stringContaining(words);
    expect(await failure(options)).toEqual({ kind: 'failed', code, reason });
  });

  it('refuses a mount point that is in use', async () => {
    const options = optionsIn(scratchDirectory());
    const { mountPoint } = options;
    const { mount } = await mountTree(FUSE_NATIVE, new MemoryTree(), { mountPoint });
    expect(await failure(options)).toMatchObject({
      code: 'EBUSY',
      reason: expect.stringContaining(`${mountPoint} is already the mount of arrayfs-`),
    });
    await mount.unmount();
    await mount.ended;
  });

  it('refuses a store, a pool or a log on the mount', async () => {
    const options = optionsIn(scratchDirectory());
    const inside = join(options.mountPoint, 'x');
    for (const change of [
      { storeDirectory: inside },
      { poolDirectories: [inside] },
      { logFile: inside },
    ]) {
      const report = await failure({ ...options, ...change });
      expect(report).toMatchObject({ code: 'EINVAL', reason: expect.stringContaining(inside) });
    }
  });

  it('passes on why the array does not open, and mounts nothing', async () => {
    const options = optionsIn(scratchDirectory());
    const fake = new FakeArray();
    fake.assembleError = new ArrayError('EINVAL', 'made by a newer version');
    const reason = 'made by a newer version';
    expect(await failure(options, fake)).toEqual({ kind: 'failed', code: 'EINVAL', reason });
    expect(readFileSync(options.logFile as string, 'utf8')).toContain(`error ${reason}`);
    expect(mountAt(options.mountPoint, readMountTable())).toBeUndefined();
  });

  it('refuses a second daemon for the same array', async () => {
    const options = optionsIn(scratchDirectory());
    const first = start(options, new FakeArray());
    await first.ready;
    const other = { ...optionsIn(scratchDirectory()), storeDirectory: options.storeDirectory };
    const second = start(other, new FakeArray());
    expect(await second.ready).toMatchObject({
      code: 'EBUSY',
      reason: expect.stringContaining(`is already mounted at ${options.mountPoint}`),
    });
    expect(await second.ended).toBe(1);
    expect((await run('umount', options.mountPoint)).errors).toBe('');
    expect(await first.ended).toBe(0);
  });
});
