/**
 * A writer that shows whether images have one instant: it writes number n to the first volume, then to the
 * second, then n + 1 to the first, without any fsync. Whatever the moment, the first is at the number of the
 * second or one further.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { expect } from 'vitest';

/** Each number goes to a place of its own, so that it is there or not. */
export const PLACE_BYTES = 512;

/** Writes until `isDone` to files of so many places; the number of rounds. */
export async function writeNumbers(
  paths: readonly string[],
  places: number,
  isDone: () => boolean,
): Promise<number> {
  const files = await Promise.all(paths.map((path) => open(path, 'r+')));
  let number = 0;
  while (!isDone()) {
    number += 1;
    const data = new Uint32Array(PLACE_BYTES / 4).fill(number);
    const position = (number % places) * PLACE_BYTES;
    for (const file of files) await file.write(data, 0, PLACE_BYTES, position);
  }
  for (const file of files) await file.close();
  return number;
}

/** The largest number on the image: all before it must be there, but for what it overwrote. */
export function lastNumber(path: string, places: number): number {
  const bytes = Buffer.alloc(places * PLACE_BYTES);
  const file = openSync(path, 'r');
  let done = 0;
  while (done < bytes.length) done += readSync(file, bytes, done, bytes.length - done, done);
  closeSync(file);
  let last = 0;
  for (let place = 0; place < places; place += 1) {
    last = Math.max(last, bytes.readUInt32LE(place * PLACE_BYTES));
  }
  for (let number = Math.max(1, last - places + 1); number <= last; number += 1) {
    const found = bytes.readUInt32LE((number % places) * PLACE_BYTES);
    expect(found, `${path}, last number ${last}`).toBe(number);
  }
  return last;
}
