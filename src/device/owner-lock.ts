/**
 * Locks between threads and processes of a machine that are void when their owner ends, without an
 * event loop. A lock is a file whose name no other thread can have:
 *
 *   NAME.lock.HOST.BOOT.SPACE.PID.TASK.START.N[.ATTEMPT]
 *
 * host name (hashed), this boot (hashed), number space of processes, process, kernel thread and its
 * start time; N counts the locks of the thread; the attempt at a request that it was taken for, if it
 * was. Its content names the holder, for messages.
 *
 * Taking: make one's own file, then look for others. Of two who do that at a time at least one sees
 * the other and steps back; both may. A file whose owner has ended is removed by whoever sees it:
 * its name is never used again, so that can hit no living lock; so is that of an attempt of the same
 * process that is over, though its thread is stuck. An owner that cannot be judged from
 * here (another machine or container) counts as living; its file must be removed by hand if it died.
 */
import { createHash } from 'node:crypto';
import {
  existsSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { ownThread } from '../base/own-thread.js';

export interface OwnerLock {
  release(): void;
}

/** What a lock is taken for, where a request is tried by several threads, one after the other. */
export interface Attempt {
  /** Among those of this process: digits and hyphens. */
  readonly id: string;
  /** Of another one: it will never use what it has taken, also if it still runs. */
  isOver(id: string): boolean;
}

export type LockAttempt =
  | { readonly isHeld: true; readonly lock: OwnerLock }
  | { readonly isHeld: false; readonly holder: string };

interface Owner {
  readonly host: string;
  readonly boot: string;
  readonly space: string;
  readonly pid: number;
  readonly task: number;
  /** Clock ticks since the boot. */
  readonly start: string;
  readonly attempt?: string | undefined;
}

const HASH_CHARACTERS = 8;
const LOCK_DIRECTORY = '/run/lock';
let locksTaken = 0;
let thisThread: Owner | undefined;

/** Where locks of what is not in a directory of its own are, the same for all users. */
export function lockDirectory(): string {
  return existsSync(LOCK_DIRECTORY) ? LOCK_DIRECTORY : tmpdir();
}

/** Takes the lock `path`, in the directory of `path`; `holder` says who has it. */
export function tryLock(path: string, holder: string, attempt?: Attempt): LockAttempt {
  locksTaken += 1;
  const { host, boot, space, pid, task, start } = ownIdentity();
  const thread = `${host}.${boot}.${space}.${pid}.${task}.${start}`;
  const own = `${path}.lock.${thread}.${locksTaken}${attempt ? `.${attempt.id}` : ''}`;
  writeFileSync(own, holder, { flag: 'wx' });
  const other = lockHolder(path, basename(own), attempt);
  if (other === undefined) {
    return { isHeld: true, lock: { release: () => rmSync(own, { force: true }) } };
  }
  rmSync(own, { force: true });
  return { isHeld: false, holder: other };
}

/** Who has the lock; undefined where nobody has. Files of owners that ended, and of attempts that are over, are removed. */
export function lockHolder(path: string, own?: string, attempt?: Attempt): string | undefined {
  const prefix = `${basename(path)}.lock.`;
  for (const name of readdirSync(dirname(path))) {
    if (!name.startsWith(prefix) || name === own) continue;
    const file = join(dirname(path), name);
    const owner = parseOwner(name.slice(prefix.length));
    if (owner !== undefined && (hasEnded(owner) || isOver(owner, attempt))) removeVoid(file);
    else {
      const holder = contentOf(file);
      if (holder !== undefined) return `${holder} (process ${owner?.pid ?? 'unknown'})`;
    }
  }
  return undefined;
}

/** Another user's file may have to stay; it is void all the same. */
function removeVoid(file: string): void {
  try {
    rmSync(file, { force: true });
  } catch {
    // Its owner's next session removes it.
  }
}

/** Undefined where it has been released meanwhile. */
function contentOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function parseOwner(text: string): Owner | undefined {
  const match = /^(\w+)\.(\w+)\.(\d+)\.(\d+)\.(\d+)\.(\d+)\.\d+(?:\.([\d-]+))?$/.exec(text);
  if (match === null) return undefined;
  const [, host = '', boot = '', space = '', pid = '', task = '', start = '', attempt] = match;
  return { host, boot, space, pid: Number(pid), task: Number(task), start, attempt };
}

/** Another process may give the same names to attempts of its own. */
function isOver(owner: Owner, attempt: Attempt | undefined): boolean {
  if (attempt === undefined || owner.attempt === undefined) return false;
  const self = ownIdentity();
  const isOwn = (['host', 'boot', 'space', 'pid'] as const).every(
    (name) => owner[name] === self[name],
  );
  return isOwn && attempt.isOver(owner.attempt);
}

function hasEnded(owner: Owner): boolean {
  const self = ownIdentity();
  if (owner.host !== self.host) return false;
  if (owner.boot !== self.boot) return true;
  return owner.space === self.space && startOf(owner.pid, owner.task) !== owner.start;
}

function ownIdentity(): Owner {
  thisThread ??= readIdentity();
  return thisThread;
}

function readIdentity(): Owner {
  const host = hashed(hostname());
  const boot = procText('sys/kernel/random/boot_id');
  if (boot === undefined) {
    // Without /proc (macOS) threads cannot be told apart: a lock lives as long as its process.
    return { host, boot: '0', space: '0', pid: process.pid, task: process.pid, start: '0' };
  }
  const space = /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? '0';
  const { pid, task } = ownThread() ?? { pid: process.pid, task: process.pid };
  return { host, boot: hashed(boot), space, pid, task, start: startOf(pid, task) ?? '0' };
}

/** Field 22 of proc(5) stat; undefined where the thread has ended. */
function startOf(pid: number, task: number): string | undefined {
  const stat = procText(`${pid}/task/${task}/stat`);
  if (stat === undefined) return procText('self/stat') === undefined ? startOfPid(pid) : undefined;
  const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  // A process that ended and was not waited for yet is a zombie.
  return state === 'Z' || state === 'X' ? undefined : fields[18];
}

function startOfPid(pid: number): string | undefined {
  try {
    process.kill(pid, 0);
    return '0';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH' ? undefined : '0';
  }
}

function procText(path: string): string | undefined {
  try {
    return readFileSync(join('/proc', path), 'latin1');
  } catch {
    return undefined;
  }
}

function hashed(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, HASH_CHARACTERS);
}
