/**
 * A pair that lives by chance: hosts write to both sides, commands come in any order, the daemon is killed
 * in the middle of anything. What each side must show is held in plain bytes beside it.
 *
 * While nothing is killed, both sides are known byte for byte at every moment. After a kill each side has
 * what was synced and perhaps more; then the pair has to become equal by a resync, and that shows whether a
 * difference was forgotten.
 */
import { expect } from 'vitest';
import { ArrayError } from '../../src/base/errors.js';
import { TRACK_BYTES } from '../../src/base/sizes.js';
import { stateRow } from '../../src/pair/pair-states.js';
import { type PairAction, PairsFixture } from '../array/pairs-fixture.js';
import type { RandomSource } from '../support/random-source.js';

const TRACKS = 5;
export const BYTES = TRACKS * TRACK_BYTES;
const GRAIN = 512;

export class PairsModel {
  readonly log: string[] = [];
  /** The primary was given up half copied. */
  private isOver = false;
  protected primary: Buffer = Buffer.alloc(BYTES);
  /** What the secondary shows; undefined while it is being copied to, round by round. */
  protected secondary: Buffer | undefined = Buffer.alloc(BYTES);
  /** The primary after each write since the pair was duplex, for what a round may have brought over. */
  private history: Buffer[] = [];

  protected constructor(
    protected readonly random: RandomSource,
    protected readonly fixture: PairsFixture,
  ) {}

  static async open(random: RandomSource): Promise<PairsModel> {
    return new PairsModel(random, await PairsFixture.open(1, TRACKS));
  }

  protected steps(): (() => Promise<void>)[] {
    return [
      () => this.write('db'),
      () => this.write('db'),
      () => this.write('copy'),
      () => this.discard(),
      () => this.pass(),
      () => this.command(),
      () => this.command(),
      () => this.sync(),
      () => this.kill(),
    ];
  }

  async step(): Promise<void> {
    if (this.isOver) return;
    await this.random.pick(this.steps())();
    await this.compare();
  }

  /** However it stands, the pair can be made equal, and then it is; one being deleted comes to its end. */
  async becomesEqual(): Promise<void> {
    const { fixture } = this;
    if (fixture.array.pairs().length === 0) return;
    const { state } = fixture.pair;
    if (state === 'finishing' || state === 'reverse-finishing') {
      for (let turn = 0; fixture.array.pairs().length > 0; turn += 1) {
        expect(turn).toBeLessThan(1_000);
        await fixture.clock.advance(50);
      }
      return;
    }
    if (fixture.pair.mode === 'on-demand') {
      if (state === 'split-pending') await fixture.until('split');
      if (state === 'reverse-resync') await fixture.until('defined');
      if (fixture.pair.state !== 'defined') await this.give('resync');
      await this.give('copy');
      await fixture.until('split');
    } else {
      if (state === 'reverse-resync') await fixture.until('duplex');
      else if (state !== 'duplex' && state !== 'duplex-pending') await this.give('resync');
      await fixture.until('duplex');
      await fixture.quiet();
    }
    this.log.push('equal');
    expect((await fixture.content('copy')).equals(await fixture.content('db'))).toBe(true);
  }

  protected below(count: number): number {
    return this.random.integer(0, count - 1);
  }

  // ---- what hosts do

  private async write(name: 'db' | 'copy'): Promise<void> {
    const offset = this.below(BYTES / GRAIN) * GRAIN + this.below(2) * 100;
    const length = Math.min(
      BYTES - offset,
      1 + this.below(this.random.pick([300, 20_000, 150_000])),
    );
    const byte = 1 + this.below(255);
    this.log.push(`write ${name} ${offset}+${length} ${byte}`);
    const data = Buffer.alloc(length, byte);
    const done = await this.asHost(name, async (image) => {
      await this.fixture.drive(Promise.resolve(image.write(offset, data)));
    });
    if (done) this.written(name, (content) => content.fill(byte, offset, offset + length));
  }

  private async discard(): Promise<void> {
    const name = this.random.pick(['db', 'copy'] as const);
    const offset = this.below(BYTES / GRAIN) * GRAIN;
    // A long one is done in slices, between which a round may begin.
    const isDuplex = this.fixture.array.pairs().some(({ state }) => state === 'duplex');
    const most = isDuplex ? 32 - ((offset / GRAIN) % 32) : 200;
    const length = Math.min(BYTES - offset, GRAIN * (1 + this.below(most)));
    this.log.push(`discard ${name} ${offset}+${length}`);
    const done = await this.asHost(name, (image) =>
      this.fixture.drive(image.discard(offset, length)),
    );
    if (done) this.written(name, (content) => content.fill(0, offset, offset + length));
  }

  private async asHost(
    name: string,
    action: (image: ReturnType<typeof this.fixture.array.openImage>) => Promise<void>,
  ): Promise<boolean> {
    const { array } = this.fixture;
    try {
      const image = array.openImage(array.volume(name), { write: true });
      try {
        await action(image);
      } finally {
        image.close();
      }
      return true;
    } catch (error) {
      if (!(error instanceof ArrayError) || error.code !== 'EROFS') throw error;
      expect(name).toBe('copy');
      this.log.push('  refused');
      return false;
    }
  }

  private written(name: 'db' | 'copy', change: (content: Buffer) => void): void {
    const content = name === 'db' ? this.primary : this.secondary;
    if (content === undefined) throw new Error('hosts wrote to a secondary that is copied to');
    change(content);
    if (name === 'db') this.history.push(Buffer.from(this.primary));
  }

  private async sync(): Promise<void> {
    const name = this.random.pick(['db', 'copy']);
    this.log.push(`sync ${name}`);
    await this.fixture.sync(name);
  }

  private async pass(): Promise<void> {
    const ms = this.random.pick([1, 5, 50, 500, 3_000]);
    this.log.push(`${ms} ms pass`);
    await this.fixture.clock.advance(ms);
    this.noteState();
  }

  // ---- commands

  private async command(): Promise<void> {
    const commands = 'split split resync reverse suspend copy delete now'.split(' ');
    if (this.fixture.array.pairs().length === 0) await this.create();
    else await this.give(this.random.pick(commands) as PairAction);
  }

  private async create(): Promise<void> {
    const { fixture } = this;
    const mode = this.random.pick(['mirror', 'mirror', 'on-demand'] as const);
    const pace = this.random.pick(['slow', 'fast'] as const);
    this.log.push(`paircreate ${mode} ${pace}`);
    await fixture.create({ mode, pace });
    if (mode === 'mirror') this.secondary = undefined;
    this.history = [Buffer.from(this.primary)];
    this.noteState();
  }

  private async give(command: PairAction): Promise<void> {
    const { fixture } = this;
    const before = fixture.pair.state;
    this.log.push(`${command} in ${before}`);
    // The instant is that of the call: the volumes go on in the turns in which it becomes durable.
    const atCommand = Buffer.from(this.primary);
    const secondary = this.secondary;
    try {
      const [outcome] = await fixture.drive(fixture.give(command));
      if (outcome?.isPerformed) this.performed(command, before, atCommand, secondary);
      if (command === 'reverse' && outcome?.isPerformed) {
        // A suspended secondary is only known by looking.
        if (secondary === undefined) this.primary = await fixture.content('db');
        expect((await fixture.content('copy')).equals(this.primary), 'reversed').toBe(true);
        this.history.push(Buffer.from(this.primary));
      }
    } catch (error) {
      if (!(error instanceof ArrayError)) throw error;
      this.log.push(`  ${error.code}`);
    }
    this.noteState();
  }

  private performed(
    command: string,
    before: string,
    atCommand: Buffer,
    secondary: Buffer | undefined,
  ): void {
    this.log.push('  performed');
    if (command === 'split' || command === 'copy') this.secondary = Buffer.from(atCommand);
    if (command === 'delete' && !['split', 'suspended', 'defined'].includes(before)) {
      if (before === 'reverse-resync') return;
      if (before !== 'split-pending') this.secondary = Buffer.from(atCommand);
    }
    if (command === 'resync' && this.fixture.pair.state !== 'defined') this.secondary = undefined;
    if (command === 'reverse' && secondary !== undefined) this.primary = Buffer.from(secondary);
    if (command === 'suspend' || command === 'now') this.secondary = undefined;
  }

  /** What can no longer be said of the secondary is asked of it. */
  protected noteState(): void {
    const [pair] = this.fixture.array.pairs();
    if (pair === undefined) {
      if (this.fixture.array.volume('copy').failure !== undefined) this.secondary = undefined;
      this.isOver ||= this.fixture.array.volume('db').failure !== undefined;
      return;
    }
    if (stateRow(pair.state).copiesTo === 'primary') return;
    if (pair.state === 'duplex' || pair.state === 'duplex-pending' || pair.state === 'resync') {
      this.secondary = undefined;
    }
  }

  // ---- kills

  private async kill(): Promise<void> {
    const { fixture } = this;
    const isSynced = this.below(2) === 0;
    this.log.push(`kill${isSynced ? ' after sync' : ''}`);
    if (isSynced) await fixture.drive(fixture.array.sync());
    else if (fixture.array.pairs().length > 0 && this.below(2) === 0) {
      // In the middle of a command.
      const command = this.random.pick(['split', 'resync', 'reverse', 'delete'] as const);
      this.log.push(`  in ${command}`);
      const started = fixture.give(command);
      started.catch(() => undefined);
      for (let turn = this.below(40); turn > 0; turn -= 1) await Promise.resolve();
    }
    await fixture.kill();
    if (isSynced) this.noteState();
    else await this.lookAnew();
  }

  /** After a kill each side has what was synced, and perhaps more. */
  protected async lookAnew(): Promise<void> {
    const { fixture } = this;
    this.primary = await fixture.content('db');
    this.secondary = undefined;
    this.forgetLost();
    const [pair] = fixture.array.pairs();
    const { failure, writeRefusal } = fixture.array.volume('copy');
    // Hosts may write to it also while a split pair is suspended.
    if (pair === undefined ? failure === undefined : writeRefusal === undefined) {
      this.secondary = await fixture.content('copy');
    }
    this.noteState();
  }

  /** What the primary has lost, the secondary may not show either. */
  protected forgetLost(): void {
    const left = this.history.findLastIndex((each) => each.equals(this.primary));
    if (left >= 0) this.history.length = left + 1;
    else this.history.push(Buffer.from(this.primary));
  }

  // ---- comparing

  private async compare(): Promise<void> {
    const { fixture } = this;
    this.noteState();
    if (this.isOver) return;
    expect((await fixture.content('db')).equals(this.primary), 'the primary').toBe(true);
    const [pair] = fixture.array.pairs();
    if (this.secondary === undefined) {
      if (pair === undefined || pair.state !== 'duplex') return;
      const shown = await fixture.content('copy');
      const isPrefix = this.history.some((each) => each.equals(shown));
      expect(isPrefix, 'a duplex secondary is the primary of some moment').toBe(true);
      return;
    }
    expect((await fixture.content('copy')).equals(this.secondary), 'the secondary').toBe(true);
  }
}
