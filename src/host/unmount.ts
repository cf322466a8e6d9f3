/**
 * Unmounting with the system's own programs: umount(8) for root, fusermount(1) for other users. They
 * are run beside the event loop, which must go on answering requests of the mount meanwhile.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { ArrayError } from '../base/errors.js';
import { findMount, type MountEntry, mountAt, readMountTable } from './mount-table.js';

export interface UnmountOptions {
  /** Leave the name space at once; open files go on working. */
  readonly lazy: boolean;
}

/** EBUSY while it is in use, EPERM for the mount of another user. */
export function unmountPath(mountPoint: string, options: UnmountOptions): Promise<void> {
  const { program, words } = commandFor(mountPoint, options);
  return new Promise((resolve, reject) => {
    execFile(program, words, { env: { ...process.env, LC_ALL: 'C' } }, (error, _out, errors) => {
      if (error) reject(unmountError(mountPoint, program, `${errors}`.trim() || error.message));
      else resolve();
    });
  });
}

/**
 * Takes away what an aborted connection has left in the mount table; resolves when it is gone, by
 * whomever. EBUSY where another mount lies over it, which is not ours to unmount.
 */
export async function removeDeadMount(mount: MountEntry | undefined): Promise<void> {
  const entry = findDeadMount(mount);
  if (entry === undefined) return;
  if (mountAt(entry.mountPoint, readMountTable())?.id !== entry.id) {
    throw new ArrayError('EBUSY', `a dead mount is left at ${entry.mountPoint} below another one`);
  }
  try {
    await unmountPath(entry.mountPoint, { lazy: true });
  } catch (error) {
    if (findDeadMount(mount) !== undefined) throw error;
  }
}

/** Its id may be that of a new mount of the same array by now: so only at the same place. */
function findDeadMount(mount: MountEntry | undefined): MountEntry | undefined {
  const entry = findMount(mount, readMountTable());
  return entry?.mountPoint === mount?.mountPoint ? entry : undefined;
}

function commandFor(mountPoint: string, { lazy }: UnmountOptions) {
  if (process.getuid?.() === 0 || process.platform !== 'linux') {
    // -i: no mount helper of the type, which might unmount in its own way.
    const flags =
      process.platform === 'linux' ? ['-i', ...(lazy ? ['-l'] : [])] : lazy ? ['-f'] : [];
    return { program: 'umount', words: [...flags, mountPoint] };
  }
  return {
    program: findFusermount() ?? 'fusermount',
    words: [lazy ? '-uz' : '-u', '--', mountPoint],
  };
}

/** The program that mounts and unmounts for users who are not root. */
export function findFusermount(): string | undefined {
  return findProgram('fusermount') ?? findProgram('fusermount3');
}

function findProgram(name: string): string | undefined {
  return (process.env.PATH ?? '/usr/bin:/bin')
    .split(delimiter)
    .map((directory) => join(directory, name))
    .find((path) => existsSync(path));
}

function unmountError(mountPoint: string, program: string, text: string): ArrayError {
  const line = text.split('\n')[0] ?? '';
  if (/busy/i.test(text)) return new ArrayError('EBUSY', `${mountPoint} is in use`);
  if (/permitted|permission|superuser|not found in \/etc\/mtab/i.test(text)) {
    return new ArrayError('EPERM', `${mountPoint} is not yours to unmount: ${line}`);
  }
  return new ArrayError('EIO', `${program} failed: ${line}`);
}
