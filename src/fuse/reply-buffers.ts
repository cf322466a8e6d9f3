/**
 * Memory for the replies of READ, used again and again: it is lent for one reply and comes back when
 * that is sent. Sizes are powers of two; little is kept while nothing is read.
 */
const SIZE_LOG2_MIN = 13;
const SIZE_LOG2_MAX = 21;
/** Kept at most of one size, in bytes; at least one buffer. */
const KEPT_BYTES_MAX = 4 * 2 ** 20;

export class ReplyBuffers {
  private readonly kept: Buffer[][] = [];
  private readonly lent = new Map<ArrayBufferLike, Buffer>();

  /** `size` bytes with undefined content. */
  take(size: number): Buffer {
    const log2 = Math.max(SIZE_LOG2_MIN, 32 - Math.clz32(size - 1));
    if (log2 > SIZE_LOG2_MAX) return Buffer.allocUnsafeSlow(size);
    const buffer = this.kept[log2]?.pop() ?? Buffer.allocUnsafeSlow(2 ** log2);
    this.lent.set(buffer.buffer, buffer);
    return buffer.subarray(0, size);
  }

  /** A reply that was sent or given up; whatever was not lent is left alone. */
  giveBack(frame: Buffer): void {
    const buffer = this.lent.get(frame.buffer);
    if (buffer === undefined) return;
    this.lent.delete(frame.buffer);
    const log2 = 31 - Math.clz32(buffer.length);
    const row = this.kept[log2] ?? [];
    this.kept[log2] = row;
    if ((row.length + 1) * buffer.length <= KEPT_BYTES_MAX) row.push(buffer);
  }
}
