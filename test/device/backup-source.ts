/** Images to back up, and how a worker feeds them to a writer. */
import { createHash } from 'node:crypto';
import type { BackupImage } from '../../src/device/backup-reader.js';
import type { BackupWriter } from '../../src/device/backup-writer.js';
import type { ImageExtent } from '../../src/device/data-block.js';
import type { RandomSource } from '../support/random-source.js';

const SECTOR_BYTES = 512;

/** Extents of random length and distance, with content that no two of them share. */
export function randomExtents(random: RandomSource, imageBytes: number): ImageExtent[] {
  const extents: ImageExtent[] = [];
  const sectors = imageBytes / SECTOR_BYTES;
  for (let at = random.integer(0, 64); at < sectors; at += random.integer(0, 200)) {
    const longest = random.chance(0.2) ? 600 : 40;
    const count = Math.min(random.integer(1, longest), sectors - at);
    const data = Buffer.alloc(count * SECTOR_BYTES, random.bytes(61));
    extents.push({ offset: at * SECTOR_BYTES, data });
    at += count;
  }
  return extents;
}

/** Without zeros: every sector is told from the others. */
export function denseExtent(offset: number, bytes: number): ImageExtent {
  const data = Buffer.alloc(bytes);
  for (let at = 0; at < bytes; at += 4) data.writeUInt32LE(offset + at + 1, at);
  return { offset, data };
}

export function imageOf(extents: Iterable<ImageExtent>, imageBytes: number): Buffer {
  const image = Buffer.alloc(imageBytes);
  for (const { offset, data } of extents) image.set(data, offset);
  return image;
}

export function contentOf(image: BackupImage): Buffer {
  return imageOf(image.extents(), image.imageBytes);
}

/** Large contents are compared by this. */
export function hashOf(bytes: Uint8Array): string {
  return `${bytes.length} ${createHash('sha256').update(bytes).digest('hex')}`;
}

/** Writes what lies at and above the writer's `nextOffset`. */
export function feed(writer: BackupWriter, extents: readonly ImageExtent[]): void {
  for (const { offset, data } of extents) {
    const skipped = Math.max(0, writer.nextOffset - offset);
    if (skipped < data.length) writer.write(offset + skipped, data.subarray(skipped));
  }
}
