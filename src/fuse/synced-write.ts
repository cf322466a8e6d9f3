/**
 * Writes through O_SYNC and O_DSYNC. Of files that pass the page cache by the kernel sends no FSYNC
 * after them, it only says how they were opened.
 */
import { constants } from 'node:fs';
import type { OpenFile } from './file-tree.js';

/** O_SYNC has the bit of O_DSYNC. */
export function isSynced(openFlags: number): boolean {
  return (openFlags & constants.O_DSYNC) !== 0;
}

/** Answers when what was written is durable. */
export async function writeSynced(
  file: OpenFile,
  offset: number,
  data: Uint8Array,
): Promise<number> {
  const count = await file.write(offset, data);
  await file.sync();
  return count;
}
