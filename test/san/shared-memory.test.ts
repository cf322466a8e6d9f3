/** The layout of shared memory: places computed here by hand, from the comment, and nothing overlaps. */
import { describe, expect, it } from 'vitest';
import {
  ChunkConsumer,
  ChunkProducer,
  NO_PROGRESS,
  resetDataArea,
  wantedFeed,
  wantFeed,
} from '../../src/san/data-area.js';
import type { BitmapTable } from '../../src/san/discovery.js';
import { PORT_IDS } from '../../src/san/port-id.js';
import { RequestSlot } from '../../src/san/request-slots.js';
import { allocateSharedMemory, SharedMemory } from '../../src/san/shared-memory.js';

const SHAPE = {
  ...{ microprocessors: 3, slots: 2, chunks: 4, chunkBytes: 64, payloadBytes: 32, keptBytes: 16 },
};
/** Header, microprocessors; then of a slot: head, chunk headers, report, kept, payload, chunks. */
const SLOTS_AT = 64 + 3 * 32;
const SLOT_BYTES = 256 + 4 * 32 + 1024 + 2 * 16 + 32 + 4 * 64;

const memory = allocateSharedMemory(SHAPE);
const bytes = Buffer.from(memory.buffer);
const slot = new RequestSlot(memory, 1);
const SLOT_AT = SLOTS_AT + SLOT_BYTES;
const word = (offset: number) => bytes.readInt32LE(offset);

describe('shared memory', () => {
  it('is as large as its parts', () => {
    expect(memory.buffer.byteLength).toBe(SLOTS_AT + 2 * SLOT_BYTES);
  });

  it('says its shape in the header, for whoever gets nothing but the buffer', () => {
    expect([0, 4, 8, 12, 16, 20, 40].map(word)).toEqual([2, 3, 2, 4, 64, 32, 16]);
    expect(new SharedMemory(memory.buffer).shape).toEqual(SHAPE);
  });

  it('is refused where its version is another', () => {
    const other = allocateSharedMemory(SHAPE);
    other.words[0] = 1;
    expect(() => new SharedMemory(other.buffer)).toThrow('layout');
  });

  it('has the fields of a microprocessor where the comment says', () => {
    for (const [place, field] of (
      ['generation', 'heartbeat', 'mode', 'slotInHand'] as const
    ).entries()) {
      expect(memory.microprocessorWord(2, field) * 4).toBe(64 + 2 * 32 + place * 4);
    }
  });

  it('has the fields of a request where the comment says', () => {
    slot.store('number', 77);
    slot.setWish('end');
    slot.report = 'why';
    slot.store('payloadBytes', 5);
    slot.port = 'CL2-A';
    slot.store('published', 9);
    slot.store('ringSignal', 10);
    expect([4, 8, 12, 16, 20].map((offset) => word(SLOT_AT + offset))).toEqual([77, 2, 3, 5, 5]);
    expect([128, 132].map((offset) => word(SLOT_AT + offset))).toEqual([9, 10]);
    expect(bytes.toString('utf8', SLOT_AT + 256 + 128, SLOT_AT + 256 + 128 + 3)).toBe('why');
  });

  it('has the bitmap table where the comment says', () => {
    const masks = Object.fromEntries(PORT_IDS.map((port, index) => [port, 0x10 + index]));
    const table = { order: ['CL2-D', 'CL1-A'], masks } as unknown as BitmapTable;
    slot.writeTable(table);
    slot.setResult('CL1-B', 'no-path');
    const words = (offset: number) =>
      Array.from({ length: 8 }, (_unused, index) => word(SLOT_AT + offset + 4 * index));
    expect(words(32)).toEqual([8, 1, 0, 0, 0, 0, 0, 0]);
    expect(words(64)).toEqual([0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17]);
    expect(words(96)).toEqual([0, 8, 0, 0, 0, 0, 0, 0]);
    expect(slot.table()).toEqual(table);
    slot.excludeMicroprocessor(4);
    expect(words(64)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  it('has chunks and progress where the comment says, in place n mod c', () => {
    resetDataArea(slot, { ...NO_PROGRESS, chunks: 5, bytes: 2 ** 40, segment: 3 });
    const producer = new ChunkProducer(slot);
    producer.nextContent().fill(0xab, 0, 7);
    producer.publish({
      kind: 'data',
      length: 7,
      segment: 4,
      position: 2 ** 50,
      devicePosition: 99,
    });
    const head = SLOT_AT + 256 + 1 * 32;
    expect([0, 4, 8, 12].map((offset) => word(head + offset))).toEqual([5, 7, 0, 4]);
    expect([16, 24].map((offset) => bytes.readDoubleLE(head + offset))).toEqual([2 ** 50, 99]);
    const content = SLOT_AT + 256 + 4 * 32 + 1024 + 2 * 16 + 32 + 1 * 64;
    expect(bytes.subarray(content, content + 8).toString('hex')).toBe(`${'ab'.repeat(7)}00`);
    const consumer = new ChunkConsumer(slot);
    const chunk = consumer.next();
    if (chunk === undefined) throw new Error('there is a chunk');
    consumer.consumed(chunk, 1234, { kept: 'here' });
    const version = word(SLOT_AT + 136);
    const copy = SLOT_AT + 144 + (version % 2) * 32;
    expect([0, 4].map((offset) => word(copy + offset))).toEqual([6, 4]);
    expect([8, 16].map((offset) => bytes.readDoubleLE(copy + offset))).toEqual([2 ** 40 + 7, 1234]);
    const kept = SLOT_AT + 256 + 4 * 32 + 1024 + (version % 2) * 16;
    expect([word(copy + 24), bytes.toString('utf8', kept, kept + 4)]).toEqual([4, 'here']);
  });

  it('has the wanted feed where the comment says', () => {
    expect(wantFeed(slot, 2 ** 45 + 512)).toBe(1);
    expect(word(SLOT_AT + 208)).toBe(1);
    expect(bytes.readDoubleLE(SLOT_AT + 216)).toBe(2 ** 45 + 512);
    expect(wantedFeed(slot)).toEqual({ feed: 1, from: 2 ** 45 + 512 });
    resetDataArea(slot, NO_PROGRESS);
    expect(wantedFeed(slot)).toBeUndefined();
  });

  it('gives no byte to two parts', () => {
    const fresh = allocateSharedMemory(SHAPE);
    const all = Buffer.from(fresh.buffer);
    all.fill(0, 64);
    const parts = [0, 1].flatMap((index) => [
      fresh.report(index),
      fresh.kept(index, 0),
      fresh.kept(index, 1),
      fresh.payload(index),
      ...[0, 1, 2, 3].map((sequence) => fresh.chunk(index, sequence)),
    ]);
    for (const [number, part] of parts.entries()) {
      expect(part.every((byte) => byte === 0)).toBe(true);
      part.fill(number + 1);
    }
    const used = parts.reduce((total, part) => total + part.length, 0);
    expect(all.subarray(64).filter((byte) => byte !== 0)).toHaveLength(used);
    for (const index of [0, 1]) expect(new RequestSlot(fresh, index).status().state).toBe('free');
  });
});
