/**
 * CRC-32 of the four pages of a block, and their combination to that of the whole block. The map
 * stores the latter; once a block was verified by it, its pages can be verified each by itself, so
 * that a small read need not look at 16 KiB.
 */
import { crc32 } from 'node:zlib';
import { PAGE_BYTES, PAGES_PER_BLOCK } from '../base/sizes.js';

/** CRC-32's polynomial, reflected. */
const POLYNOMIAL = 0xedb8_8320;

/** What each bit of a CRC becomes when a page follows. */
const BITS_SHIFTED = Array.from({ length: 32 }, (_, bit) => shiftByPage((1 << bit) >>> 0));

/** The same for a whole byte of a CRC, in each of its four places: shifting is linear. */
const SHIFT_TABLES = [0, 8, 16, 24].map((first) => {
  return Uint32Array.from({ length: 256 }, (_, byte) => {
    let shifted = 0;
    for (let bit = 0; bit < 8; bit += 1) {
      if ((byte >> bit) & 1) shifted ^= BITS_SHIFTED[first + bit] as number;
    }
    return shifted;
  });
}) as [Uint32Array, Uint32Array, Uint32Array, Uint32Array];

/** Fills `checksums` from `position` on with the CRC of each page; returns that of the block. */
export function pageChecksums(
  content: Uint8Array,
  checksums: Uint32Array,
  position: number,
): number {
  let whole = 0;
  for (let page = 0; page < PAGES_PER_BLOCK; page += 1) {
    const checksum = crc32(content.subarray(page * PAGE_BYTES, (page + 1) * PAGE_BYTES));
    checksums[position + page] = checksum;
    whole = page === 0 ? checksum : (afterPage(whole) ^ checksum) >>> 0;
  }
  return whole;
}

/** crc(a ‖ b) = afterPage(crc(a)) xor crc(b), where b is a page. */
function afterPage(crc: number): number {
  const [first, second, third, fourth] = SHIFT_TABLES;
  return (
    ((first[crc & 0xff] as number) ^
      (second[(crc >>> 8) & 0xff] as number) ^
      (third[(crc >>> 16) & 0xff] as number) ^
      (fourth[crc >>> 24] as number)) >>>
    0
  );
}

/** The remainder `crc` after a page of zeros, without the inversions of CRC-32 at both ends. */
function shiftByPage(crc: number): number {
  let remainder = crc;
  for (let bit = 0; bit < PAGE_BYTES * 8; bit += 1) {
    remainder = remainder & 1 ? (remainder >>> 1) ^ POLYNOMIAL : remainder >>> 1;
  }
  return remainder >>> 0;
}
