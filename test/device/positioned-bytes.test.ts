/** What is looked at here and there is what is in the file at that moment. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { PositionedBytes } from '../../src/device/positioned-bytes.js';
import { repeat } from '../support/factor.js';
import { RandomSource } from '../support/random-source.js';
import { tapeFile } from './tap-builder.js';

describe('bytes that are peeked at', () => {
  it('are those of the file, whatever was written, cut off or appended before', () => {
    const random = new RandomSource(0x9ee);
    const path = tapeFile(random.bytes(10_000));
    const file = PositionedBytes.open(path, 'write');
    for (let round = 0; round < repeat(500); round += 1) {
      const at = random.integer(0, file.bytes);
      const change = random.integer(0, 5);
      if (change === 0) file.write(at, random.bytes(random.integer(1, 50)));
      if (change === 1) file.append([random.bytes(random.integer(1, 5_000))]);
      if (change === 2 && file.bytes > 20_000) file.truncate(at);
      for (let look = 0; look < 5; look += 1) {
        const from = random.integer(0, file.bytes);
        const seen = Buffer.from(file.peek(from, 4));
        expect(seen.equals(readFileSync(path).subarray(from, from + 4))).toBe(true);
      }
    }
    file.close();
  });
});
