/** Unmounting for errands: with patience for programs that are just ending, and lazily where one does not. */
import { type Clock, pause } from '../../base/clock.js';
import { ArrayError, asArrayError } from '../../base/errors.js';
import { isWithin, type MountEntry, readMountTable } from '../../host/mount-table.js';
import { unmountPath } from '../../host/unmount.js';
import { withinTime } from '../within-time.js';

const TRIES_MAX = 10;
const PAUSE_MS = 50;

/** EBUSY where it is still in use after a while, ENXIO where its file system hangs. */
export async function unmount(mountPoint: string, clock: Clock): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      await withinTime(clock, mountPoint, unmountPath(mountPoint, { lazy: false }));
      return;
    } catch (error) {
      if (!mountsAt(mountPoint)) return;
      if (asArrayError(error).code !== 'EBUSY' || tries >= TRIES_MAX) throw error;
      await pause(clock, PAUSE_MS);
    }
  }
}

/** Takes all mounts at and below `directory` out of the mount table, whoever uses them; for what is only looked into. */
export async function unmountBelow(directory: string, clock: Clock): Promise<void> {
  for (const { mountPoint } of mountsBelow(directory).reverse()) {
    try {
      await unmount(mountPoint, clock);
    } catch (error) {
      if (!(error instanceof ArrayError)) throw error;
      if (mountsAt(mountPoint)) await unmountPath(mountPoint, { lazy: true });
    }
  }
}

function mountsBelow(directory: string): MountEntry[] {
  return readMountTable().filter(({ mountPoint }) => isWithin(mountPoint, directory));
}

function mountsAt(mountPoint: string): boolean {
  return readMountTable().some((entry) => entry.mountPoint === mountPoint);
}
