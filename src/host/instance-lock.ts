/**
 * At most one daemon for an array's serial and for a store directory. A lock is a listening socket
 * (lock-name.ts) with a name the kernel frees when the process dies, however it dies. Whoever connects
 * is told in one JSON line who holds it.
 */
import { rmSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { sleep, systemClock } from '../base/clock.js';
import { ArrayError } from '../base/errors.js';
import { endDeadDaemon } from './dead-daemon.js';
import { isTaken, serialLockName, storeLockName } from './lock-name.js';
import { arrayMounts } from './mount-table.js';

/** A holder that is stopped or busy this long is reported without its details. */
const ANSWER_MS_MAX = 2_000;
/** How long a daemon that is ending is waited for, and how often it is looked at. */
const ENDING_MS_MAX = 10_000;
const LOOK_MS = 50;

export interface Holder {
  readonly pid: number;
  readonly serial: string;
  readonly storeDirectory: string;
  readonly mountPoint: string;
}

/** Replaced in tests. */
export interface LockOptions {
  readonly endingMsMax?: number;
  readonly isMounted?: (serial: string) => boolean;
  readonly endDead?: (serial: string) => boolean;
}

export interface InstanceLock {
  release(): void;
}

/**
 * Takes both locks; EBUSY names who has one, and how to mount a copy beside its original. Waits a
 * while for a daemon whose mount has gone: it is making everything durable and ends then; and for one
 * that was killed and did not end, once its connection is ended.
 */
export async function acquireInstanceLock(
  wanted: Omit<Holder, 'pid'>,
  options: LockOptions = {},
): Promise<InstanceLock> {
  const { endingMsMax = ENDING_MS_MAX } = options;
  const { isMounted = isArrayMounted, endDead = endDeadDaemon } = options;
  const own: Holder = { pid: process.pid, ...wanted };
  const startMs = systemClock.monotonicMs();
  for (;;) {
    const lock = await tryAcquire(own);
    if (lock.isHeld) return { release: lock.release };
    const holder = await ask(lock.busyName);
    const isEnding = holder === undefined ? endDead(own.serial) : !isMounted(holder.serial);
    // Released meanwhile: there is nobody to wait for.
    if (holder === undefined && !isTaken(lock.busyName)) continue;
    if (!isEnding || systemClock.monotonicMs() - startMs > endingMsMax) {
      throw busyError(own, holder, isEnding);
    }
    await sleep(LOOK_MS);
  }
}

/** Takes the lock of one more store directory of an array that is locked; EBUSY where somebody has it. */
export async function lockDirectory(wanted: Omit<Holder, 'pid'>): Promise<InstanceLock> {
  const name = storeLockName(wanted.storeDirectory);
  const server = await listen(name, { pid: process.pid, ...wanted });
  if (server !== undefined) return { release: () => server.close() };
  throw new ArrayError('EBUSY', `${wanted.storeDirectory} is in use by another process`);
}

/** Some process has the array in `directory` open, or a pool of it. */
export function isDirectoryLocked(directory: string): boolean {
  return isTaken(storeLockName(directory));
}

type Attempt =
  | { readonly isHeld: true; release(): void }
  | { readonly isHeld: false; readonly busyName: string };

async function tryAcquire(own: Holder): Promise<Attempt> {
  const names = [serialLockName(own.serial), storeLockName(own.storeDirectory)];
  const servers: Server[] = [];
  const release = () => {
    for (const server of servers) server.close();
  };
  for (const busyName of names) {
    const server = await listen(busyName, own);
    if (server === undefined) {
      release();
      return { isHeld: false, busyName };
    }
    servers.push(server);
  }
  return { isHeld: true, release };
}

function isArrayMounted(serial: string): boolean {
  // Without a mount table (macOS) a daemon that answers counts as mounted.
  return process.platform !== 'linux' || arrayMounts().some((mount) => mount.serial === serial);
}

/** Whether a daemon serves the array now; asks nobody, so it is also right for a hanging one. */
export function findHolder(serial: string): { readonly serial: string } | undefined {
  const name = serialLockName(serial);
  return isTaken(name) ? { serial } : undefined;
}

/** Who serves the array; undefined where nobody does or the daemon does not answer. */
export function askHolder(serial: string): Promise<Holder | undefined> {
  return ask(serialLockName(serial));
}

/** Undefined where another process has the name. */
async function listen(name: string, holder: Holder): Promise<Server | undefined> {
  const server = await tryListen(name, holder);
  if (server !== undefined || name.startsWith('\0') || (await ask(name)) !== undefined) {
    return server;
  }
  // A socket file outlives its process; nobody answers on it.
  rmSync(name, { force: true });
  return tryListen(name, holder);
}

function tryListen(name: string, holder: Holder): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      socket.on('error', () => socket.destroy());
      socket.end(`${JSON.stringify(holder)}\n`);
    });
    server.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(undefined);
      else reject(new ArrayError('EIO', `cannot lock the array: ${error.message}`));
    });
    server.listen(name, () => {
      server.unref();
      resolve(server);
    });
  });
}

function ask(name: string): Promise<Holder | undefined> {
  return new Promise((resolve) => {
    let text = '';
    const socket = connect(name);
    const timer = systemClock.after(ANSWER_MS_MAX, () => finish());
    const finish = () => {
      timer.cancel();
      socket.destroy();
      resolve(parseHolder(text));
    };
    socket.setEncoding('utf8');
    socket.on('data', (chunk) => {
      text += String(chunk);
    });
    socket.on('end', finish);
    socket.on('error', finish);
  });
}

function parseHolder(text: string): Holder | undefined {
  try {
    const value = JSON.parse(text) as Partial<Holder>;
    const { pid, serial, storeDirectory, mountPoint } = value;
    if (typeof pid !== 'number' || typeof serial !== 'string') return undefined;
    return { pid, serial, storeDirectory: `${storeDirectory}`, mountPoint: `${mountPoint}` };
  } catch {
    return undefined;
  }
}

function busyError(wanted: Holder, holder: Holder | undefined, isEnding: boolean): ArrayError {
  if (holder === undefined) {
    const reason = `array ${wanted.serial} is in use by a process that does not answer`;
    return new ArrayError('EBUSY', reason);
  }
  const { pid, storeDirectory, mountPoint, serial } = holder;
  if (isEnding) {
    const reason = `process ${pid} still serves files of ${storeDirectory} that were left open at ${mountPoint}`;
    return new ArrayError('EBUSY', reason);
  }
  const where = `mounted at ${mountPoint} by process ${pid}`;
  const isSameStore = storeLockOf(storeDirectory) === storeLockOf(wanted.storeDirectory);
  if (!isSameStore && isDirectoryLocked(wanted.storeDirectory)) {
    return new ArrayError(
      'EBUSY',
      `${wanted.storeDirectory} is a pool of the array of ${storeDirectory}, ${where}`,
    );
  }
  if (isSameStore || serial !== wanted.serial) {
    return new ArrayError('EBUSY', `${storeDirectory} is already ${where}`);
  }
  return new ArrayError(
    'EBUSY',
    `${wanted.storeDirectory} has the serial ${serial} of ${storeDirectory}, which is ${where}; ` +
      `if it is a copy, give it its own with: arrayfs init --adopt ${wanted.storeDirectory}`,
  );
}

function storeLockOf(directory: string): string {
  try {
    return storeLockName(directory);
  } catch {
    return directory;
  }
}
