/**
 * A snapshot over several volumes has one instant: a writer writes number n to `a`, then to `b`, then
 * n + 1 to `a`, without any fsync. Whatever the moment, `a` is at the number of `b` or one further.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { repeat } from '../support/factor.js';
import { canMount, MIB, MountedArray } from '../support/mounted-array.js';
import { cleanScratch } from '../support/scratch-directory.js';

const SNAPSHOTS = repeat(60);
/** Each number goes to a place of its own, so that it is there or not. */
const PLACE_BYTES = 512;
const PLACES = (8 * MIB) / PLACE_BYTES;

describe.skipIf(!canMount)('a snapshot of several volumes', () => {
  let array: MountedArray;

  beforeAll(() => {
    array = MountedArray.create();
    for (const name of ['a', 'b']) array.ok('create', `${name} ${PLACES * PLACE_BYTES}`);
  });
  afterAll(cleanScratch);

  /** Writes until `isDone`; the number of rounds. */
  async function write(isDone: () => boolean): Promise<number> {
    const files = [await open(array.volume('a'), 'r+'), await open(array.volume('b'), 'r+')];
    let number = 0;
    while (!isDone()) {
      number += 1;
      const data = new Uint32Array(PLACE_BYTES / 4).fill(number);
      const position = (number % PLACES) * PLACE_BYTES;
      for (const file of files) await file.write(data, 0, PLACE_BYTES, position);
    }
    for (const file of files) await file.close();
    return number;
  }

  /** The largest number on the image: all before it must be there, but for what it overwrote. */
  function lastNumber(path: string): number {
    const bytes = Buffer.alloc(PLACES * PLACE_BYTES);
    const file = openSync(path, 'r');
    let done = 0;
    while (done < bytes.length) done += readSync(file, bytes, done, bytes.length - done, done);
    closeSync(file);
    let last = 0;
    for (let place = 0; place < PLACES; place += 1) {
      last = Math.max(last, bytes.readUInt32LE(place * PLACE_BYTES));
    }
    for (let number = Math.max(1, last - PLACES + 1); number <= last; number += 1) {
      const found = bytes.readUInt32LE((number % PLACES) * PLACE_BYTES);
      expect(found, `${path}, last number ${last}`).toBe(number);
    }
    return last;
  }

  it(`never has a write without the one before it on another volume (${SNAPSHOTS} times)`, async () => {
    let done = false;
    const rounds = write(() => done);
    for (let number = 1; number <= SNAPSHOTS; number += 1) {
      await array.okLater('snapshot', `b a name=s${number}`);
    }
    done = true;
    expect(await rounds).toBeGreaterThan(SNAPSHOTS);
    const ahead = Array.from({ length: SNAPSHOTS }, (_, index) => {
      const name = `s${index + 1}`;
      return lastNumber(array.snapshot('a', name)) - lastNumber(array.snapshot('b', name));
    });
    expect(ahead.filter((difference) => difference !== 0 && difference !== 1)).toEqual([]);
  });
});
