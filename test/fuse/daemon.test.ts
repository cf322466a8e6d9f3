/**
 * The daemon's life with a tree in memory in the place of an array, in this very process: real
 * mounts, real signals.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { sleep, systemClock } from '../../src/base/clock.js';
import { ArrayError } from '../../src/base/errors.js';
import { runDaemon } from '../../src/fuse/daemon.js';
import { FuseNativeTransport } from '../../src/fuse/fuse-native-transport.js';
import type { DaemonOptions, DaemonReport } from '../../src/host/daemon-options.js';
import { findHolder } from '../../src/host/instance-lock.js';
import { mountAt, readMountTable } from '../../src/host/mount-table.js';
import { MemoryTree } from './memory-tree.js';
import {
  cleanMounts,
  holdBusy,
  mountTree,
  run,
  scratchDirectory,
  shell,
} from './mounted-tree-fixture.js';

const possible =
  new FuseNativeTransport().unavailable({
    mountPoint: '/',
    sourceName: 'x',
    readOnly: false,
    allowOther: false,
  }) === undefined && process.getuid?.() === 0;

const SERIAL = `daemon${process.pid}`;

class FakeArray {
  readonly tree = new MemoryTree();
  readonly calls: string[] = [];
  assembleError: Error | undefined;

  readonly array = {
    sync: async () => {
      this.calls.push('sync');
    },
    close: async () => {
      this.calls.push('close');
    },
    recordEvent: (code: string, _subject: string, message: string) => {
      this.calls.push(`event ${code} ${message}`);
    },
  };

  constructor() {
    this.tree.add(this.tree.root, 'file', false, 0o600).write(0, Buffer.from('hello'));
  }
}

function optionsIn(directory: string): DaemonOptions {
  const storeDirectory = join(directory, 'store');
  const mountPoint = join(directory, 'mount');
  mkdirSync(storeDirectory, { recursive: true });
  mkdirSync(mountPoint, { recursive: true });
  return {
    storeDirectory,
    mountPoint,
    poolDirectories: [],
    readOnly: false,
    allowOther: false,
    cacheBytes: 2 ** 26,
    defaultOwner: { uid: 0, gid: 0, mode: 0o600 },
    transport: 'auto',
    logFile: join(storeDirectory, 'daemon.log'),
  };
}

/** Runs a daemon; `ready` resolves with its first report, `ended` with its exit status. */
function start(options: DaemonOptions, fake: FakeArray) {
  let resolveReport: (report: DaemonReport) => void = () => {};
  const ready = new Promise<DaemonReport>((resolve) => {
    resolveReport = resolve;
  });
  const ended = runDaemon(options, {
    clock: systemClock,
    transports: (onBug) => [new FuseNativeTransport({ onBug })],
    readSerial: () => SERIAL,
    assemble: async () => {
      if (fake.assembleError) throw fake.assembleError;
      return fake;
    },
    report: resolveReport,
  });
  const log = () => readFileSync(options.logFile ?? '', 'utf8');
  const isMounted = () => mountAt(options.mountPoint, readMountTable()) !== undefined;
  return { ready, ended, log, isMounted };
}

/** Waits for something the daemon does in its own time; the test's time limit ends a hang. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(5);
}

afterEach(cleanMounts);

describe.skipIf(!possible)('the daemon', () => {
  it('reports the mount, serves it, and closes the array after an umount from outside', async () => {
    const fake = new FakeArray();
    const options = optionsIn(scratchDirectory());
    const daemon = start(options, fake);
    expect(await daemon.ready).toEqual({
      kind: 'ready',
      pid: process.pid,
      serial: SERIAL,
      transport: 'fuse-native',
      notices: [],
    });
    expect((await shell(options.mountPoint, 'cat $M/file')).out).toBe('hello');
    await run('umount', options.mountPoint);
    expect(await daemon.ended).toBe(0);
    expect(fake.calls).toEqual(['close']);
    expect(findHolder(SERIAL)).toBeUndefined();
    expect(daemon.log()).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z info array \S+ of \S+ is mounted at/);
  });

  it('ends cleanly at a signal', async () => {
    const fake = new FakeArray();
    const daemon = start(optionsIn(scratchDirectory()), fake);
    await daemon.ready;
    process.kill(process.pid, 'SIGTERM');
    expect(await daemon.ended).toBe(0);
    expect([fake.calls, daemon.isMounted()]).toEqual([['sync', 'close'], false]);
  });

  it('says who holds a busy mount, goes on serving, and detaches at the second signal', async () => {
    const fake = new FakeArray();
    const options = optionsIn(scratchDirectory());
    const daemon = start(options, fake);
    await daemon.ready;
    const holder = await holdBusy(options.mountPoint, 'exec 3<> $M/file');
    process.kill(process.pid, 'SIGTERM');
    await until(() => daemon.log().includes('second signal'));
    const text = `event BUSY ${options.mountPoint} is in use by process ${holder.pid} (bash): open file ${options.mountPoint}/file`;
    expect(fake.calls).toEqual(['sync', text]);
    expect((await shell(options.mountPoint, 'cat $M/file')).out).toBe('hello');
    process.kill(process.pid, 'SIGINT');
    await until(() => !daemon.isMounted());
    expect(fake.calls).not.toContain('close');
    await holder.finish();
    expect(await daemon.ended).toBe(0);
    expect(fake.calls.at(-1)).toBe('close');
  });

  it('names a loop device that holds the mount', async () => {
    const fake = new FakeArray();
    const options = optionsIn(scratchDirectory());
    const daemon = start(options, fake);
    await daemon.ready;
    const fs = join(options.storeDirectory, 'fs');
    const made = await shell(
      options.mountPoint,
      `truncate -s 16M $M/image && mkfs.ext4 -q $M/image && mkdir ${fs} && mount -o loop $M/image ${fs}`,
    );
    expect(made).toMatchObject({ status: 0 });
    process.kill(process.pid, 'SIGTERM');
    await until(() => daemon.log().includes('second signal'));
    await run('umount', fs);
    expect(daemon.log()).toMatch(
      new RegExp(`in use by loop device /dev/loop\\d+ \\(mounted at ${fs}\\)`),
    );
    await run('umount', options.mountPoint);
    expect(await daemon.ended).toBe(0);
  });

  it('ends at once at the third signal', async () => {
    const fake = new FakeArray();
    const options = optionsIn(scratchDirectory());
    const daemon = start(options, fake);
    await daemon.ready;
    const holder = await holdBusy(options.mountPoint, 'exec 3<> $M/file');
    for (const mark of ['second signal', 'detaching', 'ending with']) {
      process.kill(process.pid, 'SIGTERM');
      await until(() => daemon.log().includes(mark));
    }
    expect(await daemon.ended).toBe(0);
    expect(fake.calls.filter((call) => call === 'sync')).toHaveLength(3);
    await holder.finish();
  });

  it('goes on in a new log after SIGHUP', async () => {
    const options = optionsIn(scratchDirectory());
    const daemon = start(options, new FakeArray());
    await daemon.ready;
    const log = options.logFile as string;
    renameSync(log, `${log}.1`);
    process.kill(process.pid, 'SIGHUP');
    await run('umount', options.mountPoint);
    await daemon.ended;
    expect([readFileSync(`${log}.1`, 'utf8'), daemon.log()]).toEqual([
      expect.stringContaining('is mounted at'),
      expect.stringContaining('everything is durable'),
    ]);
  });

  it('takes over a dead mount and says so', async () => {
    const options = optionsIn(scratchDirectory());
    const { mountPoint } = options;
    const dead = await run(
      'bash',
      '-c',
      `exec 5<>/dev/fuse; mount -i -t fuse.arrayfs -o fd=5,rootmode=40000,user_id=0,group_id=0 arrayfs-dead ${mountPoint}`,
    );
    expect(dead.errors).toBe('');
    expect((await run('ls', mountPoint)).errors).toContain('not connected');
    const fake = new FakeArray();
    const daemon = start(options, fake);
    const notice = `took over ${mountPoint} from a mount of arrayfs-dead whose daemon had died`;
    expect(await daemon.ready).toMatchObject({ kind: 'ready', notices: [notice] });
    expect(fake.calls).toEqual([`event TAKEOVER ${notice}`]);
    await run('umount', mountPoint);
    expect(await daemon.ended).toBe(0);
    expect(daemon.isMounted()).toBe(false);
  });

  it('saves, detaches and fails after an unexpected exception', async () => {
    const fake = new FakeArray();
    const daemon = start(optionsIn(scratchDirectory()), fake);
    await daemon.ready;
    const others = process.listeners('uncaughtException').slice(0, -1);
    for (const other of others) process.off('uncaughtException', other);
    process.emit('uncaughtException', new Error('broken'));
    for (const other of others) process.on('uncaughtException', other);
    expect(await daemon.ended).toBe(1);
    expect([fake.calls, daemon.isMounted()]).toEqual([['sync'], false]);
    expect(daemon.log()).toContain('Error: broken');
  });
});

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
    const { mount } = await mountTree(new MemoryTree(), { mountPoint });
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
    await run('umount', options.mountPoint);
    expect(await first.ended).toBe(0);
  });
});
