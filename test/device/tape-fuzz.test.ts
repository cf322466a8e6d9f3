/** Cartridges changed at random: right content or a DeviceError, never anything else. */
import type { NonSharedBuffer } from 'node:buffer';
import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { ArrayError } from '../../src/base/errors.js';
import { DeviceError } from '../../src/device/device-error.js';
import type { TapeLibrary } from '../../src/device/tape-library.js';
import { repeat } from '../support/factor.js';
import { RandomSource } from '../support/random-source.js';
import { cleanScratch } from '../support/scratch-directory.js';
import { BACKUP, MANIFEST } from './backup-examples.js';
import { denseExtent, hashOf, imageOf } from './backup-source.js';
import { backUp, EXTENTS, listed, newLibrary, restored } from './tape-examples.js';

afterAll(cleanScratch);

const PLAIN = { ...MANIFEST, backup: `2${BACKUP.slice(1)}`, form: 'plain' as const };
const SMALL = { ...PLAIN, imageBytes: 4096, name: 'log' };
const RIGHT = [hashOf(imageOf(EXTENTS, 2 ** 20)), hashOf(imageOf([denseExtent(0, 4096)], 4096))];

/** One change of the kinds that disks, programs and people make. */
function change(image: NonSharedBuffer, random: RandomSource): NonSharedBuffer {
  // Most of the image is the content of one block: half of the changes are elsewhere.
  const last = Math.max(0, image.length - 1);
  const place = () => random.integer(0, random.chance(0.5) ? Math.min(1_700, last) : last);
  const at = place();
  const changed = Buffer.from(image);
  const kind = random.integer(0, 4);
  if (kind === 0) changed[at] = (changed[at] ?? 0) ^ (1 << random.integer(0, 7));
  else if (kind === 1) changed[at] = random.integer(0, 255);
  else if (kind === 2) return changed.subarray(0, at);
  else if (kind === 3)
    changed.subarray(at, at + random.integer(1, 700)).fill(random.pick([0, 255]));
  else {
    const from = place();
    image.subarray(from, from + random.integer(1, 700)).copy(changed, at);
  }
  return changed;
}

/** What comes of it: the content, or the class of the error. */
function outcome(library: TapeLibrary, reference: string): string {
  try {
    return hashOf(restored(library, reference));
  } catch (error) {
    const isKnown = error instanceof DeviceError || error instanceof ArrayError;
    return isKnown ? 'refused' : `${error}`;
  }
}

describe('a cartridge that was changed', () => {
  it('gives the right content or an error of its own', () => {
    const { library, path } = newLibrary();
    backUp(library);
    backUp(library, [denseExtent(0, 4096)], { manifest: SMALL, information: undefined });
    const image = readFileSync(path);
    const random = new RandomSource(0xf022);
    const counts = { refused: 0, right: 0 };
    for (let round = 0; round < repeat(400); round += 1) {
      let changed = image;
      for (let count = random.integer(1, 3); count > 0; count -= 1) {
        changed = change(changed, random);
      }
      writeFileSync(path, changed);
      for (const [index, name] of ['db@monday', 'log'].entries()) {
        const found = outcome(library, name);
        expect([round, [RIGHT[index], 'refused'].includes(found), found]).toEqual([
          round,
          true,
          found,
        ]);
        counts[found === 'refused' ? 'refused' : 'right'] += 1;
      }
    }
    expect(Math.min(counts.refused, counts.right)).toBeGreaterThan(20);
  });

  it('takes the next backup, which is right, or refuses it', () => {
    const { library, path } = newLibrary();
    backUp(library);
    const image = readFileSync(path);
    const random = new RandomSource(0xf0c5);
    let taken = 0;
    for (let round = 0; round < repeat(150); round += 1) {
      const changed = change(image, random);
      writeFileSync(path, changed);
      try {
        backUp(library, [denseExtent(0, 4096)], { manifest: SMALL, information: undefined });
      } catch (error) {
        expect(error).toBeInstanceOf(DeviceError);
        expect(readFileSync(path).equals(changed)).toBe(true);
        continue;
      }
      taken += 1;
      expect(hashOf(restored(library, 'log'))).toBe(RIGHT[1]);
      expect(listed(library).backups.at(-1)?.state).toBe('complete');
    }
    expect(taken).toBeGreaterThan(10);
  });
});
