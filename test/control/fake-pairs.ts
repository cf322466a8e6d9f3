/**
 * Pairs of the in-memory array: states by the real tables, differences in real bitmaps, no content.
 * Copying is over when a test says so (`finishCopy`), a side is lost when a test says so (`happens`).
 */
import type { VolumeView } from '../../src/array/disk-array.js';
import type {
  CreatePairOptions,
  PairCommands,
  PairOutcome,
  PairView,
  SplitOptions,
} from '../../src/array/pair-contract.js';
import { DifferenceBits } from '../../src/pair/difference-bits.js';
import type { PairEvent } from '../../src/pair/pair-events.js';
import { afterCommand, afterEvent } from '../../src/pair/pair-state.js';
import { type PairState, stateRow } from '../../src/pair/pair-states.js';
import type { PairCommand, PairEffect } from '../../src/pair/pair-table.js';
import { FakeHistory, refuse } from './fake-history.js';
import type { FakeVolume } from './fake-image.js';

type Pace = CreatePairOptions['pace'];

export class FakePair implements PairView {
  readonly primaryPool = 'pool0';
  readonly secondaryPool = 'pool0';
  readonly bits: DifferenceBits;
  readonly mode: PairView['mode'];
  readonly sync: boolean;
  state: PairState = 'simplex';
  pace: Pace;
  reason = '';
  reasonMs: number | undefined;
  bytesPerSecond = 0;
  splitMs: number | undefined;
  synchronisedMs: number | undefined;

  constructor(
    readonly number: number,
    readonly volumes: { readonly primary: FakeVolume; readonly secondary: FakeVolume },
    options: CreatePairOptions,
    readonly createdMs: number,
  ) {
    this.mode = options.mode;
    this.sync = options.sync;
    this.pace = options.pace;
    this.bits = new DifferenceBits(volumes.primary.sizeBytes);
  }

  get name(): string {
    return `${this.primary}:${this.secondary}`;
  }
  get primary(): string {
    return this.volumes.primary.name;
  }
  get secondary(): string {
    return this.volumes.secondary.name;
  }
  get primaryState() {
    return stateRow(this.state).primary;
  }
  get secondaryState() {
    return stateRow(this.state).secondary;
  }
  get trackCount(): number {
    return this.bits.pending.trackCount;
  }
  get copyPointer(): number | undefined {
    return this.bits.copyPointer;
  }
  get pendingTracks(): number {
    return this.bits.pending.count;
  }
  get primaryChangedTracks(): number {
    return this.bits.primaryChanged.count;
  }
  get secondaryChangedTracks(): number {
    return this.bits.secondaryChanged.count;
  }
  get unequalTracks(): number {
    return this.bits.unequalCount;
  }

  go(to: PairState, effects: readonly PairEffect[], nowMs: number): void {
    this.state = to;
    for (const effect of effects) {
      if (effect === 'all-pending') this.bits.makeAllPending();
      if (effect === 'changes-pending') this.bits.makeChangesPending();
      if (effect === 'take-instant') this.splitMs = nowMs;
      if (effect === 'fail-secondary') this.volumes.secondary.state = 'failed';
    }
  }
}

export abstract class FakePairs extends FakeHistory implements PairCommands {
  private readonly pairList: FakePair[] = [];
  private nextPair = 1;

  abstract volumes(): readonly VolumeView[];
  abstract volume(name: string): FakeVolume;
  abstract findVolume(name: string): FakeVolume | undefined;

  pairs(): readonly FakePair[] {
    return this.pairList;
  }

  pair(reference: string): FakePair {
    return this.findPair(reference) ?? refuse('ENOENT', `no pair ${reference}`);
  }

  findPair(reference: string): FakePair | undefined {
    const [first = '', second] = reference.split(':');
    const numberOf = (name: string) => this.findVolume(name)?.number;
    const found = this.pairList.filter(({ volumes: { primary, secondary } }) => {
      if (second === undefined)
        return [primary.number, secondary.number].includes(numberOf(first) ?? 0);
      return primary.number === numberOf(first) && secondary.number === numberOf(second);
    });
    return found.length === 1 ? found[0] : undefined;
  }

  async createPair(
    primaryName: string,
    secondaryName: string,
    options: CreatePairOptions,
  ): Promise<PairOutcome> {
    const primary = this.volume(primaryName);
    const secondary =
      secondaryName === 'auto' ? this.freeVolume(primary) : this.volume(secondaryName);
    const existing = this.findPair(`${primary.name}:${secondary.name}`);
    if (existing !== undefined) return this.perform(existing, 'paircreate');
    if (primary.sizeBytes !== secondary.sizeBytes) refuse('EINVAL', 'the sizes are not equal');
    if (primary === secondary) refuse('EINVAL', 'one volume twice');
    if (this.pairList.some((pair) => pair.volumes.secondary === secondary)) {
      refuse('EBUSY', `${secondary.name} is a secondary already`);
    }
    if (secondary.writerCount > 0 && !options.force) {
      refuse('EBUSY', `${secondary.name} is open for writing`);
    }
    const pair = new FakePair(this.nextPair++, { primary, secondary }, options, this.nowMs());
    this.pairList.push(pair);
    secondary.reserved = true;
    return this.perform(pair, 'paircreate');
  }

  async copyPairs(
    names: readonly string[],
    options: SplitOptions,
  ): Promise<readonly PairOutcome[]> {
    return this.takeInstant(names, 'copy', options);
  }

  async splitPairs(
    names: readonly string[],
    options: SplitOptions,
  ): Promise<readonly PairOutcome[]> {
    return this.takeInstant(names, 'split', options);
  }

  async rotateSplit(primary: string, options: SplitOptions): Promise<PairOutcome> {
    const { name } = this.volume(primary);
    const oldest = this.pairList
      .filter((pair) => pair.primary === name)
      .sort((a, b) => (a.splitMs ?? 0) - (b.splitMs ?? 0))[0];
    if (oldest === undefined) return refuse('ENOENT', `${name} has no secondary`);
    if (oldest.state === 'split') {
      this.perform(oldest, 'resync');
      this.finishCopy(oldest.name);
    }
    const [outcome] = this.takeInstant([oldest.name], 'split', options);
    return outcome ?? refuse('EIO', 'nothing was split');
  }

  async resyncPairs(
    names: readonly string[],
    options: { direction: 'forward' | 'reverse'; pace?: Pace; force: boolean },
  ): Promise<readonly PairOutcome[]> {
    const isForward = options.direction === 'forward';
    const pairs = names.map((name) => this.pair(name));
    for (const { volumes } of pairs) {
      const overwritten = isForward ? volumes.secondary : volumes.primary;
      if (overwritten.writerCount > 0 && !options.force) {
        refuse('EBUSY', `${overwritten.name} is open for writing`);
      }
    }
    return pairs.map((pair) => {
      pair.pace = options.pace ?? pair.pace;
      return this.perform(pair, isForward ? 'resync' : 'resync-reverse');
    });
  }

  async suspendPairs(names: readonly string[]): Promise<readonly PairOutcome[]> {
    return names.map((name) => this.perform(this.pair(name), 'suspend'));
  }

  async deletePairs(
    names: readonly string[],
    { now }: { now: boolean },
  ): Promise<readonly PairOutcome[]> {
    return names.map((name) =>
      this.perform(this.pair(name), now ? 'pairdelete-now' : 'pairdelete'),
    );
  }

  async setPairPace(names: readonly string[], pace: Pace): Promise<readonly PairOutcome[]> {
    return names.map((name) => {
      const pair = this.pair(name);
      pair.pace = pace;
      return { ...this.perform(pair, 'pace'), isPerformed: true };
    });
  }

  async reserveVolumes(names: readonly string[]): Promise<void> {
    for (const volume of names.map((name) => this.volume(name))) volume.reserved = true;
    this.changed();
  }

  async unreserveVolumes(names: readonly string[]): Promise<void> {
    for (const volume of names.map((name) => this.volume(name))) {
      if (this.pairList.some(({ volumes }) => volumes.secondary === volume)) {
        refuse('EBUSY', `${volume.name} is a secondary`);
      }
      volume.reserved = false;
    }
    this.changed();
  }

  /** All that is pending has been copied. */
  finishCopy(name: string): void {
    const pair = this.pair(name);
    pair.bits.pending.clearAll();
    pair.bytesPerSecond = 0;
    pair.synchronisedMs = this.nowMs();
    this.happens(name, 'copied');
  }

  happens(name: string, event: PairEvent, reason = ''): void {
    const pair = this.pair(name);
    const { state, effects } = afterEvent(pair.mode, pair.state, event);
    this.move(pair, state, effects);
    pair.reason = reason;
  }

  /** All or none: every pair is looked up in the table before the first is changed. */
  private takeInstant(
    names: readonly string[],
    command: 'copy' | 'split',
    { pace, info }: SplitOptions,
  ): PairOutcome[] {
    const pairs = names.map((name) => this.pair(name));
    for (const pair of pairs) this.cell(pair, command);
    return pairs.map((pair) => {
      pair.pace = pace ?? pair.pace;
      const outcome = this.perform(pair, command);
      if (outcome.isPerformed && info !== undefined) pair.volumes.secondary.info = info;
      return outcome;
    });
  }

  private perform(pair: FakePair, command: PairCommand): PairOutcome {
    const cell = this.cell(pair, command);
    if (cell.kind === 'accepted') {
      return { pair: pair.name, isPerformed: false, text: cell.reason };
    }
    this.move(pair, cell.to, cell.effects);
    return { pair: pair.name, isPerformed: true, text: `is ${cell.to} now` };
  }

  private cell(pair: FakePair, command: PairCommand) {
    const cell = afterCommand(pair.mode, pair.state, command);
    if (cell.kind === 'rejected') return refuse(cell.code, `${pair.name} ${cell.reason}`);
    return cell;
  }

  private move(pair: FakePair, to: PairState, effects: readonly PairEffect[]): void {
    pair.go(to, effects, this.nowMs());
    if (to === 'simplex') this.pairList.splice(this.pairList.indexOf(pair), 1);
    this.changed();
  }

  private freeVolume(primary: FakeVolume): FakeVolume {
    const free = this.volumes().find(({ name, reserved, sizeBytes }) => {
      const isUsed = this.pairList.some((pair) => pair.primary === name || pair.secondary === name);
      return reserved && sizeBytes === primary.sizeBytes && !isUsed;
    });
    return this.volume(free?.name ?? refuse('ENOENT', `no reserved volume for ${primary.name}`));
  }
}
