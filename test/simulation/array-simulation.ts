/** One seeded run of the array against its history: see array-simulation.test.ts. */
import { expect } from 'vitest';
import type { StorageArray } from '../../src/array/array.js';
import { ArrayError } from '../../src/base/errors.js';
import { BLOCK_BYTES } from '../../src/base/sizes.js';
import type { BlockContainerKind } from '../../src/store/container-kind.js';
import { RandomSource } from '../support/random-source.js';
import { arrayContent, readCopy } from './array-content.js';
import { ArrayHistory, type Moment, shownContent } from './array-history.js';
import { describe, type ModelOperation, namesIn } from './array-model.js';
import { explain, findState } from './crash-oracle.js';
import { isByteOperation, MountedOperations } from './mounted-operations.js';
import { OperationChooser } from './operation-chooser.js';
import { SimulatedMachine } from './simulated-machine.js';

export class ArraySimulation {
  private readonly random: RandomSource;
  private readonly machine: SimulatedMachine;
  private readonly chooser: OperationChooser;
  private readonly history = new ArrayHistory();
  private readonly log: string[] = [];
  private array!: StorageArray;
  private mounted!: MountedOperations;
  /** What went wrong behind the back of the steps. */
  private readonly failures: unknown[] = [];
  /** Changes of bytes that are not answered yet, by the volumes they are about. */
  private readonly waiting = new Map<string, Promise<unknown>>();

  constructor(seed: number, blocks: BlockContainerKind) {
    this.random = new RandomSource(seed);
    this.machine = new SimulatedMachine(this.random, blocks, (text) => this.log.push(text));
    this.chooser = new OperationChooser(this.random);
  }

  async run(steps: number): Promise<void> {
    await this.mount();
    for (let step = 0; step < steps; step += 1) {
      await this.step();
      if (this.failures.length > 0) throw this.failures[0];
    }
    await this.settleWrites();
    this.compareAll();
    await this.reopen();
    this.mounted.closeAll();
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
    else if (dice < 0.055) this.machine.failLog();
    else if (dice < 0.12) await this.pass(this.random.integer(1, 3_000));
    else if (dice < 0.15) await this.publish();
    else if (dice < 0.26) await this.sync();
    else if (dice < 0.27) await this.useDeleted();
    else if (dice < 0.33) await this.checkRange();
    else if (dice < 0.35) await this.machine.check();
    else await this.operate(this.chooser.choose(this.shown()));
  }

  // ---- operations

  private async operate(operation: ModelOperation): Promise<void> {
    await this.settleWrites(namesIn(operation));
    const done = this.begin(operation);
    const isLeft = this.random.chance(isByteOperation(operation) ? 0.1 : 0.4);
    // What is copied must not change meanwhile.
    if (!isLeft || operation.kind === 'copy') await this.drive(done);
  }

  /** Begins the operation in array and history; resolves when it is answered, or has failed. */
  private begin(operation: ModelOperation): Promise<void> {
    const what = describe(operation);
    this.log.push(what);
    const byCommand = operation.kind === 'resize' && this.random.chance(0.3);
    const answer = byCommand
      ? this.mounted.resizeByCommand(operation.name, operation.size)
      : this.mounted.perform(operation);
    if (!isByteOperation(operation)) {
      this.history.command(operation);
      return this.answered(answer, this.history.now([]), what);
    }
    this.history.write(operation);
    const { line } = this.history.volume(operation.name);
    const done = this.answered(answer, byCommand ? this.history.now([line]) : undefined, what);
    for (const name of namesIn(operation)) this.wait(name, done);
    return done;
  }

  private wait(name: string, done: Promise<unknown>): void {
    this.waiting.set(name, done);
    void done.then(() => {
      if (this.waiting.get(name) === done) this.waiting.delete(name);
    });
  }

  /** Notes what the answer confirms. Only a failing disk may refuse what was begun. */
  private answered(answer: Promise<unknown>, moment: Moment | undefined, what: string) {
    const { machine } = this;
    const { kills } = machine;
    return answer.then(
      () => {
        if (machine.kills === kills && moment !== undefined) this.history.confirm(moment);
      },
      (error: unknown) => {
        if (machine.kills !== kills) return;
        if (!(error instanceof ArrayError) || !machine.isFailing) {
          this.failures.push(new Error(`${what}: ${error}`, { cause: error }));
        }
      },
    );
  }

  /** fsync of some image. */
  private async sync(name = this.anyName()): Promise<void> {
    if (name === undefined) return;
    await this.settleWrites([name]);
    const done = this.beginSync(name);
    if (this.random.chance(0.6)) await this.drive(done);
  }

  private anyName(): string | undefined {
    return this.random.pick([...this.history.catalogue.keys()]);
  }

  /** Through a handle of the volume or of one of its snapshots. */
  private beginSync(name: string): Promise<void> {
    const { line, snapshots } = this.history.volume(name);
    const snapshot = this.random.chance(0.8)
      ? undefined
      : this.random.pick([undefined, ...snapshots.keys()]);
    const what = `sync ${name}${snapshot === undefined ? '' : `@${snapshot}`}`;
    this.log.push(what);
    const synced = snapshot === undefined ? line : (snapshots.get(snapshot)?.line ?? line);
    const answer = this.mounted.sync(name, snapshot);
    return this.answered(answer, this.history.now([synced]), what);
  }

  private async publish(): Promise<void> {
    await this.settleWrites();
    this.log.push('publish');
    const done = this.answered(this.array.sync(), this.history.now('all'), 'publish');
    if (this.random.chance(0.7)) await this.drive(done);
  }

  /** An image of a deleted volume that is still open. */
  private async useDeleted(): Promise<void> {
    const operation = this.chooser.writing('deleted', 10 * BLOCK_BYTES);
    this.log.push(describe(operation));
    const used = this.mounted.useDeleted(operation.offset, operation.data);
    await this.drive(this.answered(used, undefined, 'use of a deleted volume'));
  }

  private async settleWrites(names: Iterable<string> = [...this.waiting.keys()]): Promise<void> {
    for (const name of names) {
      const write = this.waiting.get(name);
      if (write !== undefined) await this.drive(write);
    }
  }

  private async pass(ms: number): Promise<void> {
    this.log.push(`pass ${ms}`);
    await this.machine.clock.advance(ms);
  }

  // ---- trouble

  private async reopen(): Promise<void> {
    await this.settleWrites();
    this.log.push('reopen');
    this.mounted.closeAll();
    await this.drive(this.array.close());
    this.history.confirm(this.history.now('all'));
    await this.machine.kill();
    await this.mount();
    this.compareAll();
  }

  /** Kills the daemon somewhere in the middle of operations and of background work. */
  private async crash(): Promise<void> {
    const { random, machine } = this;
    if (random.chance(0.5)) await this.logSomething();
    if (random.chance(0.4)) machine.failAfter(random.integer(0, 3));
    const operations = random.integer(0, 4);
    for (let count = 0; count < operations; count += 1) {
      const name = this.anyName();
      if (name !== undefined && !this.waiting.has(name) && random.chance(0.2)) {
        await Promise.race([this.beginSync(name), machine.ticks(5)]);
      }
      const operation = this.chooser.choose(this.shown());
      if (namesIn(operation).some((name) => this.waiting.has(name))) continue;
      if (operation.kind === 'copy' && machine.isFailing) continue;
      await Promise.race([this.begin(operation), machine.ticks(random.integer(0, 60))]);
    }
    await machine.ticks(random.integer(0, 20));
    this.log.push('crash');
    await machine.kill();
    while (random.chance(0.4)) await machine.killWhileMounting();
    await this.mount();
    this.recover();
  }

  /** Operations that no publish comes between, and syncs: the log alone has what they confirm. */
  private async logSomething(): Promise<void> {
    const operations = this.random.integer(1, 6);
    for (let count = 0; count < operations; count += 1) {
      await this.operate(this.chooser.choose(this.shown()));
      if (this.random.chance(0.3)) await this.sync();
    }
    const name = this.anyName();
    if (name !== undefined && this.random.chance(0.5)) {
      for (const operation of this.chooser.branching(this.shown(), name)) {
        await this.operate(operation);
      }
    }
    await this.sync(name);
  }

  /** Transactions fail for a while; nothing acknowledged may be lost and all heals. */
  private async failForAWhile(): Promise<void> {
    const { random, machine } = this;
    await this.settleWrites();
    machine.failAfter(random.integer(0, 2), new ArrayError('ENOSPC', 'injected full disk'));
    const operations = random.integer(1, 4);
    for (let step = 0; step < operations; step += 1) {
      const operation = this.chooser.choose(this.shown());
      if (operation.kind !== 'copy') await this.drive(this.begin(operation));
      if (random.chance(0.3)) await this.publish();
    }
    await this.checkRange();
    machine.heal();
    await machine.clock.advance(5_000);
    machine.isFailing = false;
    await this.publish();
  }

  private async mount(): Promise<void> {
    this.waiting.clear();
    this.array = await this.machine.mount();
    this.mounted = new MountedOperations(this.array);
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

  private drive<T>(work: Promise<T>): Promise<T> {
    return this.machine.drive(work);
  }
}
