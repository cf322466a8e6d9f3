/** The page cache of the host: writing what is dirty in it, dropping it, and checking that it is gone. */
import { writeFileSync } from 'node:fs';
import type { Cleanup } from './cleanup.js';
import { run } from './commands.js';

const DROP_CACHES = '/proc/sys/vm/drop_caches';
/** Share of an image that may be in memory when a cold row begins: what starting the target reads. */
const COLD_SHARE_MAX = 0.05;

/** Everything the host has not written yet. */
export async function syncHost(cleanup: Cleanup): Promise<void> {
  await run(cleanup, 'sync', []);
}

/** For root alone. Pages that a process has mapped survive it: whoever has them is stopped before. */
export async function dropCaches(cleanup: Cleanup): Promise<void> {
  await syncHost(cleanup);
  writeFileSync(DROP_CACHES, '3');
}

/** An Error where the files below `directory` are in memory: a row would be called cold and be warm. */
export async function assertCold(
  cleanup: Cleanup,
  directory: string,
  imageBytes: number,
): Promise<void> {
  // -xdev: what is mounted there is the target itself.
  const words = ['-xdev', '-type', 'f', '-size', '+0'];
  const command = ['fincore', '--bytes', '--noheadings', '--output', 'RES', '{}', '+'];
  const output = await run(cleanup, 'find', [directory, ...words, '-exec', ...command]);
  const bytes = residentBytes(output);
  if (bytes > imageBytes * COLD_SHARE_MAX) {
    throw new Error(`not cold: ${Math.round(bytes / 2 ** 20)} MiB of the files are in memory`);
  }
}

/** Sum of a column of numbers. */
export function residentBytes(output: string): number {
  return output.split('\n').reduce((sum, line) => sum + Number(line.trim()), 0);
}
