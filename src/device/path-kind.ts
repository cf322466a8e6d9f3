/** What lies at the path of a device, in words for whoever gave the path of something else. */
import { type Stats, statSync } from 'node:fs';
import { asArrayError } from '../base/errors.js';

/** `a directory`, `a file`, ... */
export function pathKind(stats: Stats): string {
  if (stats.isDirectory()) return 'a directory';
  if (stats.isFile()) return 'a file';
  if (stats.isBlockDevice()) return 'a block device';
  if (stats.isCharacterDevice()) return 'a character device';
  return stats.isFIFO() ? 'a pipe' : 'a socket';
}

/** Undefined where it is a directory. */
export function directoryProblem(path: string): string | undefined {
  try {
    const stats = statSync(path, { throwIfNoEntry: false });
    if (stats === undefined) return `there is no directory ${path}`;
    return stats.isDirectory() ? undefined : `${path} is ${pathKind(stats)}, not a directory`;
  } catch (error) {
    // Below a file, or where nobody may look.
    return asArrayError(error).reason;
  }
}
