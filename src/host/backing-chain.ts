/**
 * Paths that the daemon must not use because they lead back to its own array: on its mount, or on a
 * file system whose backing file is there, through any chain of loop devices, partitions and mapped
 * devices (design, Architecture). Waiting for oneself is a deadlock that only a reboot ends, so this
 * is decided from /proc and /sys alone, never by touching the mount.
 */
import { realpathSync } from 'node:fs';
import { basename, join } from 'node:path';
import { ArrayError } from '../base/errors.js';
import { isArrayMount, isWithin, type MountEntry, mountOf, readMountTable } from './mount-table.js';
import { type ReadLink, resolveOutside } from './outside-path.js';
import { namesIn, textOf } from './proc-files.js';

/** Longer chains are refused as if they led to the array. */
const CHAIN_MAX = 64;

/** What the host knows about block devices; replaced in tests. */
export interface BlockDevices {
  /** The files behind `MAJOR:MINOR` or, where that is no block device, behind `/dev/NAME`. */
  backingFiles(device: string, source: string): readonly string[];
}

/** Throws EINVAL where `path` is on the mount at `mountPoint`, or stands on it. */
export function refusePathOnMount(path: string, mountPoint: string): void {
  const table = readMountTable();
  const chain = chainToMount(path, mountPoint, table, systemBlockDevices);
  if (chain === undefined) return;
  const way = chain.length === 0 ? '' : ` (its file system is stored in ${chain.join(', in ')})`;
  throw new ArrayError('EINVAL', `${path} lies on the array's own mount ${mountPoint}${way}`);
}

/**
 * The backing files on the way from `path` to the mount, empty where it is on the mount itself;
 * undefined where no way leads there. The mount need not exist yet.
 */
export function chainToMount(
  path: string,
  mountPoint: string,
  table: readonly MountEntry[],
  devices: BlockDevices,
  readLink?: ReadLink,
): readonly string[] | undefined {
  const place = resolveOutside(mountPoint, table, readLink);
  const own = mountOf(place, table);
  const ownDevice = own?.mountPoint === place && isArrayMount(own) ? own.device : undefined;
  const visit = (file: string, depth: number): readonly string[] | undefined => {
    const real = resolveOutside(file, table, readLink);
    const mount = mountOf(real, table);
    if (isWithin(real, place) || (ownDevice !== undefined && mount?.device === ownDevice)) {
      return [];
    }
    if (mount === undefined) return undefined;
    if (depth >= CHAIN_MAX) return [];
    for (const backing of devices.backingFiles(mount.device, mount.source)) {
      const chain = visit(backing, depth + 1);
      if (chain !== undefined) return [backing, ...chain];
    }
    return undefined;
  };
  return visit(path, 0);
}

export const systemBlockDevices: BlockDevices = {
  backingFiles: (device, source) => loopsBehind(device, source).map(({ file }) => file),
};

/** A loop device, as `loop0`, and the file it was attached to, by the name that file has now. */
export interface LoopFile {
  readonly loop: string;
  readonly file: string;
}

/** The loop devices behind `MAJOR:MINOR` or, where that is no block device, behind `/dev/NAME`. */
export function loopsBehind(device: string, source: string): readonly LoopFile[] {
  // Some file systems (btrfs) show a device number of their own: go by the source's name.
  const byNumber = directoryOf(join('/sys/dev/block', device));
  const directory =
    byNumber ??
    (source.startsWith('/dev/')
      ? directoryOf(join('/sys/class/block', basename(source)))
      : undefined);
  return directory === undefined ? [] : loopsBelow(directory, 0);
}

/** `directory` is a block device in /sys: a loop device, a partition of one, or mapped onto them. */
function loopsBelow(directory: string, depth: number): LoopFile[] {
  const own = [directory, join(directory, '..')].flatMap((place) => {
    const file = backingFileOf(place);
    return file === undefined ? [] : [{ loop: basename(place), file }];
  });
  if (own.length > 0 || depth >= CHAIN_MAX) return own.slice(0, 1);
  return namesIn(join(directory, 'slaves')).flatMap((name) => {
    const below = directoryOf(join(directory, 'slaves', name));
    return below === undefined ? [] : loopsBelow(below, depth + 1);
  });
}

/** The file behind a loop device's directory in /sys; undefined for other devices. */
export function backingFileOf(directory: string): string | undefined {
  const file = textOf(join(directory, 'loop', 'backing_file'));
  return file === '' ? undefined : file.replace(/ \(deleted\)$/, '');
}

function directoryOf(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}
