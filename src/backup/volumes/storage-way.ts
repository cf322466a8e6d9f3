/**
 * The way from a mounted file system or block device down to the file of an array that holds it, through loop
 * devices, their partitions, mapped devices, and file systems that lie in files of other file systems. Decided from the
 * mount table and /sys alone: whatever is mounted on a dead or hanging array is never touched here.
 */
import { join } from 'node:path';
import { ArrayError } from '../../base/errors.js';
import { type LoopFile, loopsBehind } from '../../host/backing-chain.js';
import { isArrayMount, type MountEntry, mountOf, readMountTable } from '../../host/mount-table.js';

/** Longer chains are refused. */
const STEPS_MAX = 32;

/** What is known of the machine; replaced in tests. */
export interface StorageView {
  readonly table: readonly MountEntry[];
  /** The loop devices behind `MAJOR:MINOR`, or else behind `/dev/NAME`. */
  loopsBehind(device: string, source: string): readonly LoopFile[];
}

/** A block device, by number as `7:0`, and by the name of its file where it is known. */
export interface DeviceName {
  readonly device: string;
  readonly source: string;
}

export interface StorageWay {
  /** File systems on the way, that of the path first; the last lies directly on the array. */
  readonly mounts: readonly MountEntry[];
  /** Loop devices on the way, in the same direction; the file of the last is one of the array. */
  readonly loops: readonly LoopFile[];
  readonly arrayMount: MountEntry;
  /** The file in the array, as `['volumes', 'db']`. */
  readonly names: readonly string[];
}

export function systemView(): StorageView {
  return { table: readMountTable(), loopsBehind };
}

/** From an absolute path without symbolic links. ENODEV says what it is on where that is no array. */
export function wayOfFile(path: string, view: StorageView): StorageWay {
  return follow(path, [], [], view);
}

export function wayOfDevice(name: DeviceName, view: StorageView): StorageWay {
  const loop = loopBehind(name, view, `${name.source} is not on an array`);
  return follow(loop.file, [], [loop], view);
}

function follow(
  path: string,
  mounts: readonly MountEntry[],
  loops: readonly LoopFile[],
  view: StorageView,
): StorageWay {
  const mount = mountOf(path, view.table);
  if (mount === undefined) throw new ArrayError('ENODEV', `${path} is on no file system`);
  if (isArrayMount(mount)) {
    return { mounts, loops, arrayMount: mount, names: namesInArray(path, mount) };
  }
  const what = `${mount.type} of ${mount.source}`;
  if (mounts.length >= STEPS_MAX) throw new ArrayError('ENODEV', `${path} is on ${what} in a loop`);
  const refusal = `${path} is not on an array: it is on ${what}, mounted at ${mount.mountPoint}`;
  const loop = loopBehind(mount, view, refusal);
  return follow(loop.file, [...mounts, mount], [...loops, loop], view);
}

function loopBehind(name: DeviceName, view: StorageView, refusal: string): LoopFile {
  const loops = view.loopsBehind(name.device, name.source);
  const [loop, ...others] = loops;
  if (loop === undefined) throw new ArrayError('ENODEV', refusal);
  if (others.length === 0) return loop;
  const places = loops.map(({ file }) => file).join(', ');
  throw new ArrayError('ENODEV', `${name.source} lies on several files (${places}): name volumes`);
}

/** Also below a bind mount of a part of the array. */
function namesInArray(path: string, mount: MountEntry): string[] {
  const below = path.slice(mount.mountPoint === '/' ? 0 : mount.mountPoint.length);
  return join(mount.root, below)
    .split('/')
    .filter((name) => name !== '');
}

/** The visible mounts that lie on an array in the end, outermost first, with their way; others are left out. */
export function mountsOnArrays(view: StorageView): { mount: MountEntry; way: StorageWay }[] {
  return view.table.flatMap((mount) => {
    if (isArrayMount(mount) || mountOf(mount.mountPoint, view.table) !== mount) return [];
    try {
      return [{ mount, way: wayOfFile(mount.mountPoint, view) }];
    } catch (error) {
      if (error instanceof ArrayError) return [];
      throw error;
    }
  });
}
