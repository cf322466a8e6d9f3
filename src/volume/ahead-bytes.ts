/**
 * The bytes one sequential reader will want next, read and verified before it asks: a range of one view,
 * published as a whole.
 *
 * Nobody has to be told to drop them. What a view shows is what its index says as long as nothing of
 * it is unpublished, which BlockMap knows, and an index counts its changes: so the bytes are what a
 * read would find if they were found by the index the view has now, and it has not changed since.
 */
import { AHEAD_BYTES_MAX } from '../base/limits.js';
import type { BlockIndex } from './block-index.js';

/** Read ahead in one piece, between two looks for requests: about 30 µs. */
const SLICE_BYTES = 2 ** 17;

export interface AheadSlice {
  readonly offset: number;
  readonly target: Uint8Array;
}

export class AheadBytes {
  private bytes: Uint8Array = new Uint8Array(0);
  /** Undefined until the first slice is read. */
  private index: BlockIndex | undefined;
  private changeCount = 0;
  private offset = 0;
  private filled = 0;
  private wanted = 0;

  /** Begins anew: [offset, offset + length) is wanted, or as much of it as is kept. */
  expect(offset: number, length: number): void {
    this.index = undefined;
    this.offset = offset;
    this.filled = 0;
    this.wanted = Math.min(length, AHEAD_BYTES_MAX);
  }

  /** Gives the memory back. */
  drop(): void {
    this.expect(0, 0);
    this.bytes = new Uint8Array(0);
  }

  /** What is to be read next, by this index; undefined where all is there, or was found before a change. */
  nextSlice(index: BlockIndex): AheadSlice | undefined {
    if (this.index === undefined) {
      this.index = index;
      this.changeCount = index.changeCount;
      if (this.bytes.length < this.wanted) this.bytes = Buffer.allocUnsafeSlow(this.wanted);
    }
    if (!this.isFoundBy(index) || this.filled === this.wanted) return undefined;
    const end = Math.min(this.wanted, this.filled + SLICE_BYTES);
    return {
      offset: this.offset + this.filled,
      target: this.bytes.subarray(this.filled, end),
    };
  }

  /** So much of the slice was read; true where more is wanted. */
  noteRead(slice: AheadSlice, length: number): boolean {
    this.filled += length;
    // What cannot be read is left to the read that wants it.
    if (length < slice.target.length) this.wanted = this.filled;
    return this.filled < this.wanted;
  }

  /** Fills `target` from its beginning, where the bytes are those the index shows; returns how many. */
  copyTo(index: BlockIndex, offset: number, target: Uint8Array): number {
    const start = offset - this.offset;
    if (start < 0 || start >= this.filled || !this.isFoundBy(index)) return 0;
    const end = Math.min(this.filled, start + target.length);
    target.set(this.bytes.subarray(start, end));
    return end - start;
  }

  private isFoundBy(index: BlockIndex): boolean {
    return index === this.index && index.changeCount === this.changeCount;
  }
}
