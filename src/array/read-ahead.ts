/**
 * Read-ahead: while nothing else is asked for, what sequential readers of images will want next is read
 * and verified, so that the work goes on beside that of the kernel and the reading program. Only what
 * can be read without waiting for the disk, in slices, and for a bounded number of readers.
 */
import { AHEAD_READERS_MAX } from '../base/limits.js';
import { AheadBytes } from '../volume/ahead-bytes.js';
import type { AnyCopy } from './copies.js';

/** Reads that went on where the one before ended, from which on a reader is a sequential one. */
const IN_ROW_MIN = 2;
/** Who reads less asks again sooner than anything is read ahead, and would have to wait for it. */
const READ_BYTES_MIN = 2 ** 15;

/** The reads of one open image. */
export class ImageReader {
  readonly ahead = new AheadBytes();
  private nextOffset = 0;
  private inRow = 0;

  constructor(readonly copy: AnyCopy) {}

  /** A read of [offset, end) has come. True where it goes on where the last one ended. */
  follows(offset: number, end: number): boolean {
    const follows = offset === this.nextOffset;
    this.inRow = follows ? this.inRow + 1 : 0;
    this.nextOffset = end;
    return follows;
  }

  /** What the next read will want. True where that is something. */
  expectNext(length: number): boolean {
    if (this.inRow < IN_ROW_MIN || length < READ_BYTES_MIN) return false;
    const left = this.copy.sizeBytes - this.nextOffset;
    if (left <= 0 || this.copy.overlay !== undefined) return false;
    this.ahead.expect(this.nextOffset, Math.min(length, left));
    return true;
  }
}

export class ReadAhead {
  /** With bytes in memory, the one that read last at the end. */
  private readonly holders = new Set<ImageReader>();
  /** Whose bytes are still to be read, the one that waits longest first. */
  private readonly waiting = new Set<ImageReader>();

  /** The reader has been answered a read of `length` bytes. */
  answered(reader: ImageReader, length: number): void {
    if (!reader.expectNext(length)) return;
    this.holders.delete(reader);
    this.holders.add(reader);
    this.waiting.add(reader);
    const [oldest] = this.holders;
    if (this.holders.size > AHEAD_READERS_MAX && oldest !== undefined) this.forget(oldest);
  }

  /** The image is closed, or others read more. */
  forget(reader: ImageReader): void {
    this.holders.delete(reader);
    this.waiting.delete(reader);
    reader.ahead.drop();
  }

  /** Reads one slice. False where nothing is left to do. */
  readSlice(): boolean {
    const [reader] = this.waiting;
    if (reader === undefined) return false;
    if (!hasMore(reader)) this.waiting.delete(reader);
    return this.waiting.size > 0;
  }
}

/** Reads a slice for the reader; false where it wants no more, or it cannot be read now. */
function hasMore({ ahead, copy }: ImageReader): boolean {
  if (copy.pool.isFailed || copy.overlay !== undefined) return false;
  try {
    return copy.pool.content.map.readAhead(copy.view, ahead);
  } catch {
    // Whatever it is, the read itself meets it and tells of it.
    return false;
  }
}
