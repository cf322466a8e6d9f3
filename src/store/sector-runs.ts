/** Sets of sectors of a block, as a mask of 32 bits: the lowest bit is the first sector. */
import { BLOCK_BYTES, SECTOR_BYTES, SECTORS_PER_BLOCK } from '../base/sizes.js';
import { ALL_SECTORS } from './records.js';

/** Mask of the sectors that bytes [start, end) of a block touch. */
export function sectorMask(start: number, end: number): number {
  const first = Math.floor(start / SECTOR_BYTES);
  const count = Math.ceil(end / SECTOR_BYTES) - first;
  return count >= SECTORS_PER_BLOCK ? ALL_SECTORS : ((2 ** count - 1) << first) >>> 0;
}

/** Sectors in a mask. */
export function sectorCount(mask: number): number {
  let bits = mask - ((mask >>> 1) & 0x5555_5555);
  bits = (bits & 0x3333_3333) + ((bits >>> 2) & 0x3333_3333);
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24;
}

/** Calls `visit` with the byte ranges that the sectors of `mask` and [start, end) have in common. */
export function forEachSectorRun(
  mask: number,
  visit: (from: number, to: number) => void,
  start = 0,
  end = BLOCK_BYTES,
): void {
  if (mask === ALL_SECTORS) {
    visit(start, end);
    return;
  }
  let sector = Math.floor(start / SECTOR_BYTES);
  while (sector * SECTOR_BYTES < end) {
    let last = sector;
    while (last < SECTORS_PER_BLOCK && (mask >>> last) & 1) last += 1;
    if (last > sector) {
      visit(Math.max(start, sector * SECTOR_BYTES), Math.min(end, last * SECTOR_BYTES));
    }
    sector = last + 1;
  }
}

/** The bytes of the sectors of `mask`, in order; `first` is the byte of the block at content[0]. */
export function sectorBytes(content: Uint8Array, first: number, mask: number): Uint8Array {
  const bytes = Buffer.allocUnsafe(sectorCount(mask) * SECTOR_BYTES);
  let position = 0;
  forEachSectorRun(mask, (from, to) => {
    bytes.set(content.subarray(from - first, to - first), position);
    position += to - from;
  });
  return bytes;
}

/** Puts the sectors of `mask`, one after the other in `bytes`, to their places in a block. */
export function placeSectors(target: Uint8Array, bytes: Uint8Array, mask: number): void {
  let position = 0;
  forEachSectorRun(mask, (from, to) => {
    target.set(bytes.subarray(position, position + to - from), from);
    position += to - from;
  });
}
