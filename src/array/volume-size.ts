/**
 * The size of volumes, and when they were changed. Bytes past the end of an image are undefined inside its last block; whoever grows
 * the image makes them zeros first.
 */
import type { Clock } from '../base/clock.js';
import { ArrayError } from '../base/errors.js';
import { VOLUME_BYTES_MAX } from '../base/limits.js';
import { BLOCK_BYTES, blocksCovering, formatSize, roundUpToSector } from '../base/sizes.js';
import type { Volume } from './copies.js';
import { checkNotPaired } from './rules.js';

interface ChangeHost {
  readonly clock: Clock;
  /** Something a status table shows has changed. */
  changed(): void;
}

/** Resizes without asking who has the volume open; ordered like a write. */
export async function resizeVolume(
  host: ChangeHost,
  volume: Volume,
  sizeBytes: number,
): Promise<void> {
  const { content } = volume.pool;
  if (sizeBytes > VOLUME_BYTES_MAX) {
    throw new ArrayError('EFBIG', `a volume has at most ${formatSize(VOLUME_BYTES_MAX)}`);
  }
  checkNotPaired(volume, 'resized');
  if (sizeBytes <= volume.sizeBytes || volume.sizeBytes % BLOCK_BYTES === 0) {
    resizeNow(host, volume, sizeBytes);
    return;
  }
  // Growing makes the rest of the last block zeros, which takes memory.
  await content.admission.acceptLater(
    () => ({ lineage: volume.lineage, offset: volume.sizeBytes, length: tailBytes(volume) }),
    () => resizeNow(host, volume, sizeBytes),
  );
}

function resizeNow(host: ChangeHost, volume: Volume, sizeBytes: number): void {
  const keptBlocks = blocksCovering(sizeBytes);
  const { lineages } = volume.pool.content;
  volume.condition.noteChange();
  const mayShow = lineages.mayShowContent(volume.lineage);
  if (sizeBytes > volume.sizeBytes) zeroTail(volume, sizeBytes);
  if (keptBlocks < blocksCovering(volume.sizeBytes) && mayShow) {
    lineages.clip(volume.lineage, keptBlocks);
  }
  volume.setSize(sizeBytes);
  noteModified(host, volume);
}

/** Bytes of the volume's last block that lie past its end. */
function tailBytes({ sizeBytes }: Volume): number {
  return blocksCovering(sizeBytes) * BLOCK_BYTES - sizeBytes;
}

/** Zeros from the end of the volume to `limit`, inside its last block. */
export function zeroTail(volume: Volume, limit: number): void {
  const start = volume.sizeBytes;
  const end = Math.min(roundUpToSector(limit), blocksCovering(start) * BLOCK_BYTES);
  if (end > start) volume.pool.content.zero(volume.lineage, start, end - start);
}

export function noteModified(host: ChangeHost, volume: Volume): void {
  const nowMs = host.clock.nowMs();
  volume.fields.modifiedMs = nowMs;
  volume.fields.changedMs = nowMs;
  if (volume.fields.info !== undefined) volume.fields.infoModified = true;
  if (!volume.deleted) volume.touch('write');
  host.changed();
}
