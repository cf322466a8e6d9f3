/** The daemon's life: real mounts and real signals, an array in memory. */
import { readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { findHolder } from '../../src/host/instance-lock.js';
import { loopsReleased } from '../support/scratch-directory.js';
import { FakeArray, optionsIn, possible, SERIAL, start, until } from './daemon-fixture.js';
import { cleanMounts, holdBusy, run, scratchDirectory, shell } from './mounted-tree-fixture.js';

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
    expect((await run('umount', options.mountPoint)).errors).toBe('');
    expect(await daemon.ended).toBe(0);
    expect(fake.calls).toEqual(['sync', 'close']);
    expect(findHolder(SERIAL)).toBeUndefined();
    expect(daemon.log()).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z info array \S+ of \S+ is mounted at/);
  });

  it('ends cleanly at a signal', async () => {
    const fake = new FakeArray();
    const daemon = start(optionsIn(scratchDirectory()), fake);
    await daemon.ready;
    process.kill(process.pid, 'SIGTERM');
    expect(await daemon.ended).toBe(0);
    expect([fake.calls, daemon.isMounted()]).toEqual([['sync', 'sync', 'close'], false]);
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
    // Before the last file is closed, which ends all else.
    await until(() => fake.calls.includes('release'));
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
    await loopsReleased(options.mountPoint);
    expect((await run('umount', options.mountPoint)).errors).toBe('');
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

  it('does what three signals at once ask for in their order, and leaves no mount', async () => {
    const fake = new FakeArray();
    const options = optionsIn(scratchDirectory());
    const daemon = start(options, fake);
    await daemon.ready;
    const holder = await holdBusy(options.mountPoint, 'exec 3<> $M/file');
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGTERM']) process.kill(process.pid, signal);
    expect(await daemon.ended).toBe(0);
    expect(daemon.log()).toMatch(
      /second signal detaches[\s\S]*detaching, 1 [\s\S]*ending with 1 files/,
    );
    expect(daemon.log()).not.toContain(' error ');
    expect(daemon.isMounted()).toBe(false);
    await holder.finish();
  });

  it('goes on in a new log after SIGHUP', async () => {
    const options = optionsIn(scratchDirectory());
    const daemon = start(options, new FakeArray());
    await daemon.ready;
    const log = options.logFile as string;
    renameSync(log, `${log}.1`);
    process.kill(process.pid, 'SIGHUP');
    expect((await run('umount', options.mountPoint)).errors).toBe('');
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
    expect((await run('umount', mountPoint)).errors).toBe('');
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
