/** The ring between the pump and the event loop, both ends on one thread. */
import { beforeEach, describe, expect, it } from 'vitest';
import { allocateRing, RingConsumer, RingProducer } from '../../src/fuse/request-ring.js';
import { repeat } from '../support/factor.js';
import { RandomSource } from '../support/random-source.js';

const SLOTS = 4;
let producer: RingProducer;
let consumer: RingConsumer;

beforeEach(() => {
  const memory = allocateRing(64, SLOTS);
  producer = new RingProducer(memory);
  consumer = new RingConsumer(memory);
});

function put(length: number): number {
  const slot = producer.take();
  if (slot === undefined) throw new Error('the ring is stopped');
  producer.publish(slot, length);
  return slot;
}

describe('the request ring', () => {
  it('brings requests in order, in memory both ends see', () => {
    const slot = producer.take() as number;
    new Uint8Array(producer.memory.slots)[slot * 64 + 3] = 7;
    producer.publish(slot, 40);
    put(41);
    expect([consumer.next()?.length, consumer.next()?.length, consumer.next()]).toEqual([
      40,
      41,
      undefined,
    ]);
    expect(consumer.slotBytes(slot)[3]).toBe(7);
  });

  it('uses the lowest free slot again, and never one that is in use', () => {
    expect([put(1), put(2), put(3)]).toEqual([0, 1, 2]);
    for (let count = 0; count < 3; count += 1) consumer.next();
    consumer.release(1);
    expect([put(4), consumer.freeCount]).toEqual([1, 1]);
    consumer.release(0);
    expect(producer.take()).toBe(0);
  });

  it('keeps order and slots apart over many rounds of releases in any order (seed 7)', () => {
    const random = new RandomSource(7);
    const held: { slot: number; length: number }[] = [];
    let sent = 0;
    let received = 0;
    for (let round = 0; round < repeat(20_000); round += 1) {
      if (consumer.freeCount > 0 && random.chance(0.5)) {
        sent += 1;
        put(sent);
      }
      const item = random.chance(0.5) ? consumer.next() : undefined;
      if (item !== undefined) {
        received += 1;
        expect(item.length).toBe(received);
        expect(held.map(({ slot }) => slot)).not.toContain(item.slot);
        held.push(item);
      }
      if (held.length > 0 && random.chance(0.5)) {
        const [gone] = held.splice(random.integer(0, held.length - 1), 1);
        consumer.release(gone?.slot ?? 0);
      }
    }
    expect(sent).toBeGreaterThan(repeat(1_000));
  });

  it('wakes the event loop for a request, for the end, and not before', async () => {
    const before = consumer.signalCount();
    let awake = false;
    const change = consumer.changed(before)?.then(() => {
      awake = true;
    });
    await Promise.resolve();
    expect(awake).toBe(false);
    put(1);
    await change;
    expect(consumer.changed(before)).toBeUndefined();
    const again = consumer.changed(consumer.signalCount());
    producer.end('over');
    await again;
    expect(consumer.endReason()).toBe('over');
  });

  it('ends as failed where the pump ended without a word', () => {
    expect(consumer.endReason()).toBeUndefined();
    consumer.endBroken();
    expect(consumer.endReason()).toBe('failed');
  });

  it('stops the pump where it would take a slot', () => {
    for (let count = 0; count < SLOTS; count += 1) put(1);
    consumer.stop();
    expect(producer.take()).toBeUndefined();
  });
});
