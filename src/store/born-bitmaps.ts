/**
 * Table `born`: for each lineage and epoch, which blocks have a version written in it; one bitmap of
 * 512 bytes for 4,096 blocks (bit = block modulo 4,096, lowest bit first), behind a version byte. A
 * bit is set exactly while the map holds that version. Absent bitmap: no bit set.
 */
import type { StoreTransaction } from './block-store.js';
import { bornKey, CHUNK_BITMAP_BYTES, CHUNK_BLOCKS, parseBornKey } from './keys.js';

const BORN_VERSION = 1;

/** A bitmap as stored; undefined where the value has a wrong size or version. */
export function unpackBorn(value: Uint8Array): Uint8Array | undefined {
  if (value.length !== CHUNK_BITMAP_BYTES + 1 || value[0] !== BORN_VERSION) return undefined;
  return new Uint8Array(value.subarray(1));
}

export function packBorn(bitmap: Uint8Array): Uint8Array {
  const value = new Uint8Array(CHUNK_BITMAP_BYTES + 1);
  value[0] = BORN_VERSION;
  value.set(bitmap, 1);
  return value;
}

/** Numbers of the set bits, ascending, from bit `from` on. */
export function* setBits(bitmap: Uint8Array, from = 0): Generator<number> {
  for (let byte = from >> 3; byte < bitmap.length; byte += 1) {
    const bits = bitmap[byte] as number;
    if (bits === 0) continue;
    for (let bit = 0; bit < 8; bit += 1) {
      const index = byte * 8 + bit;
      if ((bits >> bit) & 1 && index >= from) yield index;
    }
  }
}

/** The bitmaps one transaction touches, read at most once and written once. */
export class BornBitmaps {
  private readonly touched = new Map<string, { key: Uint8Array; bitmap: Uint8Array }>();

  constructor(private readonly transaction: StoreTransaction) {}

  set(lineage: number, epoch: number, block: number): void {
    const bitmap = this.bitmap(lineage, epoch, block);
    const bit = block % CHUNK_BLOCKS;
    bitmap[bit >> 3] = (bitmap[bit >> 3] as number) | (1 << (bit & 7));
  }

  clear(lineage: number, epoch: number, block: number): void {
    const bitmap = this.bitmap(lineage, epoch, block);
    const bit = block % CHUNK_BLOCKS;
    bitmap[bit >> 3] = (bitmap[bit >> 3] as number) & ~(1 << (bit & 7));
  }

  /** Changed, not yet saved bitmaps of epochs after `previous` and before `epoch`. */
  touches(lineage: number, previous: number, epoch: number): boolean {
    for (const { key } of this.touched.values()) {
      const born = parseBornKey(key);
      if (born.lineage === lineage && born.epoch > previous && born.epoch < epoch) return true;
    }
    return false;
  }

  save(): void {
    for (const { key, bitmap } of this.touched.values()) {
      if (bitmap.some((byte) => byte !== 0)) this.transaction.put('born', key, packBorn(bitmap));
      else this.transaction.remove('born', key);
    }
    this.touched.clear();
  }

  private bitmap(lineage: number, epoch: number, block: number): Uint8Array {
    const chunk = Math.floor(block / CHUNK_BLOCKS);
    const name = `${lineage}/${epoch}/${chunk}`;
    const known = this.touched.get(name);
    if (known !== undefined) return known.bitmap;
    const key = bornKey(lineage, epoch, chunk);
    const stored = this.transaction.get('born', key);
    const bitmap = (stored && unpackBorn(stored)) ?? new Uint8Array(CHUNK_BITMAP_BYTES);
    this.touched.set(name, { key, bitmap });
    return bitmap;
  }
}
