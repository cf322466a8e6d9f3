/** One seeded run of the array against its history: see array-simulation.test.ts. */
import { expect } from 'vitest';
import type { StorageArray } from '../../src/array/array.js';
import { ArrayError } from '../../src/base/errors.js';
import { BLOCK_BYTES } from '../../src/base/sizes.js';
import { checkStore } from '../../src/store/check.js';
import type { BlockContainerKind } from '../../src/store/container-kind.js';
import type { MemoryStore } from '../../src/store/memory-store.js';
import { ManualClock } from '../support/manual-clock.js';
import { newMemoryStore, openMemoryArray } from '../support/memory-array.js';
import { RandomSource } from '../support/random-source.js';
import { arrayContent, readCopy } from './array-content.js';
import { ArrayHistory, type Moment, shownContent } from './array-history.js';
import type { ModelOperation } from './array-model.js';
import { explain, findState } from './crash-oracle.js';
import { isByteOperation, MountedOperations } from './mounted-operations.js';
import { OperationChooser } from './operation-chooser.js';

const LOG_BYTES = [64 * 1024, 256 * 1024, 2 ** 20, 12 * 2 ** 20];

export class ArraySimulation {
  crashes = 0;
  private readonly random: RandomSource;
  private readonly clock: ManualClock;
  private readonly chooser: OperationChooser;
  private readonly history = new ArrayHistory();
  private readonly log: string[] = [];
  private store: MemoryStore;
  private array!: StorageArray;
  private mounted!: MountedOperations;
  /** The pool's disk fails now: commands and syncs may say so. */
  private isFailing = false;
  /** What went wrong behind the back of the steps. */
  private failures: unknown[] = [];
  /** Writes that wait, by volume. */
  private readonly waiting = new Map<string, Promise<unknown>>();
  /** Daemons that ran so far: answers of a killed one count for nothing. */
  private incarnation = 0;

  constructor(seed: number, blocks: BlockContainerKind) {
    this.random = new RandomSource(seed);
    this.chooser = new OperationChooser(this.random);
    this.clock = new ManualClock(new RandomSource(seed + 1));
    this.store = newMemoryStore(this.clock, 2 ** 40, blocks, this.random.pick(LOG_BYTES));
    // Blocks in slots: all that were ever freed are used again, or the file only grows.
    this.store.growthLimit = this.random.chance(0.5) ? 0 : Number.POSITIVE_INFINITY;
  }

  async run(steps: number): Promise<void> {
    await this.openStore();
    for (let step = 0; step < steps; step += 1) {
      await this.step();
      if (this.failures.length > 0) throw this.failures[0];
    }
    await this.settleWrites();
    this.compareAll();
    await this.reopen();
    this.compareAll();
    await this.drive(this.array.close());
  }

  /** The newest steps, for the reader of a failed test. */
  trace(): string {
    return this.log.slice(-60).join('\n');
  }

  private async step(): Promise<void> {
    const dice = this.random.next();
    if (dice < 0.02) await this.crash();
    else if (dice < 0.03) await this.reopen();
    else if (dice < 0.05) await this.failForAWhile();
    else if (dice < 0.055) this.failLog();
    else if (dice < 0.12) await this.pass(this.random.integer(1, 3_000));
    else if (dice < 0.15) await this.publish();
    else if (dice < 0.26) await this.sync();
    else if (dice < 0.33) await this.checkRange();
    else if (dice < 0.35) await this.checkStore();
    else await this.operate(this.chooser.choose(this.shown()));
  }

  // ---- operations

  private async operate(operation: ModelOperation): Promise<void> {
    for (const name of namesIn(operation)) await this.waiting.get(name);
    const done = this.begin(operation);
    if (!isByteOperation(operation) || this.random.chance(0.8)) {
      if (this.random.chance(0.6)) await this.drive(done);
    }
  }

  /** Begins the operation in array and history; resolves when it is answered, or has failed. */
  private begin(operation: ModelOperation): Promise<void> {
    this.note(describe(operation));
    const byCommand = operation.kind === 'resize' && this.random.chance(0.3);
    const answer = byCommand
      ? this.mounted.resizeByCommand(operation.name, operation.size)
      : this.mounted.perform(operation);
    if (!isByteOperation(operation)) {
      this.history.command(operation);
      return this.answered(answer, this.history.now([]), describe(operation));
    }
    this.history.write(operation);
    const { line } = this.history.volume(operation.name);
    const moment = byCommand ? this.history.now([line]) : undefined;
    const done = this.answered(answer, moment, describe(operation));
    this.waiting.set(operation.name, done);
    return done.finally(() => {
      if (this.waiting.get(operation.name) === done) this.waiting.delete(operation.name);
    });
  }

  /** Notes what the answer confirms. Only a failing disk may refuse what was begun. */
  private answered(answer: Promise<unknown>, moment: Moment | undefined, what: string) {
    const { incarnation } = this;
    return answer.then(
      () => {
        if (this.incarnation === incarnation && moment !== undefined) this.history.confirm(moment);
      },
      (error: unknown) => {
        if (this.incarnation !== incarnation) return;
        if (!(error instanceof ArrayError) || !this.isFailing) {
          this.failures.push(new Error(`${what}: ${error}`, { cause: error }));
        }
      },
    );
  }

  /** fsync of one image, through a handle of its volume or of one of its snapshots. */
  private async sync(): Promise<void> {
    const names = [...this.history.catalogue.keys()];
    if (names.length === 0) return;
    const name = this.random.pick(names);
    await this.waiting.get(name);
    const { line, snapshots } = this.history.volume(name);
    const snapshot = this.random.chance(0.8)
      ? undefined
      : this.random.pick([undefined, ...snapshots.keys()]);
    this.note(`sync ${name}${snapshot === undefined ? '' : `@${snapshot}`}`);
    const synced = snapshot === undefined ? line : (snapshots.get(snapshot)?.line ?? line);
    const answer = this.mounted.sync(name, snapshot);
    const done = this.answered(answer, this.history.now([synced]), `sync ${name}`);
    if (this.random.chance(0.6)) await this.drive(done);
  }

  private async publish(): Promise<void> {
    await this.settleWrites();
    this.note('publish');
    const done = this.answered(this.array.sync(), this.history.now('all'), 'publish');
    if (this.random.chance(0.7)) await this.drive(done);
  }

  private async settleWrites(): Promise<void> {
    for (const write of [...this.waiting.values()]) await this.drive(write);
  }

  private async pass(ms: number): Promise<void> {
    this.note(`pass ${ms}`);
    await this.clock.advance(ms);
  }

  // ---- trouble

  private async reopen(): Promise<void> {
    await this.settleWrites();
    this.note('reopen');
    this.mounted.closeAll();
    await this.drive(this.array.close());
    this.history.confirm(this.history.now('all'));
    await this.checkStore();
    await this.kill();
    await this.openStore();
    this.compareAll();
  }

  /** Kills the daemon somewhere in the middle of operations and of background work. */
  private async crash(): Promise<void> {
    this.crashes += 1;
    if (this.random.chance(0.4)) {
      const count = this.random.integer(0, 3);
      this.note(`fail after ${count}`);
      this.isFailing = true;
      this.store.failTransactionAfter(count);
    }
    const operations = this.random.integer(0, 4);
    for (let count = 0; count < operations; count += 1) {
      if (this.random.chance(0.2)) await Promise.race([this.sync(), this.ticks(5)]);
      const operation = this.chooser.choose(this.shown());
      if (namesIn(operation).some((name) => this.waiting.has(name))) continue;
      await Promise.race([this.begin(operation), this.ticks(this.random.integer(0, 60))]);
    }
    await this.ticks(this.random.integer(0, 20));
    this.note('crash');
    await this.kill();
    while (this.random.chance(0.4)) await this.crashWhileOpening();
    await this.openStore();
    this.recover();
  }

  /** A new store as a crash leaves it; nothing of the old daemon goes on. */
  private async kill(): Promise<void> {
    const { random } = this;
    // Killed, or without power: then slots that were not synced are lost, all or some.
    const lost = random.pick([0, 0.5, 1]);
    const { growthLimit } = this.store;
    this.store = this.store.crash(() => random.chance(lost), this.tornWrite());
    this.store.growthLimit = growthLimit;
    this.clock.forgetTimers();
    this.incarnation += 1;
    this.waiting.clear();
    this.isFailing = false;
    await this.checkStore();
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
      const sector = Math.floor(position / 512);
      const known = isNew.get(sector) ?? random.chance(0.7);
      isNew.set(sector, known);
      return known;
    };
  }

  /** Opening, with the replay of the log, ends early: by a crash or by a disk that fails. */
  private async crashWhileOpening(): Promise<void> {
    const { store } = this;
    this.slowLog();
    if (this.random.chance(0.5)) store.failTransactionAfter(this.random.integer(0, 6));
    const opening = openMemoryArray(store, this.clock).catch((error: unknown) => {
      if (!(error instanceof ArrayError)) this.failures.push(error);
    });
    const ticks = this.random.integer(0, 100);
    this.note(`crash while opening, after ${ticks}`);
    await Promise.race([opening, this.ticks(ticks)]);
    await this.kill();
  }

  private async openStore(): Promise<void> {
    this.slowLog();
    this.array = await this.drive(openMemoryArray(this.store, this.clock));
    this.mounted = new MountedOperations(this.array);
  }

  /** Writes of the log take a while: a crash may come in the middle. */
  private slowLog(): void {
    this.store.log.pause = () => this.ticks(this.random.integer(0, 20));
  }

  /** The log's device fails for good, the store works: everything is published instead. */
  private failLog(): void {
    this.note('log fails');
    this.store.log.failure = new ArrayError('EIO', 'injected failure of the log');
  }

  /** Transactions fail for a while; nothing acknowledged may be lost and all heals. */
  private async failForAWhile(): Promise<void> {
    await this.settleWrites();
    const count = this.random.integer(0, 2);
    this.note(`disk full after ${count}`);
    this.isFailing = true;
    this.store.failTransactionAfter(count, new ArrayError('ENOSPC', 'injected full disk'));
    const operations = this.random.integer(1, 4);
    for (let step = 0; step < operations; step += 1) {
      await this.drive(this.begin(this.chooser.choose(this.shown())));
      if (this.random.chance(0.3)) await this.publish();
    }
    await this.checkRange();
    this.store.failTransactionAfter(undefined);
    await this.clock.advance(5_000);
    this.isFailing = false;
    this.note('disk works');
    await this.publish();
  }

  private async ticks(count: number): Promise<void> {
    for (let tick = 0; tick < count; tick += 1) await Promise.resolve();
  }

  // ---- comparing

  /** Finds what the crash has left; it must be allowed. */
  private recover(): void {
    const found = arrayContent(this.array);
    const state = findState(this.history, found);
    if (state === undefined) {
      throw new Error(
        `after a crash the array holds what it may not:\n${explain(this.history, found)}`,
      );
    }
    this.history.startAgain(state, found);
  }

  private compareAll(): void {
    const shown = shownContent(this.history.catalogue);
    const found = arrayContent(this.array);
    expect([...found.keys()].sort()).toEqual([...shown.keys()].sort());
    for (const [name, bytes] of found) {
      expect(Buffer.compare(bytes, shown.get(name) as Uint8Array), name).toBe(0);
    }
  }

  private async checkRange(): Promise<void> {
    await this.settleWrites();
    const shown = [...shownContent(this.history.catalogue)];
    if (shown.length === 0) return;
    const [reference, bytes] = this.random.pick(shown);
    const offset = this.random.integer(0, bytes.length);
    const length = this.random.integer(0, 3 * BLOCK_BYTES);
    const found = readCopy(this.array, reference, offset, length);
    const expected = bytes.subarray(offset, offset + length);
    expect(Buffer.compare(found, expected), `${reference} at ${offset}`).toBe(0);
  }

  /** What a killed or stopped daemon leaves is sound in every count and reference. */
  private async checkStore(): Promise<void> {
    const report = await checkStore(this.store.crash(), { repair: false, onProgress: () => {} });
    expect(report.findings).toEqual([]);
  }

  /** Volumes, their sizes and snapshots, as the chooser wants them. */
  private shown() {
    return new Map(
      [...this.history.catalogue].map(([name, { line, snapshots }]) => {
        const views = [...snapshots].map(([snapshot, { bytes }]): [string, Uint8Array] => {
          return [snapshot, bytes];
        });
        return [name, { bytes: line.bytes, snapshots: new Map(views) }];
      }),
    );
  }

  private note(text: string): void {
    this.log.push(text);
  }

  private drive<T>(work: Promise<T>): Promise<T> {
    return this.clock.drive(work);
  }
}

function namesIn(operation: ModelOperation): readonly string[] {
  return operation.kind === 'snapshot' ? operation.names : [operation.name];
}

function describe(operation: ModelOperation): string {
  return JSON.stringify({ ...operation, data: undefined, ...sizeOf(operation) });
}

function sizeOf(operation: ModelOperation): object {
  return operation.kind === 'write' ? { size: operation.data.length } : {};
}
