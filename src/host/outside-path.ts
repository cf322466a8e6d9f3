/**
 * realpath(3) for paths that may lead to an array's mount: symbolic links are followed component by
 * component, and nothing on a mounted array is ever read. A daemon that touches its own mount
 * waits for itself.
 */
import { readlinkSync } from 'node:fs';
import { resolve } from 'node:path';
import { ArrayError } from '../base/errors.js';
import { isArrayMount, type MountEntry, mountOf } from './mount-table.js';

/** As the kernel's limit. */
const LINKS_MAX = 40;

/** The target of a symbolic link; undefined where `path` is something else or not there. */
export type ReadLink = (path: string) => string | undefined;

/** `path` without symbolic links; from the first component that is not there on, as written. */
export function resolveOutside(
  path: string,
  table: readonly MountEntry[],
  readLink: ReadLink = readLinkOf,
): string {
  let pending = namesOf(resolve(path));
  let done = '';
  let links = 0;
  while (pending.length > 0) {
    const [name, ...rest] = pending as [string, ...string[]];
    const here = `${done}/${name}`;
    const mount = mountOf(here, table);
    if (mount && isArrayMount(mount)) return resolve(here, rest.join('/'));
    const target = readLink(here);
    if (target === undefined) {
      done = here;
      pending = rest;
      continue;
    }
    links += 1;
    if (links > LINKS_MAX) throw new ArrayError('EINVAL', `too many symbolic links: ${path}`);
    pending = [...namesOf(resolve(done || '/', target)), ...rest];
    done = '';
  }
  return done || '/';
}

function namesOf(path: string): string[] {
  return path.split('/').filter((name) => name !== '');
}

function readLinkOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}
