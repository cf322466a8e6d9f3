/** Part of a block on its way to a reader, and copying sectors of it. */
import { forEachSectorRun } from '../store/sector-runs.js';

/** Where part of a block goes: bytes [start, end) of the block to `target` at `targetOffset`. */
export interface Part {
  readonly block: number;
  readonly start: number;
  readonly end: number;
  readonly target: Uint8Array;
  readonly targetOffset: number;
}

/** `first`: the byte of the block that is the first of `content`. */
export function copySectors(mask: number, content: Uint8Array, first: number, part: Part): void {
  const copy = (from: number, to: number) => {
    const source = content.subarray(from - first, to - first);
    part.target.set(source, part.targetOffset + from - part.start);
  };
  forEachSectorRun(mask, copy, part.start, part.end);
}

export function copyZeros(mask: number, part: Part): void {
  const offset = part.targetOffset - part.start;
  const fill = (from: number, to: number) => part.target.fill(0, offset + from, offset + to);
  forEachSectorRun(mask, fill, part.start, part.end);
}
