/**
 * Keys of the store's tables. All fields are big-endian, so that byte order is the order of the
 * fields, first field first.
 *
 *   map     lineage u32, block u40, complement of epoch u32     13 bytes, newest version first
 *   born    lineage u32, epoch u32, chunk u32                   12 bytes
 *   share   block id u48                                         6 bytes
 *   blocks  block id u48                                         6 bytes
 *   records kind u8, first u48, second u32                      11 bytes
 */
import { assert } from '../base/assert.js';

export const MAP_KEY_BYTES = 13;
/** Blocks covered by one born bitmap: 64 MiB of a volume in 512 bytes. */
export const CHUNK_BLOCKS = 4096;
export const CHUNK_BITMAP_BYTES = CHUNK_BLOCKS / 8;
export const EPOCH_MAX = 0xffff_ffff;
export const BLOCK_INDEX_MAX = 2 ** 40 - 1;

/** First byte of a key in `records`; the numbers are part of the format. */
export const RECORD_KIND = {
  identity: 1,
  counters: 2,
  allocation: 3,
  log: 4,
  usedSlots: 5,
  members: 6,
  reached: 7,
  volume: 16,
  snapshot: 17,
  lineage: 18,
  clip: 19,
  reclaim: 20,
  usage: 21,
  deferredFrees: 22,
  pair: 24,
  pairBits: 25,
  volumeState: 26,
  foreignVolume: 27,
  snapshotGroup: 28,
  job: 32,
  event: 33,
  controller: 48,
  port: 49,
  portGroup: 50,
  host: 51,
  lunMapping: 52,
  device: 53,
  priority: 54,
} as const;

export type RecordKind = keyof typeof RECORD_KIND;

/** What is not a pool's but the array's: it is in the home pool, and moves when that is removed. */
export const HOME_KINDS: readonly RecordKind[] = [
  ...(['job', 'event', 'controller', 'port', 'portGroup', 'host', 'lunMapping', 'device'] as const),
  'priority',
];

/** Key of the version of `block` written in `epoch`; `epoch` EPOCH_MAX comes first. */
export function mapKey(lineage: number, block: number, epoch: number): Uint8Array {
  const key = Buffer.allocUnsafe(MAP_KEY_BYTES);
  key.writeUInt32BE(lineage, 0);
  key.writeUIntBE(block, 4, 5);
  key.writeUInt32BE(EPOCH_MAX - epoch, 9);
  return key;
}

export interface MapKey {
  readonly lineage: number;
  readonly block: number;
  readonly epoch: number;
}

export function parseMapKey(key: Uint8Array): MapKey {
  assert(key.length === MAP_KEY_BYTES, 'a map key has 13 bytes');
  const view = Buffer.from(key.buffer, key.byteOffset, key.byteLength);
  return {
    lineage: view.readUInt32BE(0),
    block: view.readUIntBE(4, 5),
    epoch: EPOCH_MAX - view.readUInt32BE(9),
  };
}

export function bornKey(lineage: number, epoch: number, chunk: number): Uint8Array {
  const key = Buffer.allocUnsafe(12);
  key.writeUInt32BE(lineage, 0);
  key.writeUInt32BE(epoch, 4);
  key.writeUInt32BE(chunk, 8);
  return key;
}

export interface BornKey {
  readonly lineage: number;
  readonly epoch: number;
  readonly chunk: number;
}

export function parseBornKey(key: Uint8Array): BornKey {
  const view = Buffer.from(key.buffer, key.byteOffset, key.byteLength);
  return {
    lineage: view.readUInt32BE(0),
    epoch: view.readUInt32BE(4),
    chunk: view.readUInt32BE(8),
  };
}

/** Key in `share` and `blocks`. */
export function blockKey(id: number): Uint8Array {
  const key = Buffer.allocUnsafe(6);
  key.writeUIntBE(id, 0, 6);
  return key;
}

export function parseBlockKey(key: Uint8Array): number {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).readUIntBE(0, 6);
}

export function recordKey(kind: RecordKind, first = 0, second = 0): Uint8Array {
  const key = Buffer.allocUnsafe(11);
  key.writeUInt8(RECORD_KIND[kind], 0);
  key.writeUIntBE(first, 1, 6);
  key.writeUInt32BE(second, 7);
  return key;
}

/** First key after all records of `kind` (and `first`, where given). */
export function recordKeyEnd(kind: RecordKind, first?: number): Uint8Array {
  if (first !== undefined) return recordKey(kind, first + 1);
  const key = Buffer.alloc(11);
  key.writeUInt8(RECORD_KIND[kind] + 1, 0);
  return key;
}

export function parseRecordKey(key: Uint8Array): { kind: number; first: number; second: number } {
  const view = Buffer.from(key.buffer, key.byteOffset, key.byteLength);
  return { kind: view.readUInt8(0), first: view.readUIntBE(1, 6), second: view.readUInt32BE(7) };
}

/** A key as a text, for maps in memory: texts compare as the bytes do. */
export function keyText(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1');
}

export function keyOfText(text: string): Uint8Array {
  return Buffer.from(text, 'latin1');
}
