/** Seeded writes, zeros and truncations of a file in pages, compared with a plain buffer. */
import { closeSync, openSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { repeat } from '../support/factor.js';
import { RandomSource } from '../support/random-source.js';
import { cleanScratch, makeScratch } from '../support/scratch-directory.js';
import { PagedFile } from './paged-file.js';

const SIZE_MAX = 40_000;

/** Changes both alike; returns what the plain file is then. */
function changeBoth(file: PagedFile, plain: Buffer, random: RandomSource): Buffer {
  const offset = random.integer(0, SIZE_MAX);
  const size = random.pick([1, 512, 4_096, 9_000]);
  const result = Buffer.alloc(Math.max(plain.length, offset + size));
  plain.copy(result);
  switch (random.integer(0, 3)) {
    case 0:
      file.truncate(offset);
      return result.subarray(0, offset);
    case 1: {
      const inside = Math.max(0, Math.min(size, plain.length - offset));
      file.zero(offset, inside);
      plain.subarray(offset).fill(0, 0, inside);
      return plain;
    }
    default: {
      const data = random.bytes(size);
      file.write(offset, data);
      result.set(data, offset);
      return result;
    }
  }
}

describe('a file in pages', () => {
  afterAll(cleanScratch);

  it('holds what a plain file holds, and so does what it writes to the host', () => {
    const path = join(makeScratch(), 'file');
    for (let seed = 1; seed <= repeat(20); seed += 1) {
      const random = new RandomSource(seed);
      const file = PagedFile.empty();
      let plain: Buffer = Buffer.alloc(0);
      for (let step = 0; step < 30; step += 1) {
        plain = Buffer.from(changeBoth(file, plain, random));
        expect(file.size, `seed ${seed}`).toBe(plain.length);
        expect(file.content().equals(plain), `seed ${seed}, step ${step}`).toBe(true);
      }
      const descriptor = openSync(path, 'wx');
      file.writeTo(descriptor);
      closeSync(descriptor);
      expect(readFileSync(path).equals(plain), `seed ${seed}`).toBe(true);
      rmSync(path);
    }
  });

  it('leaves its copies alone', () => {
    const file = PagedFile.empty();
    file.write(0, Buffer.alloc(8_192, 1));
    const copy = file.copy();
    file.write(10, Buffer.from('changed'));
    file.zero(4_096, 100);
    expect(copy.content()).toEqual(Buffer.alloc(8_192, 1));
  });
});
