/** Microprocessors as real threads, and an array core that fills their data areas. */
import { Worker } from 'node:worker_threads';
import { systemClock } from '../../src/base/clock.js';
import { ChunkProducer } from '../../src/san/data-area.js';
import type { BitmapTable } from '../../src/san/discovery.js';
import type { PortId } from '../../src/san/port-id.js';
import { RequestBoard } from '../../src/san/request-board.js';
import type { RequestSlot } from '../../src/san/request-slots.js';
import { allocateSharedMemory } from '../../src/san/shared-memory.js';
import { builtProgram } from '../support/built-program.js';
import { FOUR, tableOf } from './memory-fixture.js';
import type { Answers, ThreadData } from './programs/microprocessor-thread.js';
import { SimulatedDevice } from './programs/simulated-device.js';

interface Feed {
  readonly slot: RequestSlot;
  readonly request: number;
  readonly count: number;
  next: number;
}

export class ManyThreads {
  readonly memory = allocateSharedMemory({
    ...{ slots: 8, chunks: 4, chunkBytes: 64, payloadBytes: 64, keptBytes: 64 },
  });
  readonly board = new RequestBoard(this.memory, systemClock);
  readonly device = new SimulatedDevice();
  private readonly workers = new Map<number, Worker>();
  private readonly feeds: Feed[] = [];
  /** What has ended a thread: nobody waits for what it would have done. */
  private failure: Error | undefined;

  constructor(private readonly answers: Answers) {}

  /** `indexes`: those that run; by default all four. */
  start(indexes: readonly number[] = FOUR.map(({ index }) => index)): void {
    for (const index of indexes) {
      this.board.started(index);
      const worker = new Worker(builtProgram('san', 'microprocessor-thread'), {
        workerData: {
          memory: this.memory.buffer,
          device: this.device.buffer,
          index,
          answers: this.answers,
        } satisfies ThreadData,
        execArgv: [],
      });
      worker.on('error', (error) => {
        this.failure ??= error;
      });
      this.workers.set(index, worker);
    }
  }

  /** A request with `count` chunks. */
  place(count: number, ports: readonly PortId[]): RequestSlot {
    const request = this.feeds.length;
    const payload = Buffer.alloc(4);
    payload.writeUInt32LE(request);
    const slot = this.board.place({ number: request + 1, table: tableOf(ports), payload });
    if (slot === undefined) throw new Error('all slots are used');
    this.feeds.push({ slot, request, count, next: 0 });
    return slot;
  }

  /** Puts chunks into the areas that have room, and lets the event loop turn, until `isTrue`. */
  async until(isTrue: () => boolean): Promise<void> {
    while (!isTrue()) {
      if (this.failure !== undefined) throw this.failure;
      for (const feed of this.feeds) this.fill(feed);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** As the supervisor does it: the thread is ended in whatever moment, then the memory is told. */
  async kill(index: number): Promise<void> {
    await this.workers.get(index)?.terminate();
    this.workers.delete(index);
    this.board.lost(index);
  }

  /** Another worker in the place of one that was killed, and back into the tables. */
  async restart(index: number, table: BitmapTable): Promise<void> {
    this.start([index]);
    for (const { slot } of this.feeds) {
      await this.until(() => this.hasEnded(slot) || this.board.replaceTable(slot, table));
    }
  }

  hasEnded(slot: RequestSlot): boolean {
    return this.board.outcome(slot) !== undefined;
  }

  get allHaveEnded(): boolean {
    return this.feeds.every(({ slot }) => this.hasEnded(slot));
  }

  async close(): Promise<void> {
    await Promise.all([...this.workers.values()].map((worker) => worker.terminate()));
  }

  private fill(feed: Feed): void {
    const producer = new ChunkProducer(feed.slot);
    while (feed.next <= feed.count && !this.hasEnded(feed.slot) && producer.room > 0) {
      const isEnd = feed.next === feed.count;
      producer.nextContent().writeUInt32LE(feed.next);
      const kind = isEnd ? 'end' : 'data';
      producer.publish({
        kind,
        length: isEnd ? 0 : 4,
        segment: 0,
        position: feed.next,
        devicePosition: 0,
      });
      feed.next += 1;
    }
  }
}
