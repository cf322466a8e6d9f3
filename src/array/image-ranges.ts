/**
 * Holes of images: finding them and making them. A hole is a run of blocks without content. Work on
 * long ranges yields to the host between slices; it is ordered like the writes around it, slice by
 * slice.
 */
import { PENDING_BLOCKS_MAX, SLICE_VERSIONS } from '../base/limits.js';
import { BLOCK_BYTES, blocksCovering } from '../base/sizes.js';
import type { AnyCopy, Volume } from './copies.js';

/** Of the other side of a pair, copied at one time. */
const FILLED_BYTES = 2 ** 24;
/** Stored versions in the first slice, and how much larger each next one is: most walks end at their first block. */
const FIRST_VERSIONS = 16;
const SLICE_GROWTH = 4;

/** First byte from `offset` on that lies in a block with content; undefined where none follows. */
export async function nextData(copy: AnyCopy, offset: number): Promise<number | undefined> {
  // What is still with the other side of a pair counts as content.
  if (copy.overlay) return offset < copy.sizeBytes ? offset : undefined;
  for await (const block of blocksWithContent(copy, offset, copy.sizeBytes)) {
    return Math.max(offset, block * BLOCK_BYTES);
  }
  return undefined;
}

/**
 * First byte from `offset` on that lies in a hole; the end of the image counts as one, and `before` where there is none
 * before it.
 */
export async function nextHole(
  copy: AnyCopy,
  offset: number,
  before = copy.sizeBytes,
): Promise<number> {
  const end = Math.min(before, copy.sizeBytes);
  if (copy.overlay) return end;
  let expected = Math.floor(offset / BLOCK_BYTES);
  for await (const block of blocksWithContent(copy, offset, end)) {
    if (block !== expected) break;
    expected += 1;
  }
  return Math.min(end, Math.max(offset, expected * BLOCK_BYTES));
}

/**
 * Makes [offset, offset + sizeBytes) zeros and gives whole blocks back; the ends inside a block are
 * written as zeros. The range ends at the end of the image. `check` throws where hosts may not write any
 * more, `changed` is called for each step.
 */
export async function discardRange(
  volume: Volume,
  offset: number,
  sizeBytes: number,
  { check, changed }: { readonly check: () => void; readonly changed: () => void },
): Promise<void> {
  const end = Math.min(offset + sizeBytes, volume.sizeBytes);
  const { content } = volume.pool;
  let discarded = 0;
  await fillRange(volume, offset, end, check);
  for await (const block of blocksWithContent(volume, offset, end)) {
    const from = Math.max(offset, block * BLOCK_BYTES);
    const to = Math.min(end, (block + 1) * BLOCK_BYTES);
    while (volume.overlay?.isPending(from, to - from)) await volume.overlay.fill(from, to - from);
    check();
    if (to - from === BLOCK_BYTES) {
      volume.writing(from, to - from);
      content.zero(volume.lineage, from, to - from);
    } else await zeroPart(volume, from, to - from, check);
    changed();
    discarded += 1;
    // Until they are published each costs memory.
    if (discarded % PENDING_BLOCKS_MAX === 0) await content.durable();
  }
}

/** Zeros inside a block, by way of the cache. */
async function zeroPart(
  volume: Volume,
  offset: number,
  length: number,
  check: () => void,
): Promise<void> {
  const { content } = volume.pool;
  await content.admission.acceptLater(
    () => ({ lineage: volume.lineage, offset, length }),
    () => {
      check();
      volume.writing(offset, length);
      content.write(volume.lineage, offset, new Uint8Array(length));
    },
  );
}

/** Copies here what the range lacks of the other side of a pair. */
async function fillRange(
  volume: Volume,
  offset: number,
  end: number,
  check: () => void,
): Promise<void> {
  for (let from = offset; from < end; from += FILLED_BYTES) {
    const length = Math.min(FILLED_BYTES, end - from);
    if (volume.overlay?.isPending(from, length)) await volume.overlay.fill(from, length);
    check();
  }
}

/** Blocks with content that the byte range touches, ascending. */
async function* blocksWithContent(
  copy: AnyCopy,
  offset: number,
  end: number,
): AsyncGenerator<number> {
  const { content, clock } = copy.pool;
  const to = blocksCovering(end);
  let from: number | undefined = Math.floor(offset / BLOCK_BYTES);
  let versions = FIRST_VERSIONS;
  while (from !== undefined && from < to) {
    // Rare: a restore or clone that is not published yet.
    if (copy.lineage.hasUnpublishedBelow) await content.durable();
    const slice = content.map.mappedBlocks(copy.view, from, to, versions);
    yield* slice.blocks;
    from = slice.next;
    versions = Math.min(versions * SLICE_GROWTH, SLICE_VERSIONS);
    if (from !== undefined) await clock.yield();
  }
}
