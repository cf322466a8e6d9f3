/** An operation is answered by another thread at any time: also between two looks of the array core at the shared memory. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { SessionErrand } from '../../src/array/session-errand.js';
import type { DeviceOperation } from '../../src/microprocessor/device-operation.js';
import { decodeOperation, encodeAnswer } from '../../src/microprocessor/operation-frame.js';
import { FOUR, OneThread } from '../san/memory-fixture.js';
import { portsOf } from '../support/backup-pool.js';

afterEach(() => {
  vi.restoreAllMocks();
});

const SHAPE = { chunkBytes: 8_192, payloadBytes: 2_048 };

/** A session, and the microprocessor that has claimed it. */
class Bench {
  readonly seen: DeviceOperation[] = [];
  readonly session: SessionErrand;
  private readonly transfer;

  constructor() {
    const thread = new OneThread(SHAPE);
    const host = {
      ...{ board: thread.board, clock: thread.clock, serial: '94ff8594e542', witness: undefined },
      ...{ running: () => FOUR, nameOf: String, isRestarting: false },
      ...{ release: () => {}, wake: () => {}, ended: () => {} },
    };
    const device = { name: 'tape0', definition: { kind: 'tape', path: '/tapes' } } as const;
    const request = { ports: portsOf(), number: 1, medium: 'AFS001', mode: 'write' } as const;
    this.session = new SessionErrand(host, { device, ...request });
    this.session.turn();
    this.transfer = thread.transfer(0);
  }

  /** Does what waits, as a microprocessor does; false where nothing waits. */
  answer(): boolean {
    const { consumer, slot } = this.transfer;
    const chunk = consumer.next();
    if (chunk === undefined) return false;
    this.seen.push(decodeOperation(chunk.content).operation);
    const place = slot.memory.chunk(slot.slot, chunk.sequence + 1);
    encodeAnswer(place, { reply: { kind: 'moved', remaining: this.seen.length } });
    consumer.consumed(chunk, 0);
    return true;
  }
}

/** The answer comes just before the core's look number `at` in one turn; false where a turn has fewer. */
function turnWithAnswer(bench: Bench, at: number): boolean {
  const load = Atomics.load.bind(Atomics);
  let looks = 0;
  const spy = vi.spyOn(Atomics, 'load').mockImplementation(((words: Int32Array, index: number) => {
    looks += 1;
    if (looks === at) {
      spy.mockRestore();
      bench.answer();
    }
    return load(words, index);
  }) as typeof Atomics.load);
  bench.session.turn();
  spy.mockRestore();
  return looks >= at;
}

describe('an operation of a session', () => {
  it('is carried out once and has its own answer, whenever that comes', async () => {
    let isWithin = true;
    for (let at = 1; isWithin; at += 1) {
      const bench = new Bench();
      const first = bench.session.run({ kind: 'rewind' });
      const second = bench.session.run({ kind: 'write-marks', count: 1 });
      bench.session.turn();
      isWithin = turnWithAnswer(bench, at);
      do bench.session.turn();
      while (bench.answer());
      expect([at, bench.seen]).toEqual([
        at,
        [{ kind: 'rewind' }, { kind: 'write-marks', count: 1 }],
      ]);
      expect((await first).reply).toEqual({ kind: 'moved', remaining: 1 });
      expect((await second).reply).toEqual({ kind: 'moved', remaining: 2 });
      if (!isWithin) expect(at).toBeGreaterThan(10);
    }
  });
});
