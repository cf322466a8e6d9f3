/**
 * Which mounted array a program means. Decided from texts alone: a dead or hanging mount must never
 * be touched to find out that it is not the one.
 */
import { resolve } from 'node:path';
import { ArrayError } from '../base/errors.js';

export interface MountedArray {
  /** Absolute path. */
  readonly mountPoint: string;
}

export interface MountWish {
  /** `--mount DIR`; goes before everything else. */
  readonly option: string | undefined;
  /** The value of ARRAYFS_MOUNT. */
  readonly environment: string | undefined;
  /** Undefined where the current directory is gone. */
  readonly currentDirectory: string | undefined;
}

/** The mount point to use: the wished one, that of the current directory, or the only one. */
export function chooseMount(wish: MountWish, mounts: readonly MountedArray[]): string {
  const named = wish.option || wish.environment;
  if (named) {
    const directory = resolve(wish.currentDirectory ?? '/', named);
    return holderOf(directory, mounts) ?? directory;
  }
  const here = wish.currentDirectory && holderOf(wish.currentDirectory, mounts);
  if (here) return here;
  const points = [...new Set(mounts.map((mount) => mount.mountPoint))];
  const [only, ...others] = points;
  if (only !== undefined && others.length === 0) return only;
  throw new ArrayError('ENOENT', choiceProblem(points));
}

function choiceProblem(points: readonly string[]): string {
  if (points.length === 0) {
    return 'no array is mounted on this machine: use arrayfs mount STORE DIR, or name one with --mount DIR';
  }
  return `several arrays are mounted, choose one with --mount DIR or ARRAYFS_MOUNT: ${points.join(' ')}`;
}

/** The innermost mount point that is `path` or above it. */
function holderOf(path: string, mounts: readonly MountedArray[]): string | undefined {
  let best: string | undefined;
  for (const { mountPoint } of mounts) {
    const inside = path === mountPoint || path.startsWith(`${mountPoint}/`);
    if (inside && mountPoint.length > (best?.length ?? 0)) best = mountPoint;
  }
  return best;
}
