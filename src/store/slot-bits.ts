/**
 * One bit for each slot of a slot file, in chunks of 4,096 slots (64 MiB of content); lowest bit of a
 * byte first. A chunk that has no bit set takes no memory.
 */

/** Slots of one chunk, and of one stored bitmap. */
export const CHUNK_SLOTS = 4096;
const CHUNK_BYTES = CHUNK_SLOTS / 8;
const FULL_BYTE = 0xff;

interface Chunk {
  readonly bytes: Uint8Array;
  /** Bits that are set. */
  count: number;
}

export class SlotBits {
  private readonly chunks: (Chunk | undefined)[] = [];
  private setCount = 0;

  /** Bits that are set. */
  get count(): number {
    return this.setCount;
  }

  has(slot: number): boolean {
    const chunk = this.chunks[chunkOf(slot)];
    if (chunk === undefined) return false;
    const bit = slot % CHUNK_SLOTS;
    return (((chunk.bytes[bit >> 3] as number) >> (bit & 7)) & 1) === 1;
  }

  /** Returns whether the bit was clear. */
  set(slot: number): boolean {
    if (this.has(slot)) return false;
    const chunk = this.ownChunk(chunkOf(slot));
    const bit = slot % CHUNK_SLOTS;
    chunk.bytes[bit >> 3] = (chunk.bytes[bit >> 3] as number) | (1 << (bit & 7));
    chunk.count += 1;
    this.setCount += 1;
    return true;
  }

  /** Returns whether the bit was set. */
  clear(slot: number): boolean {
    const chunk = this.chunks[chunkOf(slot)];
    if (chunk === undefined || !this.has(slot)) return false;
    const bit = slot % CHUNK_SLOTS;
    chunk.bytes[bit >> 3] = (chunk.bytes[bit >> 3] as number) & ~(1 << (bit & 7));
    chunk.count -= 1;
    this.setCount -= 1;
    if (chunk.count === 0) this.chunks[chunkOf(slot)] = undefined;
    return true;
  }

  /** Sets the bits of a whole chunk that had none; the bitmap is copied. */
  load(chunk: number, bitmap: Uint8Array): void {
    let count = 0;
    for (let byte of bitmap) for (; byte !== 0; byte &= byte - 1) count += 1;
    if (count === 0) return;
    this.chunks[chunk] = { bytes: new Uint8Array(bitmap), count };
    this.setCount += count;
  }

  /** The bitmap of a chunk, undefined where no bit is set. Borrowed. */
  bitmap(chunk: number): Uint8Array | undefined {
    return this.chunks[chunk]?.bytes;
  }

  /** The highest set bit, -1 where there is none. */
  get last(): number {
    for (let index = this.chunks.length - 1; index >= 0; index -= 1) {
      const bytes = this.chunks[index]?.bytes;
      if (bytes === undefined) continue;
      let byte = CHUNK_BYTES - 1;
      while (bytes[byte] === 0) byte -= 1;
      return index * CHUNK_SLOTS + byte * 8 + 31 - Math.clz32(bytes[byte] as number);
    }
    return -1;
  }

  /** The first clear bit from `from` on and before `end`, or `end`. */
  nextClear(from: number, end: number): number {
    let slot = from;
    while (slot < end) {
      const chunk = this.chunks[chunkOf(slot)];
      if (chunk === undefined) return slot;
      if (chunk.count === CHUNK_SLOTS) {
        slot = (chunkOf(slot) + 1) * CHUNK_SLOTS;
      } else if (slot % 8 === 0 && chunk.bytes[(slot % CHUNK_SLOTS) >> 3] === FULL_BYTE) {
        slot += 8;
      } else if (this.has(slot)) slot += 1;
      else return slot;
    }
    return end;
  }

  /** The first set bit from `from` on and before `end`, or `end`. */
  nextSet(from: number, end: number): number {
    let slot = from;
    while (slot < end) {
      const chunk = this.chunks[chunkOf(slot)];
      if (chunk === undefined) slot = (chunkOf(slot) + 1) * CHUNK_SLOTS;
      else if (slot % 8 === 0 && chunk.bytes[(slot % CHUNK_SLOTS) >> 3] === 0) slot += 8;
      else if (this.has(slot)) return slot;
      else slot += 1;
    }
    return end;
  }

  private ownChunk(index: number): Chunk {
    let chunk = this.chunks[index];
    if (chunk === undefined) {
      chunk = { bytes: new Uint8Array(CHUNK_BYTES), count: 0 };
      this.chunks[index] = chunk;
    }
    return chunk;
  }
}

export function chunkOf(slot: number): number {
  return Math.floor(slot / CHUNK_SLOTS);
}
