/** The lock that keeps an array from being mounted twice. */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { isDaemonDead } from '../../src/host/dead-daemon.js';
import {
  acquireInstanceLock,
  askHolder,
  findHolder,
  isDirectoryLocked,
  type LockOptions,
  lockDirectory,
} from '../../src/host/instance-lock.js';
import { startDeadDaemon } from '../support/dead-daemon.js';
import { killStarted } from '../support/programs.js';

const scratch = mkdtempSync(join(tmpdir(), 'arrayfs-lock-'));
const store = (name: string) => {
  const directory = join(scratch, name);
  mkdirSync(directory, { recursive: true });
  return directory;
};
const serial = `test${process.pid}`;
const held: { release(): void }[] = [];

const acquire = async (storeDirectory: string, ownSerial = serial, options: LockOptions = {}) => {
  const wanted = { serial: ownSerial, storeDirectory, mountPoint: '/mnt/array' };
  const lock = await acquireInstanceLock(wanted, { isMounted: () => true, ...options });
  held.push(lock);
  return lock;
};

afterEach(() => {
  for (const lock of held.splice(0)) lock.release();
  killStarted();
});
afterAll(() => rmSync(scratch, { recursive: true }));

describe('the lock of one more directory', () => {
  const wanted = () => ({ serial, storeDirectory: store('pool'), mountPoint: '/mnt/array' });

  it('is taken once, and tells whose pool the directory is', async () => {
    await acquire(store('a'));
    expect(isDirectoryLocked(store('pool'))).toBe(false);
    const lock = await lockDirectory(wanted());
    held.push(lock);
    expect(isDirectoryLocked(store('pool'))).toBe(true);
    await expect(lockDirectory(wanted())).rejects.toMatchObject({ code: 'EBUSY' });
    await expect(acquire(store('pool'))).rejects.toMatchObject({
      reason:
        `${store('pool')} is a pool of the array of ${store('a')}, ` +
        `mounted at /mnt/array by process ${process.pid}`,
    });
    lock.release();
    expect(isDirectoryLocked(store('pool'))).toBe(false);
  });
});

describe('the instance lock', () => {
  it('tells who holds it, and is free again after the release', async () => {
    expect(findHolder(serial)).toBeUndefined();
    const lock = await acquire(store('a'));
    expect(findHolder(serial)).toEqual({ serial });
    expect(await askHolder(serial)).toEqual({
      pid: process.pid,
      serial,
      storeDirectory: store('a'),
      mountPoint: '/mnt/array',
    });
    lock.release();
    expect(findHolder(serial)).toBeUndefined();
    expect(await askHolder(serial)).toBeUndefined();
    await acquire(store('a'));
  });

  it('refuses the same store, by any path', async () => {
    await acquire(store('a'));
    await expect(acquire(`${scratch}/./a`)).rejects.toMatchObject({
      code: 'EBUSY',
      reason: `${store('a')} is already mounted at /mnt/array by process ${process.pid}`,
    });
  });

  it('refuses a copy with the same serial and says how to adopt it', async () => {
    await acquire(store('a'));
    await expect(acquire(store('copy'))).rejects.toMatchObject({
      code: 'EBUSY',
      reason: expect.stringContaining(`arrayfs init --adopt ${store('copy')}`),
    });
  });

  it('refuses a store that was given another serial while it is mounted', async () => {
    await acquire(store('a'));
    await expect(acquire(store('a'), `${serial}x`)).rejects.toMatchObject({ code: 'EBUSY' });
    expect(findHolder(`${serial}x`)).toBeUndefined();
  });

  it('lets two arrays be', async () => {
    await acquire(store('a'));
    await acquire(store('b'), `${serial}y`);
  });

  it('waits for a daemon whose mount has gone, and says so where it stays', async () => {
    const first = await acquire(store('a'));
    const isMounted = () => false;
    await expect(acquire(store('a'), serial, { isMounted, endingMsMax: 0 })).rejects.toMatchObject({
      code: 'EBUSY',
      reason: expect.stringContaining('left open'),
    });
    const second = acquire(store('a'), serial, { isMounted });
    first.release();
    await second;
  });

  it('is freed when its process is killed', async () => {
    const program = `require('net').createServer().listen('\\0arrayfs-${serial}'.padEnd(108, '.'), () => console.log('up'))`;
    const child = spawn(process.execPath, ['-e', program]);
    await new Promise((resolve) => child.stdout.once('data', resolve));
    expect(findHolder(serial)).toEqual({ serial });
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
    expect(findHolder(serial)).toBeUndefined();
    await acquire(store('a'));
  });

  it('of a process that was killed and cannot end is free once somebody ends it', async () => {
    const { child, result } = await startDeadDaemon(serial);
    expect([findHolder(serial), isDaemonDead(serial)]).toEqual([{ serial }, true]);
    const ended: string[] = [];
    const endDead = (deadSerial: string) => {
      ended.push(deadSerial);
      child.stdin.end();
      return true;
    };
    await acquire(store('a'), serial, { endDead });
    expect(ended[0]).toBe(serial);
    await result;
  });

  it('of a process that runs and does not answer is left to it', async () => {
    const { child } = await startDeadDaemon(serial, { isAlive: true });
    await expect(acquire(store('a'))).rejects.toMatchObject({
      code: 'EBUSY',
      reason: expect.stringContaining('does not answer'),
    });
    expect([isDaemonDead(serial), child.exitCode]).toEqual([false, null]);
  });
});
