/**
 * `arrayfs umount`: unmounts an array and waits until its daemon has made everything durable. By force also
 * where that cannot be: it says what is not durable, and ends the daemon's attempts.
 */
import type { Command } from 'commander';
import { sleep, systemClock } from '../base/clock.js';
import { ArrayError, asArrayError } from '../base/errors.js';
import { ArrayClient } from '../client/array-client.js';
import { endDeadDaemon } from '../host/dead-daemon.js';
import { FUSE_DEVICE } from '../host/fuse-connection.js';
import { askHolder, findHolder } from '../host/instance-lock.js';
import { mountHolders } from '../host/mount-holders.js';
import { mountHealth } from '../host/mount-point.js';
import { arrayMounts, mountOf, readMountTable } from '../host/mount-table.js';
import { resolveOutside } from '../host/outside-path.js';
import { hasOpen, isRunning } from '../host/processes.js';
import { unmountPath } from '../host/unmount.js';
import { wantsJson } from './global-options.js';
import { note, print, printJson } from './output.js';

/** Between two looks at whether the daemon has ended. */
const LOOK_MS = 20;
/** After a lazy unmount the daemon lives as long as its open files: no use waiting longer. */
const DETACHED_WAIT_MS = 2_000;
/** A daemon that has been told to try no more takes as long for its last attempt, at most. */
const LAST_ATTEMPT_MS_MAX = 30_000;

export function addUmountCommand(program: Command): void {
  program
    .command('umount')
    .description('unmount an array; returns when everything is durable')
    .argument('<mountpoint>', 'where the array is mounted')
    .option(
      '--force',
      'also while it is in use (open files are served until they are closed) or cannot be saved',
    )
    .addHelpText(
      'after',
      `
Examples:
  arrayfs umount /mnt/array           says who holds it where it is busy
  arrayfs umount /mnt/array --force   leaves the name space at once`,
    )
    .action(async (path: string, options: { force?: boolean }, command: Command) => {
      const done = await umount(path, options.force === true);
      if (wantsJson(command)) printJson({ ok: true, ...done });
      else print(`${done.mountPoint} is unmounted${remarkOn(done)}`);
    });
}

function remarkOn({ ended, isServing, notDurable }: Unmounted): string {
  const what = notDurable === undefined ? '' : `, not everything is durable: ${notDurable}`;
  if (ended) return what;
  return isServing
    ? `, still serving open files${what}`
    : `, its daemon still tries to save${what}`;
}

interface Unmounted {
  readonly mountPoint: string;
  /** The daemon has ended; all is durable unless that is said. */
  readonly ended: boolean;
  /** It has not, as files are open. */
  readonly isServing?: boolean;
  /** Why not everything is, by pool. */
  readonly notDurable?: string;
}

async function umount(path: string, force: boolean): Promise<Unmounted> {
  const { mountPoint, serial } = findArrayMount(path);
  const health = await mountHealth(mountPoint, systemClock);
  const isHanging = health === 'hanging' && serial !== undefined;
  if (health === 'dead' || (isHanging && endDeadDaemon(serial))) {
    await unmountPath(mountPoint, { lazy: true });
    note(`the daemon of ${mountPoint} had died; removed the mount it left`);
    return { mountPoint, ended: true };
  }
  // After an unmount nobody would see that a full disk keeps writes from becoming durable.
  const failure = await makeDurable(mountPoint);
  if (!force && failure !== undefined) {
    throw new ArrayError(failure.code, `${failure.reason} (umount --force unmounts all the same)`);
  }
  const saved = failure === undefined ? {} : { notDurable: failure.reason };
  const holder = serial === undefined ? undefined : await askHolder(serial);
  // Read before: afterwards the holders' paths no longer show the mount.
  const users = force ? mountHolders(mountPoint, { mappings: true }) : [];
  await unmountNow(mountPoint, force);
  for (const user of users) note(`${mountPoint} is still held by ${user}`);
  if (serial === undefined) return { mountPoint, ended: false, isServing: true, ...saved };
  if (!force) return { mountPoint, ended: await daemonEnded(serial, holder?.pid) };
  return { mountPoint, ...(await forcedEnd(serial, holder?.pid)), ...saved };
}

/** The failure, if there is one. */
async function makeDurable(mountPoint: string): Promise<ArrayError | undefined> {
  try {
    await new ArrayClient(mountPoint).run({ name: 'sync', words: [], options: {} });
  } catch (error) {
    // A read-only array has nothing to make durable.
    return error instanceof ArrayError && error.code === 'EROFS' ? undefined : asArrayError(error);
  }
  return undefined;
}

/** What cannot be saved is tried again and again once nothing is open any more: a signal ends that. */
async function forcedEnd(
  serial: string,
  pid: number | undefined,
): Promise<{ ended: boolean; isServing: boolean }> {
  if (await daemonEnded(serial, pid, DETACHED_WAIT_MS)) return { ended: true, isServing: false };
  if (pid === undefined || hasOpen(pid, FUSE_DEVICE) !== false) {
    return { ended: false, isServing: true };
  }
  endAttempts(pid);
  return { ended: await daemonEnded(serial, pid, LAST_ATTEMPT_MS_MAX), isServing: false };
}

function endAttempts(pid: number): void {
  try {
    process.kill(pid, 'SIGTERM');
  } catch {
    // It has just ended, or is not ours.
  }
}

/** Decided from the mount table: the mount may be dead. */
function findArrayMount(path: string) {
  const table = readMountTable();
  const mount = mountOf(resolveOutside(path, table), table);
  const array = arrayMounts(table).find(({ mountId }) => mountId === mount?.id);
  if (array === undefined || array.mountPoint !== resolveOutside(path, table)) {
    throw new ArrayError('EINVAL', `no array is mounted at ${path}`);
  }
  return array;
}

async function unmountNow(mountPoint: string, force: boolean): Promise<void> {
  try {
    await unmountPath(mountPoint, { lazy: force });
  } catch (error) {
    if (!(error instanceof ArrayError && error.code === 'EBUSY')) throw error;
    const users = mountHolders(mountPoint, { mappings: true });
    const who = users.length > 0 ? users.join('; ') : 'a process you cannot see';
    throw new ArrayError('EBUSY', `${mountPoint} is in use by ${who}`);
  }
}

/** Waits for the lock's end, which the kernel ties to the process, and then for the process. */
async function daemonEnded(
  serial: string,
  pid: number | undefined,
  atMostMs = Number.POSITIVE_INFINITY,
): Promise<boolean> {
  const startMs = systemClock.monotonicMs();
  while (findHolder(serial) !== undefined || (pid !== undefined && isRunning(pid))) {
    if (systemClock.monotonicMs() - startMs > atMostMs) return false;
    await sleep(LOOK_MS);
  }
  return true;
}
