/**
 * Reads the index of a pool through once after it was opened, so that it lies in the page cache when hosts read cold
 * blocks: LMDB's map brings in one page of 4 KiB at a time, and the reader waits for each. It is small where the blocks
 * lie in a file of their own: 2.8 MiB for each GiB written.
 */
import { createReadStream } from 'node:fs';

/** Pieces of the file: the thread pool is busy with one for a millisecond. */
const PIECE_BYTES = 2 ** 20;
/** Of about 90 GiB. */
const INDEX_READ_BYTES_MAX = 256 * PIECE_BYTES;

/** Resolves with the bytes read at the end, or when `signal` ends it. What cannot be read is left to who needs it. */
export async function readIndex(file: string, signal: AbortSignal): Promise<number> {
  let bytes = 0;
  try {
    const pieces = createReadStream(file, {
      highWaterMark: PIECE_BYTES,
      end: INDEX_READ_BYTES_MAX - 1,
      signal,
    });
    for await (const piece of pieces) bytes += (piece as Buffer).length;
  } catch {
    return bytes;
  }
  return bytes;
}
