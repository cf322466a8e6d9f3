/** Reading the index of a pool through: to its end, to a bound, and not at all. */
import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readIndex } from '../../src/store/index-reading.js';
import { cleanScratch, makeScratch } from '../support/scratch-directory.js';

describe('reading the index through', () => {
  const scratch = makeScratch();
  afterAll(cleanScratch);
  const never = new AbortController().signal;
  const file = (name: string) => join(scratch, name);

  it('comes to the end of the file', async () => {
    writeFileSync(file('index'), Buffer.alloc(3_000_001));
    expect(await readIndex(file('index'), never)).toBe(3_000_001);
  });

  it('leaves the rest of a large one', async () => {
    writeFileSync(file('large'), '');
    truncateSync(file('large'), 2 ** 28 + 2 ** 20);
    expect(await readIndex(file('large'), never)).toBe(2 ** 28);
  });

  it('ends when the pool is closed', async () => {
    writeFileSync(file('closed'), Buffer.alloc(3_000_000));
    expect(await readIndex(file('closed'), AbortSignal.abort())).toBe(0);
  });

  it('is no error where there is none', async () => {
    expect(await readIndex(file('nothing'), never)).toBe(0);
  });
});
