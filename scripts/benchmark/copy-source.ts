/** Makes the files that the copying rows copy: the same number of bytes as one file, and as a tree. */
import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { CopySource } from './file-system-row.js';

const KIB = 1024;
const MIB = 1024 * KIB;
/** A tree has as many bytes in small files as in large ones. */
const SMALL_BYTES = 64 * KIB;
const LARGE_BYTES = 8 * MIB;
const FILES_PER_DIRECTORY = 64;

/** `bytes` each, a multiple of 16 MiB. */
export async function makeCopySource(directory: string, bytes: number): Promise<CopySource> {
  const pattern = randomBytes(2 * LARGE_BYTES);
  const source = { tree: join(directory, 'tree'), file: join(directory, 'file') };
  await fill(source.file, pattern, bytes);
  await fillTree(join(source.tree, 'small'), pattern, bytes / 2, SMALL_BYTES);
  await fillTree(join(source.tree, 'large'), pattern, bytes / 2, LARGE_BYTES);
  return source;
}

async function fillTree(
  directory: string,
  pattern: Buffer,
  bytes: number,
  fileBytes: number,
): Promise<void> {
  for (let index = 0; index < bytes / fileBytes; index++) {
    const place = join(directory, String(Math.floor(index / FILES_PER_DIRECTORY)));
    mkdirSync(place, { recursive: true });
    // Another piece of the pattern for each file, so that no two are alike.
    const start = (index * 4099) % (pattern.length - fileBytes);
    await fill(join(place, String(index)), pattern.subarray(start, start + fileBytes), fileBytes);
  }
}

/** Repeats `pattern`, and leaves the content in the page cache. */
async function fill(path: string, pattern: Buffer, bytes: number): Promise<void> {
  const file = await open(path, 'w');
  for (let offset = 0; offset < bytes; offset += pattern.length) {
    await file.write(pattern, 0, Math.min(pattern.length, bytes - offset), offset);
  }
  await file.close();
}
