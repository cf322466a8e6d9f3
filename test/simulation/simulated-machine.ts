/**
 * The machine the simulated daemon runs on: its store, clock and disk. It is killed at any point, loses
 * power, and its disk fails, wholly or the log's part only.
 */
import { expect } from 'vitest';
import type { StorageArray } from '../../src/array/array.js';
import { ArrayError } from '../../src/base/errors.js';
import { SECTOR_BYTES } from '../../src/base/sizes.js';
import { checkStore } from '../../src/store/check.js';
import type { BlockContainerKind } from '../../src/store/container-kind.js';
import type { MemoryStore } from '../../src/store/memory-store.js';
import { ManualClock } from '../support/manual-clock.js';
import { newMemoryStore, openMemoryArray } from '../support/memory-array.js';
import { RandomSource } from '../support/random-source.js';

const LOG_BYTES = [64 * 1024, 256 * 1024, 2 ** 20, 12 * 2 ** 20];

export class SimulatedMachine {
  /** Daemons that were killed so far: their answers count for nothing. */
  kills = 0;
  /** The pool's disk fails now: commands and syncs may say so. */
  isFailing = false;
  readonly clock: ManualClock;
  private store: MemoryStore;

  constructor(
    private readonly random: RandomSource,
    blocks: BlockContainerKind,
    /** Notes what happens, for the reader of a failed test. */
    private readonly note: (text: string) => void,
  ) {
    this.clock = new ManualClock(new RandomSource(random.seed + 1));
    this.store = newMemoryStore(this.clock, 2 ** 40, blocks, random.pick(LOG_BYTES));
    // Blocks in slots: all that were ever freed are used again, or the file only grows.
    this.store.growthLimit = random.chance(0.5) ? 0 : Number.POSITIVE_INFINITY;
  }

  mount(): Promise<StorageArray> {
    this.slowLog();
    return this.clock.drive(openMemoryArray(this.store, this.clock));
  }

  /** Nothing of the daemon goes on; its store is as a kill or a power cut leaves it. */
  async kill(): Promise<void> {
    const { random } = this;
    // Without power slots that were not synced are lost, all or some.
    const lost = random.pick([0, 0.5, 1]);
    const { growthLimit } = this.store;
    this.store = this.store.crash(() => random.chance(lost), this.tornWrite());
    this.store.growthLimit = growthLimit;
    this.clock.forgetTimers();
    this.kills += 1;
    this.isFailing = false;
    await this.check();
  }

  /** Mounting, with the replay of the log, ends early: by a crash, or by a disk that fails. */
  async killWhileMounting(): Promise<void> {
    this.slowLog();
    if (this.random.chance(0.5)) this.store.failTransactionAfter(this.random.integer(0, 6));
    const opening = openMemoryArray(this.store, this.clock).catch((error: unknown) => {
      if (!(error instanceof ArrayError) || error.code !== 'EIO') throw error;
    });
    const ticks = this.random.integer(0, 100);
    this.note(`killed ${ticks} turns after mounting began`);
    await Promise.race([opening, this.ticks(ticks)]);
    await this.kill();
  }

  /** What a killed or stopped daemon leaves is sound in every count and reference. */
  async check(): Promise<void> {
    const report = await checkStore(this.store.crash(), { repair: false, onProgress: () => {} });
    expect(report.findings).toEqual([]);
  }

  /** After `count` transactions the disk fails. */
  failAfter(count: number, error?: ArrayError): void {
    this.note(`disk fails after ${count}`);
    this.isFailing = true;
    this.store.failTransactionAfter(count, error);
  }

  heal(): void {
    this.note('disk works');
    this.store.failTransactionAfter(undefined);
  }

  /** The log's device fails for good, the store works: everything is published instead. */
  failLog(): void {
    this.note('log fails');
    this.store.log.failure = new ArrayError('EIO', 'injected failure of the log');
  }

  /** Lets time go on until `work` is done: background work pauses by the clock. */
  drive<T>(work: Promise<T>): Promise<T> {
    return this.clock.drive(work);
  }

  async ticks(count: number): Promise<void> {
    for (let tick = 0; tick < count; tick += 1) await Promise.resolve();
  }

  /** Writes of the log take a while: a crash may come in the middle. */
  private slowLog(): void {
    this.store.log.pause = () => this.ticks(this.random.integer(0, 20));
  }

  /** What is left of a write to the log: all up to a byte, or some of its sectors. */
  private tornWrite(): (position: number) => boolean {
    const { random } = this;
    if (random.chance(0.5)) {
      const end = Math.floor(2 ** random.integer(0, 19) * random.next());
      return (position) => position < end;
    }
    const isNew = new Map<number, boolean>();
    return (position) => {
      const sector = Math.floor(position / SECTOR_BYTES);
      const known = isNew.get(sector) ?? random.chance(0.7);
      isNew.set(sector, known);
      return known;
    };
  }
}
