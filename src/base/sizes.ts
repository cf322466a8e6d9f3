/**
 * The units of the array and arithmetic between them. Byte counts are numbers up to 2^53.
 * sector = unit of a volume's size; block = unit of the store; track = unit of pair differences.
 */
import { assert } from './assert.js';
import { ArrayError } from './errors.js';

export const SECTOR_BYTES = 512;
export const BLOCK_BYTES = 16 * 1024;
/** Unit of the cache's memory: a small write takes a page, not a block. */
export const PAGE_BYTES = 4 * 1024;
export const TRACK_BYTES = 64 * 1024;
export const SECTORS_PER_BLOCK = BLOCK_BYTES / SECTOR_BYTES;
export const SECTORS_PER_PAGE = PAGE_BYTES / SECTOR_BYTES;
export const PAGES_PER_BLOCK = BLOCK_BYTES / PAGE_BYTES;

assert(SECTORS_PER_BLOCK === 32, 'a block has one sector per bit of a 32-bit mask');

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  B: 1,
  K: 2 ** 10,
  M: 2 ** 20,
  G: 2 ** 30,
  T: 2 ** 40,
};

/** Blocks needed to hold `bytes`. */
export function blocksCovering(bytes: number): number {
  return Math.ceil(bytes / BLOCK_BYTES);
}

/** `bytes` rounded up to whole sectors: what a write past the end grows a volume to. */
export function roundUpToSector(bytes: number): number {
  return Math.ceil(bytes / SECTOR_BYTES) * SECTOR_BYTES;
}

/**
 * Parses `10G`, `512M`, `1.5T`, `4096`; units are powers of 1024, an optional `i`, `iB` or `B` follows.
 * Throws EINVAL where it is not a size or not a whole number of bytes.
 */
export function parseSize(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B|i)?$/i.exec(text);
  const unit = UNITS[(match?.[2] ?? '').toUpperCase()];
  if (!match || unit === undefined) {
    throw new ArrayError('EINVAL', `not a size: '${text}' (examples: 10G, 512M, 4096)`);
  }
  const bytes = Number(match[1]) * unit;
  if (!Number.isSafeInteger(bytes)) {
    throw new ArrayError('EINVAL', `not a whole number of bytes: '${text}'`);
  }
  return bytes;
}

/** A size for people: the largest unit that leaves at least 1, one decimal at most (`1.5G`). */
export function formatSize(bytes: number): string {
  for (const unit of ['T', 'G', 'M', 'K'] as const) {
    const scaled = bytes / (UNITS[unit] as number);
    if (scaled >= 1) return `${Number.isInteger(scaled) ? scaled : scaled.toFixed(1)}${unit}`;
  }
  return `${bytes}`;
}
