/** What is in a directory of a mounted backup, or the one file that a path names. Names there are bytes, UTF-8 or not. */
import { isUtf8 } from 'node:buffer';
import type { Stats } from 'node:fs';
import { lstat, opendir, readlink } from 'node:fs/promises';
import { basename } from 'node:path';

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
    const row = await fileRow(Buffer.from(basename(place)), Buffer.from(place), found);
    return { rows: [row], isTruncated: false };
  }
  const rows: FileRow[] = [];
  const directory = await opendir(place, { encoding: 'latin1' });
  for await (const entry of directory) {
    if (rows.length >= rowsMax) return { rows: sorted(rows), isTruncated: true };
    const name = Buffer.from(entry.name, 'latin1');
    const file = Buffer.concat([Buffer.from(`${place}/`), name]);
    rows.push(await fileRow(name, file, await lstat(file)));
  }
  return { rows: sorted(rows), isTruncated: false };
}

function sorted(rows: readonly FileRow[]): FileRow[] {
  return [...rows].sort((one, other) => (one.name < other.name ? -1 : 1));
}

async function fileRow(name: Buffer, path: Buffer, found: Stats): Promise<FileRow> {
  return {
    name: nameText(name),
    type: typeOf(found),
    sizeBytes: found.size,
    mode: found.mode & 0o7777,
    owner: found.uid,
    group: found.gid,
    modifiedMs: found.mtimeMs,
    target: found.isSymbolicLink() ? nameText(await readlink(path, 'buffer')) : null,
  };
}

function nameText(name: Buffer): string {
  if (isUtf8(name)) return name.toString();
  const byteText = (byte: string) => `\\x${byte.charCodeAt(0).toString(16)}`;
  return name.toString('latin1').replace(/[\x80-\xff]/g, byteText);
}

function typeOf(found: Stats): FileRow['type'] {
  if (found.isDirectory()) return 'directory';
  if (found.isSymbolicLink()) return 'link';
  if (found.isFIFO()) return 'pipe';
  if (found.isSocket()) return 'socket';
  if (found.isBlockDevice()) return 'block';
  return found.isCharacterDevice() ? 'character' : 'file';
}
