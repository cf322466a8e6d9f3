/**
 * A bitmap with one bit for each track of a volume, in chunks of 4,096 tracks as they are stored:
 * 512 bytes, the lowest bit first. A chunk without bits takes no memory; the count is always known.
 * Chunks that have changed are told once, for whoever stores them.
 */
import { assert } from '../base/assert.js';

export const CHUNK_TRACKS = 4_096;
const CHUNK_BYTES = CHUNK_TRACKS / 8;
const NO_BITS: Uint8Array = new Uint8Array(CHUNK_BYTES);
/** Bits set in each byte. */
const BIT_COUNTS = Uint8Array.from(
  { length: 256 },
  (_, byte) => byte.toString(2).replaceAll('0', '').length,
);

/** Tracks one after the other. */
export interface TrackRun {
  readonly track: number;
  readonly count: number;
}

export class TrackBits {
  private readonly chunks: (Uint8Array | undefined)[];
  private readonly changed = new Set<number>();
  private total = 0;

  constructor(readonly trackCount: number) {
    this.chunks = Array<Uint8Array | undefined>(Math.ceil(trackCount / CHUNK_TRACKS)).fill(
      undefined,
    );
  }

  /** Bits that are set. */
  get count(): number {
    return this.total;
  }

  has(track: number): boolean {
    const chunk = this.chunks[Math.floor(track / CHUNK_TRACKS)];
    const place = track % CHUNK_TRACKS;
    return chunk !== undefined && (((chunk[place >> 3] ?? 0) >> (place & 7)) & 1) === 1;
  }

  set(track: number, count = 1): void {
    this.change(track, count, true);
  }

  clear(track: number, count = 1): void {
    this.change(track, count, false);
  }

  setAll(): void {
    this.set(0, this.trackCount);
  }

  clearAll(): void {
    this.clear(0, this.trackCount);
  }

  /** The lowest track not before `from` whose bit is set. */
  first(from = 0): number | undefined {
    return this.seek(from, true);
  }

  /** The first tracks in a row not before `from` whose bits are set, at most `countMax`. */
  firstRun(from = 0, countMax = Number.POSITIVE_INFINITY): TrackRun | undefined {
    const track = this.seek(from, true);
    if (track === undefined) return undefined;
    const end = this.seek(track, false) ?? this.trackCount;
    return { track, count: Math.min(end - track, countMax) };
  }

  /** Sets every bit that is set in the other bitmap, of the same volume. */
  add(other: TrackBits): void {
    assert(other.trackCount === this.trackCount, 'both bitmaps are of one size');
    for (const [index, bits] of other.chunks.entries()) {
      if (bits === undefined) continue;
      const own = this.chunks[index] ?? NO_BITS;
      this.replace(
        index,
        bits.map((byte, place) => byte | (own[place] ?? 0)),
      );
    }
  }

  /** The bytes of a chunk; undefined where it has no bits. Not to be changed. */
  chunk(index: number): Uint8Array | undefined {
    return this.chunks[index];
  }

  /** Takes over a stored chunk, without bits past the last track; it does not count as changed. */
  load(index: number, bits: Uint8Array): void {
    assert(bits.length === CHUNK_BYTES && index < this.chunks.length, 'the chunk is of the volume');
    const tracks = this.trackCount - index * CHUNK_TRACKS;
    const isInside = (byte: number, at: number) =>
      byte >> Math.min(8, Math.max(0, tracks - at * 8)) === 0;
    assert(bits.every(isInside), 'no bit is past the last track');
    this.replace(index, new Uint8Array(bits));
    this.changed.delete(index);
  }

  /** Numbers of the chunks that have changed since the last call, ascending. */
  takeChanged(): number[] {
    const indexes = [...this.changed].sort((a, b) => a - b);
    this.changed.clear();
    return indexes;
  }

  private change(track: number, count: number, value: boolean): void {
    const end = track + count;
    assert(track >= 0 && count >= 0 && end <= this.trackCount, 'the tracks are of the volume');
    for (let at = track; at < end; ) {
      const index = Math.floor(at / CHUNK_TRACKS);
      const start = index * CHUNK_TRACKS;
      const stop = Math.min(end, start + CHUNK_TRACKS);
      if (value || this.chunks[index] !== undefined) {
        this.changeChunk(index, at - start, stop - start, value);
      }
      at = stop;
    }
  }

  private changeChunk(index: number, from: number, to: number, value: boolean): void {
    const chunk = this.chunks[index] ?? new Uint8Array(CHUNK_BYTES);
    let added = 0;
    for (let byteAt = from >> 3; byteAt * 8 < to; byteAt += 1) {
      const low = Math.max(0, from - byteAt * 8);
      const high = Math.min(8, to - byteAt * 8);
      const mask = (1 << high) - (1 << low);
      const before = chunk[byteAt] ?? 0;
      const after = value ? before | mask : before & ~mask;
      chunk[byteAt] = after;
      added += bitsOf(after) - bitsOf(before);
    }
    this.note(index, chunk, added);
  }

  private replace(index: number, bits: Uint8Array): void {
    const own = this.chunks[index] ?? NO_BITS;
    const added = bits.reduce((sum, byte, at) => sum + bitsOf(byte) - bitsOf(own[at] ?? 0), 0);
    const same = bits.every((byte, at) => byte === own[at]);
    if (!same) this.note(index, bits, added, true);
  }

  private note(index: number, bits: Uint8Array, added: number, differs = added !== 0): void {
    if (!differs) return;
    this.chunks[index] = added < 0 && bits.every((byte) => byte === 0) ? undefined : bits;
    this.total += added;
    this.changed.add(index);
  }

  /** The lowest track not before `from` whose bit has this value. */
  private seek(from: number, value: boolean): number | undefined {
    const passed = value ? 0 : 0xff;
    for (let at = from; at < this.trackCount; ) {
      const index = Math.floor(at / CHUNK_TRACKS);
      const chunk = this.chunks[index];
      if (chunk === undefined) {
        if (!value) return at;
        at = (index + 1) * CHUNK_TRACKS;
      } else if (at % 8 === 0 && chunk[(at % CHUNK_TRACKS) >> 3] === passed) {
        at += 8;
      } else {
        if (this.has(at) === value) return at;
        at += 1;
      }
    }
    return undefined;
  }
}

function bitsOf(byte: number): number {
  return BIT_COUNTS[byte] ?? 0;
}
