/** Sizes as text and the arithmetic between units. */
import { describe, expect, it } from 'vitest';
import {
  BLOCK_BYTES,
  blocksCovering,
  formatSize,
  parseSize,
  roundUpToSector,
} from '../../src/base/sizes.js';

describe('parseSize', () => {
  it.each<[string, number]>([
    ['0', 0],
    ['4096', 4096],
    ['512B', 512],
    ['1k', 1024],
    ['16K', 16_384],
    ['512M', 512 * 2 ** 20],
    ['10G', 10 * 2 ** 30],
    ['1.5T', 1.5 * 2 ** 40],
    ['2GiB', 2 * 2 ** 30],
    ['2gb', 2 * 2 ** 30],
    ['3 M', 3 * 2 ** 20],
    ['0.5K', 512],
  ])('reads %s', (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });

  it.each(['', 'G', '-1', '1E', '0x10', '1..5', '.5G', 'ten', '1GiBB', '1G\n2'])(
    'refuses %j as no size',
    (text) => {
      expect(() => parseSize(text)).toThrow(/^EINVAL: not a size/);
    },
  );

  it.each(['0.3', '0.0001K', '99999999999999999'])('refuses %s as no whole bytes', (text) => {
    expect(() => parseSize(text)).toThrow(/^EINVAL: not a whole number/);
  });
});

describe('formatSize', () => {
  it.each<[number, string]>([
    [0, '0'],
    [1023, '1023'],
    [1024, '1K'],
    [1536, '1.5K'],
    [2 ** 20, '1M'],
    [1.5 * 2 ** 30, '1.5G'],
    [16 * 2 ** 40, '16T'],
  ])('shows %d', (bytes, text) => {
    expect(formatSize(bytes)).toBe(text);
  });
});

describe('units', () => {
  it.each<[number, number]>([
    [0, 0],
    [1, 1],
    [BLOCK_BYTES, 1],
    [BLOCK_BYTES + 1, 2],
  ])('covers %d bytes by %d blocks', (bytes, blocks) => {
    expect(blocksCovering(bytes)).toBe(blocks);
  });

  it.each<[number, number]>([
    [0, 0],
    [1, 512],
    [512, 512],
    [513, 1024],
  ])('rounds %d bytes up to %d', (bytes, rounded) => {
    expect(roundUpToSector(bytes)).toBe(rounded);
  });
});
