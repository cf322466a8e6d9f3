/** `arrayfs umount`: unmounts an array and waits until its daemon has made everything durable. */
import type { Command } from 'commander';
import { sleep, systemClock } from '../base/clock.js';
import { ArrayError, asArrayError } from '../base/errors.js';
import { ArrayClient } from '../client/array-client.js';
import { endDeadDaemon } from '../host/dead-daemon.js';
import { askHolder, findHolder } from '../host/instance-lock.js';
import { mountHolders } from '../host/mount-holders.js';
import { mountHealth } from '../host/mount-point.js';
import { arrayMounts, mountOf, readMountTable } from '../host/mount-table.js';
import { resolveOutside } from '../host/outside-path.js';
import { isRunning } from '../host/processes.js';
import { unmountPath } from '../host/unmount.js';
import { wantsJson } from './global-options.js';
import { note, print, printJson } from './output.js';

/** Between two looks at whether the daemon has ended. */
const LOOK_MS = 20;
/** After a lazy unmount the daemon lives as long as its open files: no use waiting longer. */
const DETACHED_WAIT_MS = 2_000;

export function addUmountCommand(program: Command): void {
  program
    .command('umount')
    .description('unmount an array; returns when everything is durable')
    .argument('<mountpoint>', 'where the array is mounted')
    .option('--force', 'also while it is in use: open files are served until they are closed')
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
      else
        print(`${done.mountPoint} is unmounted${done.ended ? '' : ', still serving open files'}`);
    });
}

interface Unmounted {
  readonly mountPoint: string;
  /** The daemon has ended, all is durable. */
  readonly ended: boolean;
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
  if (!force) await makeDurable(mountPoint);
  const holder = serial === undefined ? undefined : await askHolder(serial);
  // Read before: afterwards the holders' paths no longer show the mount.
  const users = force ? mountHolders(mountPoint, { mappings: true }) : [];
  await unmountNow(mountPoint, force);
  for (const user of users) note(`${mountPoint} is still held by ${user}`);
  if (serial === undefined) return { mountPoint, ended: false };
  return { mountPoint, ended: await daemonEnded(serial, holder?.pid, force) };
}

async function makeDurable(mountPoint: string): Promise<void> {
  try {
    await new ArrayClient(mountPoint).run({ name: 'sync', words: [], options: {} });
  } catch (error) {
    // A read-only array has nothing to make durable.
    if (error instanceof ArrayError && error.code === 'EROFS') return;
    const { code, reason } = asArrayError(error);
    throw new ArrayError(code, `${reason} (umount --force unmounts all the same)`);
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
  force: boolean,
): Promise<boolean> {
  const startMs = systemClock.monotonicMs();
  while (findHolder(serial) !== undefined || (pid !== undefined && isRunning(pid))) {
    if (force && systemClock.monotonicMs() - startMs > DETACHED_WAIT_MS) return false;
    await sleep(LOOK_MS);
  }
  return true;
}
