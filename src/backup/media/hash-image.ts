/**
 * Reads a whole image through the mount and computes its SHA-256. Blocks that cannot be read are named; the array itself compares
 * the checksum of each block that it reads, so damage is an error here, never wrong data.
 */
import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { ArrayError, asArrayError } from '../../base/errors.js';
import { BLOCK_BYTES, formatSize } from '../../base/sizes.js';

const PIECE_BYTES = 2 ** 20;
/** More are not looked for. */
const DAMAGES_MAX = 10;

export interface ImageDigest {
  /** Hexadecimal; '' where not all of it can be read. */
  readonly sha256: string;
  /** Offsets of blocks that cannot be read, the first few. */
  readonly damagedAt: readonly number[];
}

/** `onRead`: bytes read so far. EINTR where it is aborted. */
export async function hashImage(
  path: string,
  onRead: (doneBytes: number, totalBytes: number) => void,
  signal: AbortSignal,
): Promise<ImageDigest> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const hash = createHash('sha256');
    const damagedAt: number[] = [];
    // One piece is read while the other is hashed.
    const buffers = [Buffer.allocUnsafe(PIECE_BYTES), Buffer.allocUnsafe(PIECE_BYTES)];
    const pieceAt = (offset: number) => {
      const buffer = buffers[(offset / PIECE_BYTES) % 2] as Buffer;
      return readPiece(file, offset, buffer.subarray(0, Math.min(PIECE_BYTES, size - offset)));
    };
    let next = size > 0 ? pieceAt(0) : undefined;
    for (let offset = 0; offset < size && next !== undefined; offset += PIECE_BYTES) {
      const { bytes, damaged } = await next;
      damagedAt.push(...damaged.map((at) => offset + at));
      const isEnough = damagedAt.length >= DAMAGES_MAX;
      if (signal.aborted) throw new ArrayError('EINTR', 'given up before all was read');
      next = offset + PIECE_BYTES < size && !isEnough ? pieceAt(offset + PIECE_BYTES) : undefined;
      hash.update(bytes);
      onRead(Math.min(offset + PIECE_BYTES, size), size);
    }
    const isWhole = damagedAt.length === 0;
    return {
      sha256: isWhole ? hash.digest('hex') : '',
      damagedAt: damagedAt.slice(0, DAMAGES_MAX),
    };
  } finally {
    await file.close();
  }
}

/** `block at 48K`, for people. */
export function damageText(damagedAt: readonly number[]): string {
  const places = damagedAt.map((at) => `${at} (${formatSize(at)})`).join(', ');
  return `${damagedAt.length === 1 ? 'the block' : 'the blocks'} at byte ${places} cannot be read`;
}

async function readPiece(
  file: FileHandle,
  offset: number,
  buffer: Buffer,
): Promise<{ readonly bytes: Buffer; readonly damaged: readonly number[] }> {
  try {
    return { bytes: await readAll(file, offset, buffer), damaged: [] };
  } catch (error) {
    if (asArrayError(error).code !== 'EIO') throw error;
  }
  const damaged: number[] = [];
  for (let at = 0; at < buffer.length; at += BLOCK_BYTES) {
    try {
      await readAll(file, offset + at, buffer.subarray(at, at + BLOCK_BYTES));
    } catch (error) {
      if (asArrayError(error).code !== 'EIO') throw error;
      damaged.push(at);
    }
  }
  return { bytes: buffer, damaged };
}

async function readAll(file: FileHandle, offset: number, buffer: Buffer): Promise<Buffer> {
  for (let filled = 0; filled < buffer.length; ) {
    const { bytesRead } = await file.read(buffer, filled, buffer.length - filled, offset + filled);
    if (bytesRead === 0) throw new ArrayError('EIO', 'the image became shorter while it was read');
    filled += bytesRead;
  }
  return buffer;
}
