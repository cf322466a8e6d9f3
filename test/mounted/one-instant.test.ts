/** A snapshot over several volumes has one instant. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { repeat } from '../support/factor.js';
import { canMount, MIB, MountedArray } from '../support/mounted-array.js';
import { lastNumber, PLACE_BYTES, writeNumbers } from '../support/numbered-writes.js';
import { cleanScratch } from '../support/scratch-directory.js';

const SNAPSHOTS = repeat(60);
const PLACES = (8 * MIB) / PLACE_BYTES;

describe.skipIf(!canMount)('a snapshot of several volumes', () => {
  let array: MountedArray;

  beforeAll(() => {
    array = MountedArray.create();
    for (const name of ['a', 'b']) array.ok('create', `${name} ${PLACES * PLACE_BYTES}`);
  });
  afterAll(cleanScratch);

  it(`never has a write without the one before it on another volume (${SNAPSHOTS} times)`, async () => {
    let done = false;
    const rounds = writeNumbers([array.volume('a'), array.volume('b')], PLACES, () => done);
    for (let number = 1; number <= SNAPSHOTS; number += 1) {
      await array.okLater('snapshot', `b a name=s${number}`);
    }
    done = true;
    expect(await rounds).toBeGreaterThan(SNAPSHOTS);
    const ahead = Array.from({ length: SNAPSHOTS }, (_, index) => {
      const name = `s${index + 1}`;
      const last = (volume: string) => lastNumber(array.snapshot(volume, name), PLACES);
      return last('a') - last('b');
    });
    expect(ahead.filter((difference) => difference !== 0 && difference !== 1)).toEqual([]);
  });
});
