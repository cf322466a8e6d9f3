/** What is in a directory of a mounted backup, or the one file that a path names. */
import type { Stats } from 'node:fs';
import { lstat, opendir, readlink } from 'node:fs/promises';
import { basename, join } from 'node:path';

import { FILES_LISTED_MAX } from '../../base/limits.js';
import type { ErrandOutput, FileRow } from '../errands.js';
import { resolveInside } from './inside-root.js';

/** By name; not more than `rowsMax`, whichever of a larger directory. */
export async function listFiles(
  root: string,
  path: string,
  rowsMax = FILES_LISTED_MAX,
): Promise<ErrandOutput<'files'>> {
  const place = await resolveInside(root, path, 'follow');
  const found = await lstat(place);
  if (!found.isDirectory()) {
    return { rows: [await fileRow(basename(place), place, found)], isTruncated: false };
  }
  const rows: FileRow[] = [];
  const directory = await opendir(place);
  for await (const { name } of directory) {
    if (rows.length >= rowsMax) return { rows: sorted(rows), isTruncated: true };
    const file = join(place, name);
    rows.push(await fileRow(name, file, await lstat(file)));
  }
  return { rows: sorted(rows), isTruncated: false };
}

function sorted(rows: readonly FileRow[]): FileRow[] {
  return [...rows].sort((one, other) => (one.name < other.name ? -1 : 1));
}

async function fileRow(name: string, path: string, found: Stats): Promise<FileRow> {
  return {
    name,
    type: typeOf(found),
    sizeBytes: found.size,
    mode: found.mode & 0o7777,
    owner: found.uid,
    group: found.gid,
    modifiedMs: found.mtimeMs,
    target: found.isSymbolicLink() ? await readlink(path) : null,
  };
}

function typeOf(found: Stats): FileRow['type'] {
  if (found.isFile()) return 'file';
  if (found.isDirectory()) return 'directory';
  return found.isSymbolicLink() ? 'link' : 'other';
}
