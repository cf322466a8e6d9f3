/** Part of a block on its way to a reader, and copying sectors of it. */
import { SECTOR_BYTES, SECTORS_PER_BLOCK } from '../base/sizes.js';
import { ALL_SECTORS } from '../store/records.js';

/** Where part of a block goes: bytes [start, end) of the block to `target` at `targetOffset`. */
export interface Part {
  readonly block: number;
  readonly start: number;
  readonly end: number;
  readonly target: Uint8Array;
  readonly targetOffset: number;
}

/** Calls `copy` with the byte ranges of the block that `mask` and the part have in common. */
function forEachRun(mask: number, part: Part, copy: (from: number, to: number) => void): void {
  if (mask === ALL_SECTORS) {
    copy(part.start, part.end);
    return;
  }
  let sector = Math.floor(part.start / SECTOR_BYTES);
  while (sector < SECTORS_PER_BLOCK && sector * SECTOR_BYTES < part.end) {
    let last = sector;
    while (last < SECTORS_PER_BLOCK && (mask >>> last) & 1) last += 1;
    if (last > sector) {
      const from = Math.max(part.start, sector * SECTOR_BYTES);
      const to = Math.min(part.end, last * SECTOR_BYTES);
      if (to > from) copy(from, to);
    }
    sector = last + 1;
  }
}

/** `first`: the byte of the block that is the first of `content`. */
export function copySectors(mask: number, content: Uint8Array, first: number, part: Part): void {
  forEachRun(mask, part, (from, to) => {
    const source = content.subarray(from - first, to - first);
    part.target.set(source, part.targetOffset + from - part.start);
  });
}

export function copyZeros(mask: number, part: Part): void {
  forEachRun(mask, part, (from, to) => {
    const offset = part.targetOffset - part.start;
    part.target.fill(0, offset + from, offset + to);
  });
}
