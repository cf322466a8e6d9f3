/**
 * copy_file_range(2) between images as sharing of blocks: the target's map names the blocks that the
 * source shows, and no data moves. Blocks of the source that are not published yet, and a last part
 * of a block in the middle of the target, are copied.
 */

import { ArrayError } from '../base/errors.js';
import { PENDING_BLOCKS_MAX, VOLUME_BYTES_MAX } from '../base/limits.js';
import { BLOCK_BYTES, formatSize, roundUpToSector } from '../base/sizes.js';
import { ALL_SECTORS } from '../store/records.js';
import type { AnyCopy, Volume } from './copies.js';

/** Shared by one call, so that the event loop is soon free for others. */
const SHARED_BYTES_MAX = 64 * 2 ** 20;

export interface ShareRequest {
  readonly source: AnyCopy;
  readonly offset: number;
  readonly target: Volume;
  readonly targetOffset: number;
  readonly sizeBytes: number;
}

/** What sharing needs of the open target. */
export interface ShareTarget {
  /** Makes the target at least this long; ordered like a write. */
  grow(sizeBytes: number): Promise<void>;
  write(offset: number, data: Uint8Array): number | Promise<number>;
  /** Throws where hosts may not write to the target any more. */
  check(): void;
  changed(): void;
}

/**
 * Returns the bytes copied, up to the end of the source; EXDEV for images in different pools,
 * EOPNOTSUPP where the range does not lie on block borders: whoever asked then copies the data.
 */
export async function shareRange(request: ShareRequest, open: ShareTarget): Promise<number> {
  const { source, offset, target, targetOffset } = request;
  const { content } = target.pool;
  if (source.pool !== target.pool) throw new ArrayError('EXDEV', 'the images are in two pools');
  if (offset % BLOCK_BYTES !== 0 || targetOffset % BLOCK_BYTES !== 0) {
    throw new ArrayError('EOPNOTSUPP', 'only whole blocks of 16 KiB are shared');
  }
  if (source.overlay !== undefined) {
    throw new ArrayError('EOPNOTSUPP', 'a part of the source is still to be copied there');
  }
  const sizeBytes = Math.min(request.sizeBytes, SHARED_BYTES_MAX, source.sizeBytes - offset);
  if (sizeBytes <= 0) return 0;
  const end = targetOffset + sizeBytes;
  if (roundUpToSector(end) > VOLUME_BYTES_MAX) {
    throw new ArrayError('EFBIG', `a volume has at most ${formatSize(VOLUME_BYTES_MAX)}`);
  }
  const isOverlap = Math.abs(offset - targetOffset) < sizeBytes;
  if (source === target && isOverlap) throw new ArrayError('EINVAL', 'the ranges overlap');
  if (source.lineage.hasUnpublishedUpTo(source.viewEpoch)) await content.durable();
  if (content.cache.pendingBlocks > PENDING_BLOCKS_MAX) await content.durable();
  if (end > target.sizeBytes) await open.grow(end);
  // Bytes past the end of an image are undefined, so a last block is shared in whole.
  const sharedBytes = end === target.sizeBytes ? sizeBytes : sizeBytes - (sizeBytes % BLOCK_BYTES);
  await shareBlocks({ ...request, sizeBytes: sharedBytes }, open);
  if (sharedBytes < sizeBytes) await copyPart(request, sharedBytes, sizeBytes, open);
  open.changed();
  content.storeSoon();
  return sizeBytes;
}

async function shareBlocks(request: ShareRequest, open: ShareTarget): Promise<void> {
  const { source, offset, target, targetOffset, sizeBytes } = request;
  const { content } = target.pool;
  for (let done = 0; done < sizeBytes; done += BLOCK_BYTES) {
    const at = targetOffset + done;
    while (target.overlay?.isPending(at, BLOCK_BYTES)) await target.overlay.fill(at, BLOCK_BYTES);
    open.check();
    const location = content.map.publishedLocation(source.view, (offset + done) / BLOCK_BYTES);
    if (location === undefined || location.sectors !== ALL_SECTORS) {
      await copyPart(request, done, Math.min(done + BLOCK_BYTES, sizeBytes), open);
    } else {
      target.writing(at, Math.min(BLOCK_BYTES, target.sizeBytes - at));
      content.share(target.lineage, at / BLOCK_BYTES, location);
    }
  }
}

/** Copies bytes [from, to) of the range by way of the cache. */
async function copyPart(
  { source, offset, targetOffset }: ShareRequest,
  from: number,
  to: number,
  open: ShareTarget,
): Promise<void> {
  const data = new Uint8Array(to - from);
  source.pool.content.read(source.view, offset + from, data);
  await open.write(targetOffset + from, data);
}
