/** Locks of threads and processes: one at a time, void when their owner has ended. */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lockHolder, type OwnerLock, tryLock } from '../../src/device/owner-lock.js';
import { repeat } from '../support/factor.js';
import {
  cleanScratch,
  killAtTheEnd,
  makeMemoryScratch,
  makeScratch,
} from '../support/scratch-directory.js';

const ROOT = resolve(import.meta.dirname, '../..');
/** As built: threads and processes of their own load it without vitest. */
const MODULE = pathToFileURL(join(ROOT, 'dist/src/device/owner-lock.js')).href;
const workers: Worker[] = [];

beforeAll(() => {
  execFileSync(join(ROOT, 'scripts/arrayfs'), ['--version']);
});
afterAll(async () => {
  for (const worker of workers) await worker.terminate();
  cleanScratch();
});

const newLock = () => join(makeScratch(), 'device');
const filesOf = (path: string) => readdirSync(join(path, '..'));

function taken(path: string, holder = 'CL1-C'): OwnerLock {
  const attempt = tryLock(path, holder);
  if (!attempt.isHeld) throw new Error(`held by ${attempt.holder}`);
  return attempt.lock;
}

/** A thread that has taken the lock. */
function lockInThread(path: string): Promise<Worker> {
  const worker = new Worker(
    `const { parentPort, workerData } = require('node:worker_threads');
     import(workerData.module).then(({ tryLock }) => {
       parentPort.postMessage(tryLock(workerData.path, 'thread').isHeld);
       setInterval(() => {}, 1000);
     });`,
    { eval: true, workerData: { module: MODULE, path } },
  );
  workers.push(worker);
  return new Promise((resolve_, reject) => {
    worker.on('error', reject);
    worker.on('message', (isHeld) => (isHeld ? resolve_(worker) : reject(new Error('not held'))));
  });
}

/** A process that has taken the lock; resolves with how to kill it. */
function lockInProcess(path: string): Promise<() => Promise<void>> {
  const script = `import(process.argv[1]).then(({ tryLock }) => {
    console.log(tryLock(process.argv[2], 'process').isHeld);
    setInterval(() => {}, 1000);
  });`;
  const child = spawn(process.execPath, ['-e', script, MODULE, path]);
  if (child.pid !== undefined) killAtTheEnd(child.pid);
  const ended = new Promise<void>((done) => child.on('exit', () => done()));
  const kill = () => {
    child.kill('SIGKILL');
    return ended;
  };
  return new Promise((done, reject) => {
    child.on('error', reject);
    child.on('exit', (status) => reject(new Error(`it ended with ${status}`)));
    child.stdout.once('data', (text) => (`${text}` === 'true\n' ? done(kill) : reject(text)));
  });
}

describe('a lock', () => {
  it('is held by one', () => {
    const path = newLock();
    expect(lockHolder(path)).toBeUndefined();
    const lock = taken(path);
    const holder = `CL1-C (process ${process.pid})`;
    expect(lockHolder(path)).toBe(holder);
    expect(tryLock(path, 'CL2-C')).toEqual({ isHeld: false, holder });
    expect(filesOf(path)).toHaveLength(1);
    lock.release();
    expect(filesOf(path)).toEqual([]);
    taken(path, 'CL2-C').release();
  });

  it('is not released by one who had it before', () => {
    const path = newLock();
    const before = taken(path);
    before.release();
    const now = taken(path);
    before.release();
    expect(tryLock(path, 'CL2-C').isHeld).toBe(false);
    now.release();
  });

  it('of another name is another', () => {
    const path = newLock();
    taken(path);
    taken(`${path}-2`).release();
  });

  it('is void when the thread that has it is terminated', async () => {
    const path = newLock();
    const worker = await lockInThread(path);
    expect(tryLock(path, 'CL1-C')).toMatchObject({ isHeld: false });
    await worker.terminate();
    taken(path).release();
    expect(filesOf(path)).toEqual([]);
  });

  it('is void when the process that has it is killed', async () => {
    const path = newLock();
    const kill = await lockInProcess(path);
    expect(lockHolder(path)).toMatch(/^process \(process \d+\)$/);
    await kill();
    expect(lockHolder(path)).toBeUndefined();
    taken(path).release();
  });

  it('is had by one of many threads at a time', async () => {
    const path = join(makeMemoryScratch(), 'device');
    const rounds = repeat(200);
    const shared = new Int32Array(new SharedArrayBuffer(8));
    const results = await Promise.all([1, 2, 3].map(() => racer(path, rounds, shared)));
    expect(Atomics.load(shared, 1)).toBe(0);
    expect(results).toEqual([rounds, rounds, rounds]);
    expect(filesOf(path)).toEqual([]);
  });
});

/** Takes and releases the lock `rounds` times; shared: holders now, rounds with more than one. */
function racer(path: string, rounds: number, shared: Int32Array): Promise<number> {
  const worker = new Worker(
    `const { parentPort, workerData } = require('node:worker_threads');
     const { module, path, rounds, shared } = workerData;
     import(module).then(({ tryLock }) => {
       let held = 0;
       while (held < rounds) {
         const attempt = tryLock(path, 'racer');
         if (!attempt.isHeld) continue;
         if (Atomics.add(shared, 0, 1) !== 0) Atomics.add(shared, 1, 1);
         held += 1;
         Atomics.sub(shared, 0, 1);
         attempt.lock.release();
       }
       parentPort.postMessage(held);
     });`,
    { eval: true, workerData: { module: MODULE, path, rounds, shared } },
  );
  workers.push(worker);
  return new Promise((done, reject) => {
    worker.on('error', reject);
    worker.on('message', done);
  });
}

describe('the owner in the name of a lock file', () => {
  /** The name of a lock of this thread with one of its parts changed. */
  function fileWith(path: string, part: number, value: (now: string) => string): string {
    const lock = taken(path);
    const [name = ''] = filesOf(path);
    lock.release();
    const parts = name.slice('device.lock.'.length).split('.');
    parts[part] = value(parts[part] ?? '');
    const file = join(path, '..', `device.lock.${parts.join('.')}`);
    writeFileSync(file, 'somebody');
    return file;
  }

  it.each<[string, number, (now: string) => string]>([
    ['of an earlier boot', 1, () => '01234567'],
    ['of a process that is not there', 3, () => '4194305'],
    ['of a thread that is not there', 4, () => '4194305'],
    ['of a thread with another start', 5, (now) => `${Number(now) + 1}`],
  ])('%s makes it void', (_what, part, value) => {
    const path = newLock();
    const file = fileWith(path, part, value);
    expect(lockHolder(path)).toBeUndefined();
    expect(existsSync(file)).toBe(false);
  });

  it.each<[string, number, (now: string) => string]>([
    ['of another machine', 0, () => '01234567'],
    ['of another container', 2, (now) => `${Number(now) + 1}`],
  ])('%s counts as living', (_what, part, value) => {
    const path = newLock();
    const file = fileWith(path, part, value);
    expect(lockHolder(path)).toBe(`somebody (process ${process.pid})`);
    expect(readFileSync(file, 'utf8')).toBe('somebody');
  });

  it('that is none counts as living', () => {
    const path = newLock();
    writeFileSync(`${path}.lock.mine`, 'an operator');
    expect(tryLock(path, 'CL1-C')).toEqual({
      isHeld: false,
      holder: 'an operator (process unknown)',
    });
  });
});
