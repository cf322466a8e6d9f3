/**
 * Records `usedSlots`: which slots of the slot file hold blocks of the pool; one bitmap for 4,096
 * slots, lowest bit first. A chunk without a record has none in use.
 */

import type { StoreReader } from './block-store.js';
import { setBits } from './born-bitmaps.js';
import { parseRecordKey, recordKey, recordKeyEnd } from './keys.js';
import { seal, unseal } from './sealed-record.js';
import { CHUNK_SLOTS } from './slot-bits.js';

export function packUsedSlots(bitmap: Uint8Array): Uint8Array {
  return seal((writer) => {
    writer.raw(bitmap);
  });
}

/** EIO where the record is damaged. Its own memory. */
export function unpackUsedSlots(value: Uint8Array): Uint8Array {
  return unseal(value, (reader) => new Uint8Array(reader.raw(CHUNK_SLOTS / 8)));
}

export interface UsedChunk {
  readonly chunk: number;
  /** Undefined where the record is damaged. */
  readonly bitmap: Uint8Array | undefined;
}

/** The stored bitmaps from chunk `from` on, ascending. */
export function* usedChunks(reader: Pick<StoreReader, 'range'>, from = 0): Generator<UsedChunk> {
  const start = recordKey('usedSlots', from);
  for (const { key, value } of reader.range('records', start, recordKeyEnd('usedSlots'))) {
    yield { chunk: parseRecordKey(key).first, bitmap: soundBitmap(value) };
  }
}

/** Slots in use from `from` on, ascending; none of a chunk whose record is damaged. */
export function* usedSlots(reader: Pick<StoreReader, 'range'>, from = 0): Generator<number> {
  for (const { chunk, bitmap } of usedChunks(reader, Math.floor(from / CHUNK_SLOTS))) {
    const first = chunk * CHUNK_SLOTS;
    for (const bit of setBits(bitmap ?? new Uint8Array(0), Math.max(0, from - first))) {
      yield first + bit;
    }
  }
}

function soundBitmap(value: Uint8Array): Uint8Array | undefined {
  try {
    return unpackUsedSlots(value);
  } catch {
    return undefined;
  }
}
