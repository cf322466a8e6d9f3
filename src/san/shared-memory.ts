/**
 * The memory that the array core and the microprocessors share ([000] figs. 7 and 9): one SharedArrayBuffer. A word
 * is a 32-bit integer of the machine; m microprocessors, s slots, c chunks a slot. Offsets are bytes.
 *
 *      0  header, 64 bytes
 *              0 layout version (2)          12 c              24 lock: 0, or sequence u24, owner u8
 *              4 m                           16 bytes a chunk  28 number of the last lock
 *              8 s                           20 bytes a payload
 *             32 board signal: counts all that a microprocessor may wait for; they sleep on it
 *             36 array signal: counts all that the array core may wait for
 *             40 bytes kept of a device     44-63 zero
 *     64  m microprocessors, 32 bytes each
 *              0 generation: workers started in this place    8 mode: 0 absent, 1 running, 2 down
 *              4 heartbeat                                   12 slot in hand + 1, or 0    16-31 zero
 *      .  s slots, each:
 *              0 state: number u8, holder u8 (microprocessor + 1; of an ended one the outcome), attempt u16
 *              4 number of the request        12 length of the report    20 place of the port in use, from 1
 *              8 wish                         16 length of the payload   24-31 zero
 *             32 order: 8 words, places of ports from 1 in the order of the search, 0 at the end
 *             64 masks: 8 words by place of the port, bit m: microprocessor m may still search it
 *             96 results: 8 words by place of the port, number of the reason, 0: not searched
 *            128 chunks published             132 ring signal: counts chunks published and consumed
 *            136 version of the progress pointer: the copy (version mod 2) is valid    140-143 zero
 *            144 progress, copy 0, 32 bytes:  0 chunks consumed    8 bytes consumed, a double
 *                                             4 segment           16 position at the device, a double
 *                                                                 24 length of what is kept, 28 zero
 *            176 progress, copy 1
 *            208 feed: attempt of the holder that wants chunks, + 1    216 from which position, a double
 *            212, 224-255 zero
 *            256 c chunk headers, 32 bytes each:
 *                   0 sequence number    8 kind        16 position in the image, a double
 *                   4 length            12 segment     24 position at the device behind it, a double
 *              . report, 1,024 bytes: why a transfer ended, or what the device said in the search
 *              . kept, copy 0 and copy 1: what a holder leaves for the next one, beside the progress of the same copy
 *              . payload: what is to be copied, as the copy manager has put it
 *              . c chunks: the backup data area, a ring; chunk n is in place n mod c
 */
import { assert } from '../base/assert.js';
import { MICROPROCESSORS_MAX } from './microprocessors.js';
import { PORT_IDS } from './port-id.js';

export const SHARED_MEMORY_VERSION = 2;
export const REPORT_BYTES = 1_024;
const WORD_BYTES = 4;
const HEADER_BYTES = 64;
const MICROPROCESSOR_BYTES = 32;
const SLOT_HEAD_BYTES = 256;
const CHUNK_HEAD_BYTES = 32;

/** Words of the header. */
export const HEADER = {
  version: 0,
  microprocessors: 1,
  slots: 2,
  chunks: 3,
  chunkBytes: 4,
  payloadBytes: 5,
  lock: 6,
  lockNumber: 7,
  boardSignal: 8,
  arraySignal: 9,
  keptBytes: 10,
} as const;

const MICROPROCESSOR_FIELDS = { generation: 0, heartbeat: 1, mode: 2, slotInHand: 3 } as const;
export type MicroprocessorField = keyof typeof MICROPROCESSOR_FIELDS;

const SLOT_FIELDS = {
  state: 0,
  number: 1,
  wish: 2,
  reportBytes: 3,
  payloadBytes: 4,
  port: 5,
  published: 32,
  ringSignal: 33,
  progressVersion: 34,
  feed: 52,
} as const;
export type SlotField = keyof typeof SLOT_FIELDS;

/** First words of the arrays in a slot. */
const SLOT_ARRAYS = { order: 8, masks: 16, results: 24 } as const;
export type SlotArray = keyof typeof SLOT_ARRAYS;
const PROGRESS_WORD = 36;
const PROGRESS_WORDS = 8;
const FEED_FROM_WORD = 54;

const CHUNK_FIELDS = { sequence: 0, length: 1, kind: 2, segment: 3 } as const;
export type ChunkField = keyof typeof CHUNK_FIELDS;
const CHUNK_DOUBLES = { position: 4, devicePosition: 6 } as const;
export type ChunkDouble = keyof typeof CHUNK_DOUBLES;

export interface MemoryShape {
  readonly microprocessors: number;
  /** Requests at one time. */
  readonly slots: number;
  /** Chunks of the backup data area of one request. */
  readonly chunks: number;
  readonly chunkBytes: number;
  readonly payloadBytes: number;
  /** Of each of the two copies. */
  readonly keptBytes: number;
}

/** Only pages that are used are taken from the machine. */
const SHAPE: MemoryShape = {
  microprocessors: 4,
  slots: 16,
  chunks: 8,
  // 256 KiB of data, and the head of an operation.
  chunkBytes: 260 * 1024,
  payloadBytes: 512 * 1024,
  // Two pointers into a backup over as many cartridges as a library has.
  keptBytes: 192 * 1024,
};

export function allocateSharedMemory(shape: Partial<MemoryShape> = {}): SharedMemory {
  const whole = { ...SHAPE, ...shape };
  assert(whole.microprocessors <= MICROPROCESSORS_MAX, 'a microprocessor has a bit in a table');
  assert(
    [whole.chunkBytes, whole.payloadBytes, whole.keptBytes].every((size) => size % 8 === 0),
    'areas are aligned',
  );
  const size = slotStart(whole, whole.slots);
  const words = new Int32Array(new SharedArrayBuffer(size));
  words[HEADER.version] = SHARED_MEMORY_VERSION;
  words[HEADER.microprocessors] = whole.microprocessors;
  words[HEADER.slots] = whole.slots;
  words[HEADER.chunks] = whole.chunks;
  words[HEADER.chunkBytes] = whole.chunkBytes;
  words[HEADER.payloadBytes] = whole.payloadBytes;
  words[HEADER.keptBytes] = whole.keptBytes;
  return new SharedMemory(words.buffer as SharedArrayBuffer);
}

/** Where everything is. A thread makes one of its own over the buffer it was given. */
export class SharedMemory {
  readonly words: Int32Array;
  readonly shape: MemoryShape;
  private readonly doubles: Float64Array;

  constructor(readonly buffer: SharedArrayBuffer) {
    this.words = new Int32Array(buffer);
    this.doubles = new Float64Array(buffer);
    const header = (word: number) => this.words[word] as number;
    assert(header(HEADER.version) === SHARED_MEMORY_VERSION, 'both sides know the same layout');
    this.shape = {
      microprocessors: header(HEADER.microprocessors),
      slots: header(HEADER.slots),
      chunks: header(HEADER.chunks),
      chunkBytes: header(HEADER.chunkBytes),
      payloadBytes: header(HEADER.payloadBytes),
      keptBytes: header(HEADER.keptBytes),
    };
  }

  /** Index of a word of a microprocessor. */
  microprocessorWord(index: number, field: MicroprocessorField): number {
    const start = HEADER_BYTES + index * MICROPROCESSOR_BYTES;
    return start / WORD_BYTES + MICROPROCESSOR_FIELDS[field];
  }

  slotWord(slot: number, field: SlotField): number {
    return this.slotHead(slot) + SLOT_FIELDS[field];
  }

  /** Index of the first of eight words. */
  slotArray(slot: number, array: SlotArray): number {
    return this.slotHead(slot) + SLOT_ARRAYS[array];
  }

  chunkWord(slot: number, sequence: number, field: ChunkField): number {
    return this.chunkHead(slot, sequence) + CHUNK_FIELDS[field];
  }

  /** Index of the words of a copy of the progress pointer. */
  progressWord(slot: number, version: number): number {
    return this.slotHead(slot) + PROGRESS_WORD + (version & 1) * PROGRESS_WORDS;
  }

  /** Index of the first of two words. */
  feedFromDouble(slot: number): number {
    return this.slotHead(slot) + FEED_FROM_WORD;
  }

  /** A number up to 2^53 at an even word. */
  readDouble(word: number): number {
    return this.doubles[word / 2] as number;
  }

  writeDouble(word: number, value: number): void {
    this.doubles[word / 2] = value;
  }

  /** Index of the first of two words. */
  chunkDouble(slot: number, sequence: number, field: ChunkDouble): number {
    return this.chunkHead(slot, sequence) + CHUNK_DOUBLES[field];
  }

  report(slot: number): Buffer {
    return Buffer.from(this.buffer, this.tailStart(slot), REPORT_BYTES);
  }

  /** What is kept beside the progress of this version. */
  kept(slot: number, version: number): Buffer {
    const { keptBytes } = this.shape;
    const first = this.tailStart(slot) + REPORT_BYTES;
    return Buffer.from(this.buffer, first + (version & 1) * keptBytes, keptBytes);
  }

  payload(slot: number): Buffer {
    const { keptBytes, payloadBytes } = this.shape;
    const first = this.tailStart(slot) + REPORT_BYTES + 2 * keptBytes;
    return Buffer.from(this.buffer, first, payloadBytes);
  }

  /** Content of the chunk with this sequence number. */
  chunk(slot: number, sequence: number): Buffer {
    const { chunks, chunkBytes, payloadBytes, keptBytes } = this.shape;
    const first = this.tailStart(slot) + REPORT_BYTES + 2 * keptBytes + payloadBytes;
    return Buffer.from(this.buffer, first + place(sequence, chunks) * chunkBytes, chunkBytes);
  }

  private slotHead(slot: number): number {
    return slotStart(this.shape, slot) / WORD_BYTES;
  }

  private chunkHead(slot: number, sequence: number): number {
    const start = slotStart(this.shape, slot) + SLOT_HEAD_BYTES;
    return (start + place(sequence, this.shape.chunks) * CHUNK_HEAD_BYTES) / WORD_BYTES;
  }

  private tailStart(slot: number): number {
    const heads = SLOT_HEAD_BYTES + this.shape.chunks * CHUNK_HEAD_BYTES;
    return slotStart(this.shape, slot) + heads;
  }
}

/** Sequence numbers wrap at 2^32 and are negative in a 32-bit word from 2^31 on. */
function place(sequence: number, chunks: number): number {
  return (sequence >>> 0) % chunks;
}

function slotStart(shape: MemoryShape, slot: number): number {
  const { microprocessors, chunks, chunkBytes, payloadBytes, keptBytes } = shape;
  const heads = SLOT_HEAD_BYTES + chunks * CHUNK_HEAD_BYTES;
  const slotBytes = heads + REPORT_BYTES + 2 * keptBytes + payloadBytes + chunks * chunkBytes;
  return HEADER_BYTES + microprocessors * MICROPROCESSOR_BYTES + slot * slotBytes;
}

assert(PORT_IDS.length === 8, 'a table has a word for each port');
