/** Builds .tap files from their definition, independently of the writer. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

export const MARK = word(0);
export const GAP = word(0xfffffffe);
export const END = word(0xffffffff);

export function word(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

/** A record with its two lengths; `flags` are the highest bits of both. */
export function record(data: string | Uint8Array, flags = 0): Buffer {
  const bytes = Buffer.from(data);
  const length = word(flags + bytes.length);
  return Buffer.concat([length, bytes, Buffer.alloc(bytes.length % 2), length]);
}

let directory: string | undefined;
let files = 0;

/** A path for a new cartridge; the file is there if there are pieces. */
export function tapeFile(...pieces: Uint8Array[]): string {
  directory ??= mkdtempSync(join(tmpdir(), 'arrayfs-tape-'));
  files += 1;
  const path = join(directory, `${files}.tap`);
  if (pieces.length > 0) writeFileSync(path, Buffer.concat(pieces));
  return path;
}

afterAll(() => {
  if (directory !== undefined) rmSync(directory, { recursive: true });
  directory = undefined;
});
