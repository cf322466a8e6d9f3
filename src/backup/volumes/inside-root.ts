/**
 * Paths inside a mounted backup. Links in a backup may lead anywhere: they are followed as if its root were that of the
 * system, so no path leads out of it. Nobody changes what is mounted meanwhile: it is read-only.
 */
import { lstat, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { ArrayError, asArrayError } from '../../base/errors.js';

/** As the kernel's limit. */
const LINKS_MAX = 40;

/**
 * The path on this machine of what is `path` in the backup. `last` says whether a link at its end is followed. ENOENT and ENOTDIR are
 * told with the path as the backup has it.
 */
export async function resolveInside(
  root: string,
  path: string,
  last: 'follow' | 'keep',
): Promise<string> {
  let pending = namesOf(path);
  let done: readonly string[] = [];
  let links = 0;
  while (pending.length > 0) {
    const [name = '', ...rest] = pending;
    pending = rest;
    if (name === '..') {
      done = done.slice(0, -1);
      continue;
    }
    const here = join(root, ...done, name);
    const isKept = last === 'keep' && rest.length === 0;
    const target = await linkTarget(here, [...done, name], isKept);
    if (target === undefined) {
      done = [...done, name];
      continue;
    }
    links += 1;
    if (links > LINKS_MAX) throw new ArrayError('EINVAL', `too many symbolic links: ${path}`);
    if (target.startsWith('/')) done = [];
    pending = [...namesOf(target), ...rest];
  }
  return join(root, ...done);
}

/** Undefined where it is no link, or one that is not followed. */
async function linkTarget(
  here: string,
  names: readonly string[],
  isKept: boolean,
): Promise<string | undefined> {
  try {
    const found = await lstat(here);
    return found.isSymbolicLink() && !isKept ? await readlink(here) : undefined;
  } catch (error) {
    const { code, reason } = asArrayError(error);
    const path = `/${names.join('/')}`;
    if (code === 'ENOENT') throw new ArrayError('ENOENT', `the backup has no ${path}`);
    if (code === 'ENOTDIR') throw new ArrayError('ENOTDIR', `${path} is below a file`);
    throw new ArrayError(code, reason);
  }
}

function namesOf(path: string): string[] {
  return path.split('/').filter((name) => name !== '' && name !== '.');
}
