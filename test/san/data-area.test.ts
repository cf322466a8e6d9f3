/** The ring of chunks and the progress pointer, both ends on one thread. */
import { beforeEach, describe, expect, it } from 'vitest';
import {
  type Chunk,
  ChunkConsumer,
  ChunkProducer,
  NO_PROGRESS,
  readKept,
  readPosition,
  readProgress,
  resetDataArea,
} from '../../src/san/data-area.js';
import { RequestSlot } from '../../src/san/request-slots.js';
import { allocateSharedMemory } from '../../src/san/shared-memory.js';
import { repeat } from '../support/factor.js';
import { RandomSource } from '../support/random-source.js';

const CHUNKS = 4;
let slot: RequestSlot;
let producer: ChunkProducer;
let consumer: ChunkConsumer;

beforeEach(() => {
  slot = new RequestSlot(allocateSharedMemory({ slots: 1, chunks: CHUNKS, chunkBytes: 64 }), 0);
  producer = new ChunkProducer(slot);
  consumer = new ChunkConsumer(slot);
});

function put(text: string): void {
  const length = producer.nextContent().write(text);
  producer.publish({ kind: 'data', length, segment: 0, position: 0, devicePosition: 0 });
}

function expectChunk(chunk: Chunk | undefined): Chunk {
  if (chunk === undefined) throw new Error('there is no chunk');
  return chunk;
}

describe('the data area', () => {
  it('brings chunks in order, with all that was said of them', () => {
    put('first');
    producer.publish({
      kind: 'zeros',
      length: 2 ** 31 + 5,
      segment: 2,
      position: 2 ** 44,
      devicePosition: 0,
    });
    producer.publish({ kind: 'mark', length: 0, segment: 3, position: 0, devicePosition: 0 });
    const first = expectChunk(consumer.next());
    expect([first.sequence, first.content.toString()]).toEqual([0, 'first']);
    consumer.consumed(first, 1);
    const zeros = expectChunk(consumer.next());
    expect(zeros).toMatchObject({
      kind: 'zeros',
      length: 2 ** 31 + 5,
      segment: 2,
      position: 2 ** 44,
    });
    expect(zeros.content).toHaveLength(0);
    consumer.consumed(zeros, 2);
    expect(expectChunk(consumer.next()).kind).toBe('mark');
  });

  it('gives the same chunk again until it is consumed: by whoever asks', () => {
    put('a');
    put('b');
    expect(expectChunk(consumer.next()).sequence).toBe(0);
    expect(expectChunk(new ChunkConsumer(slot).next()).content.toString()).toBe('a');
    consumer.consumed(expectChunk(consumer.next()), 10);
    expect(expectChunk(new ChunkConsumer(slot).next()).content.toString()).toBe('b');
    expect(readProgress(slot)).toEqual({ chunks: 1, segment: 0, bytes: 1, devicePosition: 10 });
  });

  it('keeps what a holder leaves beside the pointer, until it leaves something else', () => {
    for (const text of ['a', 'b', 'c', 'd']) put(text);
    expect(readKept(slot)).toBe('');
    consumer.consumed(expectChunk(consumer.next()), 1, { kept: 'tape at 1' });
    consumer.consumed(expectChunk(consumer.next()), 2);
    expect([readKept(slot), readProgress(slot).chunks]).toEqual(['tape at 1', 2]);
    consumer.keep('tape at 2, durable');
    expect([readKept(slot), readProgress(slot).chunks]).toEqual(['tape at 2, durable', 2]);
    consumer.consumed(expectChunk(consumer.next()), 3, { kept: 'x', bytes: 77 });
    expect([readKept(slot), readProgress(slot).bytes]).toEqual(['x', 77]);
    expect(() => consumer.keep('y'.repeat(300_000))).toThrow('fits');
  });

  it('is bounded: there is room again when a chunk is consumed', () => {
    for (let count = 0; count < CHUNKS; count += 1) put('x');
    expect(producer.room).toBe(0);
    expect(() => producer.nextContent()).toThrow('room');
    expect(() =>
      producer.publish({ kind: 'end', length: 0, segment: 0, position: 0, devicePosition: 0 }),
    ).toThrow('room');
    consumer.consumed(expectChunk(consumer.next()), 0);
    expect(producer.room).toBe(1);
  });

  it('does not move the pointer past a chunk that was not the next', () => {
    put('a');
    put('b');
    const first = expectChunk(consumer.next());
    consumer.consumed(first, 0);
    expect(() => consumer.consumed(first, 0)).toThrow('in order');
    expect(readProgress(slot).chunks).toBe(1);
  });

  it('says where the next worker of a restore reads on, consumed or not', () => {
    resetDataArea(slot, { ...NO_PROGRESS, chunks: 9, devicePosition: 500 });
    expect(readPosition(slot)).toBe(500);
    for (const devicePosition of [600, 700]) {
      producer.publish({ kind: 'zeros', length: 1, segment: 0, position: 0, devicePosition });
      expect(readPosition(slot)).toBe(devicePosition);
    }
    for (const expected of [600, 700]) {
      const chunk = expectChunk(consumer.next());
      expect(chunk.devicePosition).toBe(expected);
      consumer.consumed(chunk, chunk.devicePosition);
      expect(readPosition(slot)).toBe(700);
    }
  });

  it('keeps the whole pointer where a worker ended in the middle of the next', () => {
    put('a');
    consumer.consumed(expectChunk(consumer.next()), 7);
    const before = readProgress(slot);
    const version = slot.load('progressVersion');
    slot.memory.words[slot.memory.progressWord(0, version + 1)] = 999;
    expect(readProgress(slot)).toEqual(before);
  });

  it('begins where a request was before, with an empty ring', () => {
    const progress = { chunks: 0xffff_fffe, segment: 5, bytes: 2 ** 45, devicePosition: 2 ** 46 };
    put('old');
    resetDataArea(slot, progress);
    expect(consumer.next()).toBeUndefined();
    expect([producer.room, readProgress(slot)]).toEqual([CHUNKS, progress]);
    for (const text of ['a', 'b', 'c']) {
      put(text);
      const chunk = expectChunk(consumer.next());
      expect(chunk.content.toString()).toBe(text);
      consumer.consumed(chunk, 0);
    }
    expect(readProgress(slot)).toMatchObject({ chunks: 1, bytes: 2 ** 45 + 3 });
  });

  it('loses and doubles nothing over many rounds (seed 11)', () => {
    const random = new RandomSource(11);
    resetDataArea(slot, NO_PROGRESS);
    let sent = 0;
    let received = 0;
    for (let round = 0; round < repeat(5_000); round += 1) {
      if (producer.room > 0 && random.chance(0.5)) {
        put(String(sent));
        sent += 1;
      }
      const chunk = random.chance(0.5) ? consumer.next() : undefined;
      if (chunk === undefined) continue;
      expect(chunk.content.toString()).toBe(String(received));
      if (random.chance(0.9)) {
        consumer.consumed(chunk, received);
        received += 1;
      }
    }
    expect(sent - received).toBe(CHUNKS - producer.room);
    expect(received).toBeGreaterThan(repeat(500));
  });
});
