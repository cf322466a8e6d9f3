/**
 * The intent log's bytes: a ring of batches. What a batch says is log-entries.ts.
 *
 *   page 0, 1   header, the valid one with the higher generation counts:
 *               "AFSLOG01" | tag seed of the pool u32 | generation u32 | salt u32 | size of
 *               the log u48 | CRC-32 u32
 *   then pages  a batch: length of the payload u32 | number u48 | CRC-32 u32 | payload | zeros to the
 *               end of the page; the CRC goes over length, number and payload and begins with the salt
 *
 * Batches are numbered without gaps, so the first one that is torn, foreign or of an earlier lap ends
 * the log. A batch that does not fit before the end of the ring begins at its start.
 */

import { crc32 } from 'node:zlib';
import { ByteReader, ByteWriter } from '../base/byte-cursor.js';
import { ArrayError } from '../base/errors.js';
import { PAGE_BYTES } from '../base/sizes.js';
import type { LogDevice } from './log-device.js';
import { seal, unseal } from './sealed-record.js';

const MAGIC = 'AFSLOG01';
export const HEADER_PAGES = 2;
const HEADER_BYTES = 30;
/** Read at once in search of later batches. */
const SCAN_BYTES = 2 ** 20;
const BATCH_HEADER_BYTES = 14;
/** Where the first batch may lie. */
export const RING_START = HEADER_PAGES * PAGE_BYTES;

/** What the store remembers of its log. */
export interface LogRecord {
  readonly generation: number;
  readonly salt: number;
  /** Position and number of the first batch that may hold what is not published. */
  readonly position: number;
  readonly batch: number;
}

export function packLogRecord({ generation, salt, position, batch }: LogRecord): Uint8Array {
  return seal((writer) => {
    writer.u32(generation).u32(salt).u48(position).u48(batch);
  });
}

export function unpackLogRecord(value: Uint8Array): LogRecord {
  return unseal(value, (reader) => ({
    generation: reader.u32(),
    salt: reader.u32(),
    position: reader.u48(),
    batch: reader.u48(),
  }));
}

/** The record of a log begun anew, after the one of that generation. */
export function nextLogRecord(
  old: { readonly generation: number } | undefined,
  salt: number,
): LogRecord {
  const generation = (old?.generation ?? 0) + 1;
  return { generation, salt, position: RING_START, batch: 1 };
}

/**
 * Payloads of the batches from the record's start to the end of the log, oldest first. EIO where the
 * log is damaged or missing, EINVAL where it belongs to another pool or another state of the store.
 */
export function readLog(device: LogDevice, tagSeed: number, record: LogRecord): Uint8Array[] {
  return readBatches(device, tagSeed, record).map(({ payload }) => payload);
}

/** A batch, and where it lies. */
export interface LoggedBatch {
  readonly position: number;
  readonly number: number;
  readonly payload: Uint8Array;
}

/** The same with their places. */
export function readBatches(device: LogDevice, tagSeed: number, record: LogRecord): LoggedBatch[] {
  const header = newestHeader(device);
  if (header === undefined) throw damagedLog();
  if (header.tagSeed !== tagSeed) {
    throw new ArrayError('EINVAL', 'the intent log belongs to another pool');
  }
  // The store announced a new log and a crash came before its header.
  if (header.generation === record.generation - 1) return [];
  if (header.generation !== record.generation || header.salt !== record.salt) {
    throw new ArrayError('EINVAL', "the intent log belongs to another state of the pool's store");
  }
  if (header.sizeBytes !== device.sizeBytes) throw damagedLog();
  return batchesFrom(device, record);
}

function batchesFrom(device: LogDevice, record: LogRecord): LoggedBatch[] {
  const batches: LoggedBatch[] = [];
  let { position, batch } = record;
  for (;;) {
    const found =
      readBatch(device, position, batch, record.salt) ??
      readBatch(device, RING_START, batch, record.salt);
    if (found === undefined) break;
    batches.push(found);
    position = found.position + batchBytes(found.payload.length);
    batch += 1;
  }
  // A batch is written when the one before it is durable: what comes before another is not torn.
  if (hasLaterBatch(device, batch, record.salt)) throw damagedLog();
  return batches;
}

function hasLaterBatch(device: LogDevice, after: number, salt: number): boolean {
  // No ring holds more: other numbers are content, and not worth a checksum.
  const last = after + device.sizeBytes / PAGE_BYTES;
  for (let first = RING_START; first < device.sizeBytes; first += SCAN_BYTES) {
    const bytes = Buffer.from(device.read(first, SCAN_BYTES));
    for (let at = 0; at + BATCH_HEADER_BYTES <= bytes.length; at += PAGE_BYTES) {
      const number = bytes.readUIntBE(at + 4, 6);
      if (number <= after || number > last) continue;
      if (readBatch(device, first + at, number, salt) !== undefined) return true;
    }
  }
  return false;
}

function damagedLog(): ArrayError {
  return new ArrayError(
    'EIO',
    'the intent log is missing or damaged (arrayfs check --repair goes on without it)',
  );
}

/** Generation of the log a device holds, whoever it belongs to. */
export function heldGeneration(device: LogDevice): { readonly generation: number } | undefined {
  return newestHeader(device);
}

interface Header {
  readonly tagSeed: number;
  readonly generation: number;
  readonly salt: number;
  /** Of the whole log: a file may be cut short. */
  readonly sizeBytes: number;
}

export function packHeader({ tagSeed, generation, salt, sizeBytes }: Header): Uint8Array {
  const body = new ByteWriter()
    .raw(Buffer.from(MAGIC))
    .u32(tagSeed)
    .u32(generation)
    .u32(salt)
    .u48(sizeBytes)
    .finish();
  return new ByteWriter().raw(body).u32(crc32(body)).finish();
}

function newestHeader(device: LogDevice): Header | undefined {
  let newest: Header | undefined;
  for (let page = 0; page < HEADER_PAGES; page += 1) {
    const header = unpackHeader(device.read(page * PAGE_BYTES, HEADER_BYTES));
    if (header !== undefined && header.generation > (newest?.generation ?? -1)) newest = header;
  }
  return newest;
}

function unpackHeader(bytes: Uint8Array): Header | undefined {
  if (bytes.length < HEADER_BYTES) return undefined;
  const reader = new ByteReader(bytes);
  if (Buffer.from(reader.raw(MAGIC.length)).toString('latin1') !== MAGIC) return undefined;
  const header = {
    tagSeed: reader.u32(),
    generation: reader.u32(),
    salt: reader.u32(),
    sizeBytes: reader.u48(),
  };
  return reader.u32() === crc32(bytes.subarray(0, HEADER_BYTES - 4)) ? header : undefined;
}

/** Bytes a payload takes in the ring. */
export function batchBytes(payloadBytes: number): number {
  return Math.ceil((BATCH_HEADER_BYTES + payloadBytes) / PAGE_BYTES) * PAGE_BYTES;
}

export function packBatch(
  payloads: readonly Uint8Array[],
  sizeBytes: number,
  number: number,
  salt: number,
): Uint8Array {
  const bytes = Buffer.alloc(batchBytes(sizeBytes));
  bytes.writeUInt32BE(sizeBytes, 0);
  bytes.writeUIntBE(number, 4, 6);
  let position = BATCH_HEADER_BYTES;
  for (const payload of payloads) {
    bytes.set(payload, position);
    position += payload.length;
  }
  bytes.writeUInt32BE(batchChecksum(bytes, position, salt), 10);
  return bytes;
}

function batchChecksum(bytes: Uint8Array, end: number, salt: number): number {
  return crc32(bytes.subarray(BATCH_HEADER_BYTES, end), crc32(bytes.subarray(0, 10), salt));
}

function readBatch(
  device: LogDevice,
  position: number,
  number: number,
  salt: number,
): LoggedBatch | undefined {
  if (position + PAGE_BYTES > device.sizeBytes) return undefined;
  const head = Buffer.from(device.read(position, BATCH_HEADER_BYTES));
  const sizeBytes = head.readUInt32BE(0);
  const end = BATCH_HEADER_BYTES + sizeBytes;
  if (head.readUIntBE(4, 6) !== number || position + end > device.sizeBytes) return undefined;
  const bytes = device.read(position, end);
  if (batchChecksum(bytes, end, salt) !== head.readUInt32BE(10)) return undefined;
  return { position, number, payload: bytes.subarray(BATCH_HEADER_BYTES) };
}
