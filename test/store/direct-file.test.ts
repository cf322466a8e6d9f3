/** Writes past the page cache, on whatever file system the tests run: done in whole, or left alone. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { pageAligned } from '../../src/store/aligned-memory.js';
import { DirectFile } from '../../src/store/direct-file.js';
import { cleanScratch, makeScratch } from '../support/scratch-directory.js';

afterEach(cleanScratch);

const page = pageAligned(4_096).fill(7);

function fileOfZeros(): string {
  const path = join(makeScratch(), 'file');
  writeFileSync(path, new Uint8Array(16_384));
  return path;
}

it.each<[string, number, Uint8Array]>([
  ['a page', 8_192, page],
  ['less than a page', 0, page.subarray(0, 100)],
  ['a page between pages', 5_000, page],
])('DirectFile writes %s, or says that it did not', (_what, position, bytes) => {
  const path = fileOfZeros();
  const file = new DirectFile(path);
  const isWritten = file.write(position, bytes);
  file.close();
  const content = readFileSync(path);
  const byte = isWritten ? 7 : 0;
  expect(content.subarray(position, position + bytes.length).every((b) => b === byte)).toBe(true);
  expect(content.filter((b) => b === 7)).toHaveLength(isWritten ? bytes.length : 0);
});

it('DirectFile leaves all to the usual way where the file cannot be opened, or is closed', () => {
  const path = fileOfZeros();
  const closed = new DirectFile(path);
  closed.close();
  closed.close();
  const missing = new DirectFile(`${path}.none`);
  expect([closed.write(0, page), missing.write(0, page)]).toEqual([false, false]);
  expect(readFileSync(path).every((byte) => byte === 0)).toBe(true);
});
