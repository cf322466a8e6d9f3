/**
 * Is a directory fit to mount an array on. A mount whose daemon died ("Transport endpoint is not
 * connected", or no answer at all) is cleared away first, and the caller is told.
 */
import { readdir, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type Clock, pause } from '../base/clock.js';
import { ArrayError } from '../base/errors.js';
import { endDeadDaemon } from './dead-daemon.js';
import { isArrayMount, mountAt, readMountTable, serialOf } from './mount-table.js';
import { unmountPath } from './unmount.js';

/** A mount that does not answer for this long counts as hanging. */
const ANSWER_MS_MAX = 3_000;
/** Dead mounts that may lie over each other. */
const DEAD_MOUNTS_MAX = 8;
/** Bytes of a path the transport's library keeps. */
const PATH_BYTES_MAX = 1_000;

export type MountHealth = 'alive' | 'dead' | 'hanging';

/** Throws why `mountPoint` cannot be used, else returns what the user should know. */
export async function prepareMountPoint(mountPoint: string, clock: Clock): Promise<string[]> {
  const notices: string[] = [];
  for (let round = 0; round < DEAD_MOUNTS_MAX; round += 1) {
    const mount = mountAt(mountPoint, readMountTable());
    if (mount === undefined || mount.mountPoint === '/') break;
    if (!isArrayMount(mount)) {
      throw new ArrayError('EBUSY', `${mountPoint} is already a mount of ${mount.source}`);
    }
    const health = await mountHealth(mountPoint, clock);
    const serial = serialOf(mount.source);
    const isEnded = health === 'hanging' && serial !== undefined && endDeadDaemon(serial);
    if (health !== 'dead' && !isEnded) {
      throw new ArrayError('EBUSY', occupied(mountPoint, mount.source, health));
    }
    await unmountPath(mountPoint, { lazy: true });
    notices.push(`took over ${mountPoint} from a mount of ${mount.source} whose daemon had died`);
  }
  await checkDirectory(mountPoint);
  return notices;
}

function occupied(mountPoint: string, source: string, health: MountHealth): string {
  const state = health === 'hanging' ? ', and does not answer' : '';
  return `${mountPoint} is already the mount of ${source}${state}`;
}

/** Looks at a mount from outside; never call it for a mount of this very process. */
export async function mountHealth(mountPoint: string, clock: Clock): Promise<MountHealth> {
  const look = stat(mountPoint).then(
    () => 'alive' as const,
    (error: NodeJS.ErrnoException) =>
      error.code === 'ENOTCONN' || error.code === 'ECONNABORTED' ? ('dead' as const) : 'alive',
  );
  return Promise.race([look, pause(clock, ANSWER_MS_MAX).then(() => 'hanging' as const)]);
}

async function checkDirectory(mountPoint: string): Promise<void> {
  if (Buffer.byteLength(resolve(mountPoint)) > PATH_BYTES_MAX) {
    throw new ArrayError('EINVAL', `the path of the mount point is longer than ${PATH_BYTES_MAX}`);
  }
  let names: readonly string[];
  try {
    if (!(await stat(mountPoint)).isDirectory()) {
      throw new ArrayError('ENOTDIR', `the mount point ${mountPoint} is not a directory`);
    }
    names = await readdir(mountPoint);
  } catch (error) {
    throw directoryError(mountPoint, error);
  }
  if (names.length > 0) {
    throw new ArrayError('EBUSY', `the mount point ${mountPoint} is not empty`);
  }
}

function directoryError(mountPoint: string, error: unknown): unknown {
  switch ((error as NodeJS.ErrnoException).code) {
    case 'ENOENT':
      return new ArrayError('ENOENT', `the mount point ${mountPoint} does not exist`);
    case 'ENOTDIR':
      return error instanceof ArrayError
        ? error
        : new ArrayError('ENOTDIR', `the mount point ${mountPoint} is below a file`);
    case 'EACCES':
      return new ArrayError('EACCES', `the mount point ${mountPoint} is not yours to read`);
    default:
      return error;
  }
}
