/**
 * A bitmap with one bit for each track of a volume, in chunks of 4,096 tracks as they are stored:
 * 512 bytes, the lowest bit first. A chunk without bits takes no memory; the count is always known.
 * Chunks that have changed are told once, for whoever stores them.
 */
import { assert } from '../base/assert.js';

export const CHUNK_TRACKS = 4_096;
const CHUNK_BYTES = CHUNK_TRACKS / 8;
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
    const stop = Math.min(this.trackCount, track + countMax);
    return { track, count: (this.seek(track, false, stop) ?? stop) - track };
  }

  /** Sets every bit that is set in the other bitmap, of the same volume. */
  add(other: TrackBits): void {
    assert(other.trackCount === this.trackCount, 'both bitmaps are of one size');
    for (const [index, bits] of other.chunks.entries()) {
      if (bits === undefined) continue;
      const own = this.chunks[index];
      if (own === undefined) this.note(index, bits.slice(), countOf(bits));
      else this.note(index, own, merge(own, bits));
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
    const own = new Uint8Array(bits);
    const count = countOf(own);
    this.total += count - countOf(this.chunks[index]);
    this.chunks[index] = count === 0 ? undefined : own;
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

  /** A chunk now has this many bits more, or fewer. */
  private note(index: number, bits: Uint8Array, added: number): void {
    if (added === 0) return;
    this.chunks[index] = added < 0 && countOf(bits) === 0 ? undefined : bits;
    this.total += added;
    this.changed.add(index);
  }

  /** The lowest track not before `from`, and before `stop`, whose bit has this value. */
  private seek(from: number, value: boolean, stop = this.trackCount): number | undefined {
    const passed = value ? 0 : 0xff;
    for (let at = from; at < stop; ) {
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

/** Tracks whose bit is set in at least one of the bitmaps, all of one volume. */
export function countInAny(all: readonly TrackBits[]): number {
  const bitmaps = all.filter((bits) => bits.count > 0);
  if (bitmaps.length <= 1) return bitmaps[0]?.count ?? 0;
  const chunkCount = Math.ceil((bitmaps[0]?.trackCount ?? 0) / CHUNK_TRACKS);
  let count = 0;
  for (let index = 0; index < chunkCount; index += 1) {
    const chunks = bitmaps.map((bits) => bits.chunk(index)).filter((chunk) => chunk !== undefined);
    const [first, ...others] = chunks;
    if (first === undefined) continue;
    const union = others.length === 0 ? first : first.slice();
    for (const bits of others) merge(union, bits);
    count += countOf(union);
  }
  return count;
}

/** Adds the bits of one chunk to another; returns how many are new. */
function merge(into: Uint8Array, bits: Uint8Array): number {
  const own = wordsOf(into);
  const others = wordsOf(bits);
  let added = 0;
  for (let at = 0; at < own.length; at += 1) {
    const before = own[at] ?? 0;
    const after = before | (others[at] ?? 0);
    if (after === before) continue;
    own[at] = after;
    added += bitsOf(after) - bitsOf(before);
  }
  return added;
}

function countOf(chunk: Uint8Array | undefined): number {
  if (chunk === undefined) return 0;
  let count = 0;
  for (const word of wordsOf(chunk)) count += bitsOf(word);
  return count;
}

/** A view of a chunk of these bitmaps; they all have a buffer of their own. */
function wordsOf(chunk: Uint8Array): Int32Array {
  return new Int32Array(chunk.buffer, chunk.byteOffset, CHUNK_BYTES / 4);
}

/** Bits set in a word of 32. */
function bitsOf(word: number): number {
  let sums = word - ((word >>> 1) & 0x5555_5555);
  sums = (sums & 0x3333_3333) + ((sums >>> 2) & 0x3333_3333);
  sums = (sums + (sums >>> 4)) & 0x0f0f_0f0f;
  return Math.imul(sums, 0x0101_0101) >>> 24;
}
