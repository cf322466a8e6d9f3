/** Accepted writes on their way into the cache, block by block. */
import { BLOCK_BYTES, SECTOR_BYTES } from '../base/sizes.js';
import type { BlockMap } from './block-map.js';
import type { Lineage } from './lineage.js';
import type { WriteCache } from './write-cache.js';

export interface ContentTarget {
  readonly cache: WriteCache;
  readonly map: BlockMap;
}

/** Writes accepted bytes. Ends within a sector are filled up from the present content. */
export function writeContent(
  target: ContentTarget,
  lineage: Lineage,
  offset: number,
  data: Uint8Array,
): void {
  let done = 0;
  while (done < data.length) {
    const position = offset + done;
    const block = Math.floor(position / BLOCK_BYTES);
    const start = position % BLOCK_BYTES;
    const size = Math.min(BLOCK_BYTES - start, data.length - done);
    writePart(target, lineage, block, start, data.subarray(done, done + size));
    done += size;
  }
}

/** Makes [offset, offset + length) zeros; both ends on sector borders. */
export function zeroContent(
  target: ContentTarget,
  lineage: Lineage,
  offset: number,
  length: number,
): void {
  let position = offset;
  const end = offset + length;
  while (position < end) {
    const block = Math.floor(position / BLOCK_BYTES);
    const start = position % BLOCK_BYTES;
    const size = Math.min(BLOCK_BYTES - start, end - position);
    if (size === BLOCK_BYTES) target.cache.zeroBlock(lineage, block);
    else target.cache.write(lineage, block, start, new Uint8Array(size));
    position += size;
  }
}

function writePart(
  target: ContentTarget,
  lineage: Lineage,
  block: number,
  start: number,
  data: Uint8Array,
): void {
  const from = Math.floor(start / SECTOR_BYTES) * SECTOR_BYTES;
  const to = Math.ceil((start + data.length) / SECTOR_BYTES) * SECTOR_BYTES;
  if (from === start && to === start + data.length) {
    target.cache.write(lineage, block, start, data);
    return;
  }
  const filled = new Uint8Array(to - from);
  const view = { lineage, epoch: lineage.epoch };
  target.map.read(view, block * BLOCK_BYTES + from, filled);
  filled.set(data, start - from);
  target.cache.write(lineage, block, from, filled);
}
