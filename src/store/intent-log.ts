/**
 * The intent log: makes acknowledged changes durable by one append, before the generation they are in
 * is published. A ring of batches; what a batch says is log-entries.ts.
 *
 *   page 0, 1   header, the valid one with the higher generation counts:
 *               "AFSLOG01" | tag seed of the pool u32 | generation u32 | salt u32 | CRC-32 u32
 *   then pages  a batch: length of the payload u32 | number u48 | CRC-32 u32 | payload | zeros to the
 *               end of the page; the CRC goes over length, number and payload and begins with the salt
 *
 * Batches are numbered without gaps, so the first one that is torn, foreign or of an earlier lap ends
 * the log. A batch that does not fit before the end of the ring begins at its start. The store's log
 * record (generation, salt, where replay starts) changes with every publish; a log that is begun anew
 * is first announced there, then gets its header, so a crash in between finds an empty log.
 */

import { crc32 } from 'node:zlib';
import { ByteReader, ByteWriter } from '../base/byte-cursor.js';
import { ArrayError, asArrayError } from '../base/errors.js';
import { PAGE_BYTES } from '../base/sizes.js';
import type { LogDevice } from './log-device.js';
import { seal, unseal } from './sealed-record.js';

const MAGIC = 'AFSLOG01';
const HEADER_PAGES = 2;
const HEADER_BYTES = 24;
const BATCH_HEADER_BYTES = 14;
const RING_START = HEADER_PAGES * PAGE_BYTES;

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

/** A batch in the ring that is still needed. */
interface Segment {
  readonly position: number;
  readonly number: number;
  readonly endPosition: number;
  /** Newest generation that has something in it. */
  readonly sequence: number;
}

interface Pending {
  readonly payloads: Uint8Array[];
  sizeBytes: number;
  sequence: number;
  readonly done: Promise<void>;
  readonly settle: (error?: ArrayError) => void;
}

export class IntentLog {
  /** Why appending has ended for this mount; everything is published instead. */
  failure: ArrayError | undefined;
  private position: number;
  private number: number;
  private readonly segments: Segment[] = [];
  private pending: Pending | undefined;
  private writing: Pending | undefined;

  constructor(
    private readonly device: LogDevice,
    private readonly record: LogRecord,
  ) {
    this.position = record.position;
    this.number = record.batch;
  }

  /** Writes the header of a log whose record the store has. */
  async begin(tagSeed: number): Promise<void> {
    const { generation, salt } = this.record;
    const page = new Uint8Array(PAGE_BYTES);
    page.set(packHeader({ tagSeed, generation, salt }));
    await this.device.write((generation % HEADER_PAGES) * PAGE_BYTES, page);
  }

  /** `sizeBytes` more can be appended now. */
  hasRoom(sizeBytes: number): boolean {
    if (this.failure !== undefined) return false;
    const size = batchBytes(sizeBytes + (this.pending?.sizeBytes ?? 0));
    return this.placeFor(size) !== undefined;
  }

  /** So much is in use that publishing should free some. */
  get isFilling(): boolean {
    return this.usedBytes > (this.device.sizeBytes - RING_START) / 2;
  }

  /** Bytes between the oldest batch still needed and the end. */
  get usedBytes(): number {
    const first = this.segments[0];
    if (first === undefined) return 0;
    const distance = this.position - first.position;
    return distance > 0 ? distance : distance + this.device.sizeBytes - RING_START;
  }

  /**
   * Appends what belongs to generations up to `sequence`; resolves when it is durable. The caller has
   * asked `hasRoom`. Calls while an append is under way share the next one.
   */
  append(payload: Uint8Array, sequence: number): Promise<void> {
    this.pending ??= newPending();
    this.pending.payloads.push(payload);
    this.pending.sizeBytes += payload.length;
    this.pending.sequence = Math.max(this.pending.sequence, sequence);
    const { done } = this.pending;
    if (this.writing === undefined) void this.run();
    return done;
  }

  /** Nothing is appended any more. */
  fail(error: ArrayError): void {
    this.failure ??= error;
  }

  /** Resolves when everything appended so far is durable. */
  durable(): Promise<void> {
    return (this.pending ?? this.writing)?.done ?? Promise.resolve();
  }

  /** The record to be stored with the publication of generation `sequence`. */
  recordAt(sequence: number): LogRecord {
    const first = this.segments.find((segment) => segment.sequence > sequence);
    const { generation, salt } = this.record;
    return first === undefined
      ? { generation, salt, position: this.position, batch: this.number }
      : { generation, salt, position: first.position, batch: first.number };
  }

  /** Generation `sequence` is published: the space of what only older ones needed is free. */
  published(sequence: number): void {
    let first = this.segments[0];
    while (first !== undefined && first.sequence <= sequence) {
      this.segments.shift();
      first = this.segments[0];
    }
  }

  async close(): Promise<void> {
    await this.durable().catch(() => undefined);
    await this.device.close();
  }

  private async run(): Promise<void> {
    while (this.pending !== undefined) {
      const pending = this.pending;
      this.pending = undefined;
      this.writing = pending;
      try {
        if (this.failure !== undefined) throw this.failure;
        await this.write(pending);
        pending.settle();
      } catch (error) {
        this.failure = asArrayError(error);
        pending.settle(this.failure);
      }
    }
    this.writing = undefined;
  }

  private async write({ payloads, sizeBytes, sequence }: Pending): Promise<void> {
    const bytes = packBatch(payloads, sizeBytes, this.number, this.record.salt);
    const position = this.placeFor(bytes.length);
    if (position === undefined) throw new ArrayError('ENOSPC', 'the intent log is full');
    const { number } = this;
    this.position = position + bytes.length;
    this.number += 1;
    this.segments.push({ position, number, endPosition: this.position, sequence });
    await this.device.write(position, bytes);
  }

  /** Where a batch of whole pages goes; undefined where it would run into what is still needed. */
  private placeFor(size: number): number | undefined {
    const { sizeBytes } = this.device;
    const tail = this.segments[0]?.position;
    const fits = this.position + size <= sizeBytes;
    if (tail === undefined) {
      if (fits) return this.position;
      return RING_START + size <= sizeBytes ? RING_START : undefined;
    }
    // Position equal to the tail would be a full ring.
    if (this.position <= tail) return this.position + size < tail ? this.position : undefined;
    if (fits) return this.position;
    return RING_START + size < tail ? RING_START : undefined;
  }
}

/**
 * Payloads of the batches from the record's start to the end of the log, oldest first. EIO where the
 * log is damaged or missing, EINVAL where it belongs to another pool or another state of the store.
 */
export function readLog(device: LogDevice, tagSeed: number, record: LogRecord): Uint8Array[] {
  const header = newestHeader(device);
  if (header === undefined) {
    throw new ArrayError(
      'EIO',
      'the intent log is missing or damaged (arrayfs check --repair goes on without it)',
    );
  }
  if (header.tagSeed !== tagSeed) {
    throw new ArrayError('EINVAL', 'the intent log belongs to another pool');
  }
  // The store announced a new log and a crash came before its header.
  if (header.generation === record.generation - 1) return [];
  if (header.generation !== record.generation || header.salt !== record.salt) {
    throw new ArrayError('EINVAL', "the intent log belongs to another state of the pool's store");
  }
  return readBatches(device, record);
}

function readBatches(device: LogDevice, record: LogRecord): Uint8Array[] {
  const payloads: Uint8Array[] = [];
  let { position, batch } = record;
  for (;;) {
    const found =
      readBatch(device, position, batch, record.salt) ??
      readBatch(device, RING_START, batch, record.salt);
    if (found === undefined) return payloads;
    payloads.push(found.payload);
    position = found.endPosition;
    batch += 1;
  }
}

/** Generation of the log a device holds, whoever it belongs to. */
export function heldGeneration(device: LogDevice): { readonly generation: number } | undefined {
  return newestHeader(device);
}

interface Header {
  readonly tagSeed: number;
  readonly generation: number;
  readonly salt: number;
}

function packHeader({ tagSeed, generation, salt }: Header): Uint8Array {
  const body = new ByteWriter()
    .raw(Buffer.from(MAGIC))
    .u32(tagSeed)
    .u32(generation)
    .u32(salt)
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
  const header = { tagSeed: reader.u32(), generation: reader.u32(), salt: reader.u32() };
  return reader.u32() === crc32(bytes.subarray(0, HEADER_BYTES - 4)) ? header : undefined;
}

/** Bytes a payload takes in the ring. */
function batchBytes(payloadBytes: number): number {
  return Math.ceil((BATCH_HEADER_BYTES + payloadBytes) / PAGE_BYTES) * PAGE_BYTES;
}

function packBatch(
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
): { payload: Uint8Array; endPosition: number } | undefined {
  if (position + PAGE_BYTES > device.sizeBytes) return undefined;
  const head = Buffer.from(device.read(position, BATCH_HEADER_BYTES));
  const sizeBytes = head.readUInt32BE(0);
  const end = BATCH_HEADER_BYTES + sizeBytes;
  if (head.readUIntBE(4, 6) !== number || position + end > device.sizeBytes) return undefined;
  const bytes = device.read(position, end);
  if (batchChecksum(bytes, end, salt) !== head.readUInt32BE(10)) return undefined;
  return {
    payload: bytes.subarray(BATCH_HEADER_BYTES),
    endPosition: position + batchBytes(sizeBytes),
  };
}

function newPending(): Pending {
  let settle: Pending['settle'] = () => {};
  const done = new Promise<void>((resolve, reject) => {
    settle = (error) => (error === undefined ? resolve() : reject(error));
  });
  // Whoever waits is told; nobody has to wait.
  done.catch(() => undefined);
  return { payloads: [], sizeBytes: 0, sequence: 0, done, settle };
}
