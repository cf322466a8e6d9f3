/** Sets of sectors of a block: masks, their byte ranges, and the sectors' bytes taken out and put back. */
import { describe, expect, it } from 'vitest';
import { BLOCK_BYTES, SECTOR_BYTES } from '../../src/base/sizes.js';
import {
  forEachSectorRun,
  placeSectors,
  sectorBytes,
  sectorCount,
  sectorMask,
} from '../../src/store/sector-runs.js';
import { RandomSource } from '../support/random-source.js';

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

describe('sectorMask', () => {
  it.each<[number, number, number]>([
    [0, BLOCK_BYTES, 0xffff_ffff],
    [0, 1, 0x0000_0001],
    [511, 512, 0x0000_0001],
    [511, 513, 0x0000_0003],
    [512, 1024, 0x0000_0002],
    [BLOCK_BYTES - 1, BLOCK_BYTES, 0x8000_0000],
    [0, BLOCK_BYTES - 512, 0x7fff_ffff],
    [512, BLOCK_BYTES, 0xffff_fffe],
    [8192, 8192, 0],
  ])('of bytes %d to %d is %d', (start, end, mask) => {
    expect(sectorMask(start, end)).toBe(mask);
  });
});

describe('forEachSectorRun', () => {
  it.each<[string, number, number, number, string]>([
    ['none', 0, 0, BLOCK_BYTES, ''],
    ['all', 0xffff_ffff, 0, BLOCK_BYTES, '0-16384'],
    ['all, of part of a block', 0xffff_ffff, 100, 700, '100-700'],
    ['first and last', 0x8000_0001, 0, BLOCK_BYTES, '0-512 15872-16384'],
    ['runs', 0x0000_00b6, 0, BLOCK_BYTES, '512-1536 2048-3072 3584-4096'],
    ['runs cut at both ends', 0x0000_00b6, 600, 2_100, '600-1536 2048-2100'],
    ['no run outside', 0x0000_00b6, 1_536, 2_048, ''],
    ['part of a sector', 0x0000_0002, 700, 800, '700-800'],
  ])('visits %s', (_what, mask, start, end, runs) => {
    const visited: string[] = [];
    forEachSectorRun(mask, (from, to) => visited.push(`${from}-${to}`), start, end);
    expect(visited.join(' ')).toBe(runs);
  });
});

describe('sectors of a block', () => {
  it.each<[number, number]>([
    [0, 0],
    [1, 1],
    [0x8000_0000, 1],
    [0xffff_ffff, 32],
    [0x5555_5555, 16],
    [0x0ff0_0001, 9],
  ])('of mask %d are %d', (mask, count) => {
    expect(sectorCount(mask)).toBe(count);
  });

  it.each([0x0000_0001, 0x8000_0000, 0xffff_ffff, 0x5555_5555, 0x00ff_f00f])(
    'of mask %d are taken out in order and put back to their places',
    (mask) => {
      const block = new RandomSource(mask).bytes(16_384);
      const bytes = sectorBytes(block, 0, mask);
      expect(bytes.length).toBe(sectorCount(mask) * SECTOR_BYTES);
      const target = new Uint8Array(16_384);
      placeSectors(target, bytes, mask);
      for (let index = 0; index < 32; index += 1) {
        const [from, to] = [index * SECTOR_BYTES, (index + 1) * SECTOR_BYTES];
        const isThere = ((mask >>> index) & 1) === 1;
        const expected = isThere ? block.subarray(from, to) : new Uint8Array(SECTOR_BYTES);
        expect(Buffer.compare(target.subarray(from, to), expected)).toBe(0);
      }
    },
  );

  it('are found in a page that begins in the middle of the block', () => {
    const page = new RandomSource(1).bytes(4_096);
    expect(text(sectorBytes(page, 8_192, 0x0005_0000))).toBe(
      text(page.subarray(0, 512)) + text(page.subarray(1_024, 1_536)),
    );
  });
});
