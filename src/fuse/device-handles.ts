/**
 * The descriptors of /dev/fuse that libfuse has open in this process, known by their numbers in /proc: one for each mount, closed
 * when the kernel has ended its connection, which nobody is told of.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { MountEntry } from '../host/mount-table.js';

export const FUSE_DEVICE = '/dev/fuse';

export function openDeviceHandles(): string[] {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc/self/fd').filter(isDeviceHandle);
}

/**
 * Of a mount that was just made. Newer kernels tell the connection of a descriptor, the minor number of the mount's device.
 * Else it is what was opened meanwhile; or, where the number was that of one before, which libfuse closed meanwhile, any.
 */
export function ownHandles(
  entry: MountEntry | undefined,
  before: ReadonlySet<string>,
): ((name: string) => boolean) | undefined {
  const handles = openDeviceHandles();
  const minor = entry?.device.split(':')[1];
  const isOfMount = (name: string) => minor !== undefined && connectionOf(name) === minor;
  if (handles.some(isOfMount)) return isOfMount;
  const opened = handles.filter((name) => !before.has(name));
  const own = new Set(opened.length > 0 ? opened : handles);
  return own.size > 0 ? (name) => own.has(name) : undefined;
}

function connectionOf(name: string): string | undefined {
  try {
    const text = readFileSync(`/proc/self/fdinfo/${name}`, 'utf8');
    return /^fuse_connection:\s*(\d+)$/m.exec(text)?.[1];
  } catch {
    return undefined;
  }
}

function isDeviceHandle(name: string): boolean {
  try {
    return readlinkSync(`/proc/self/fd/${name}`) === FUSE_DEVICE;
  } catch {
    return false;
  }
}
