/**
 * The pairs of the array: implements PairCommands. A command looks up in the table what it does to each pair
 * (pair/pair-table.ts), refuses as a whole where one refuses, and else changes all of them in one turn: so
 * they share one instant.
 */
import { ArrayError } from '../base/errors.js';
import { PAIRS_MAX } from '../base/limits.js';
import type { CopyPace } from '../pair/difference-bits.js';
import type { PairEvent } from '../pair/pair-events.js';
import { afterCommand } from '../pair/pair-state.js';
import type { PairCommand } from '../pair/pair-table.js';
import { type ArrayContext, notDurableYet } from './array-context.js';
import type { Volume } from './copies.js';
import { type ChangeOptions, Pair, type PairHost } from './pair.js';
import type {
  CreatePairOptions,
  PairCommands,
  PairOutcome,
  SplitOptions,
} from './pair-contract.js';
import { PairCopier } from './pair-copier.js';
import { BY_COMMAND, newPairFields, type PairFields } from './pair-facts.js';
import {
  checkCanFinish,
  checkDistinctPrimaries,
  checkInOnePair,
  checkNewPair,
  checkOnlyPair,
  oldestCopy,
  reservedFor,
} from './pair-rules.js';
import type { Pool } from './pool.js';
import { reserveVolumes, unreserveVolumes } from './reservation-commands.js';
import { checkInfo, checkNoWriter, checkSnapshotAllowed, distinct, infoAt } from './rules.js';
import { cutPools } from './snapshot-commands.js';

export class Pairs implements PairCommands, PairHost {
  private readonly byNumber = new Map<number, Pair>();
  private readonly copier: PairCopier;

  constructor(readonly context: ArrayContext) {
    this.copier = new PairCopier(context.clock);
  }

  // ---- looking things up

  pairs(): readonly Pair[] {
    return [...this.byNumber.values()];
  }

  pair(reference: string): Pair {
    const pair = this.findPair(reference);
    if (pair !== undefined) return pair;
    const volume = reference.startsWith('#') && this.context.copies.findVolume(reference);
    if (volume) checkInOnePair(volume, this.pairsOf(volume));
    throw new ArrayError('ENOENT', `no pair ${reference}`);
  }

  findPair(reference: string): Pair | undefined {
    const colon = reference.indexOf(':');
    const { copies } = this.context;
    const primary = copies.findVolume(colon < 0 ? reference : reference.slice(0, colon));
    if (primary === undefined) return undefined;
    const own = this.pairsOf(primary);
    if (colon < 0) return own.length === 1 && reference.startsWith('#') ? own[0] : undefined;
    const secondary = copies.findVolume(reference.slice(colon + 1));
    return own.find((pair) => {
      return pair.primarySide.volume === primary && pair.secondarySide.volume === secondary;
    });
  }

  private pairsOf(volume: Volume): readonly Pair[] {
    return this.pairs().filter((pair) => pair.sides.some((side) => side.volume === volume));
  }

  /** Of a record that was read at mount. */
  add(fields: PairFields, primary: Volume, secondary: Volume): Pair {
    const pair = new Pair(this, fields, primary, secondary);
    this.byNumber.set(pair.number, pair);
    return pair;
  }

  // ---- as the pairs' host

  wake(pair: Pair): void {
    this.copier.wake(pair);
  }

  settle(pair: Pair): Promise<void> {
    return this.copier.settle(pair);
  }

  removed(pair: Pair): void {
    this.byNumber.delete(pair.number);
    pair.changed();
  }

  // ---- commands

  async createPair(
    primaryName: string,
    secondaryName: string,
    options: CreatePairOptions,
  ): Promise<PairOutcome> {
    const { copies } = this.context;
    const primary = copies.volume(primaryName);
    const secondary =
      secondaryName === 'auto'
        ? reservedFor(primary, copies.volumes())
        : copies.volume(secondaryName);
    this.context.checkWritable(primary, secondary);
    const old = this.findPair(`${primary.name}:${secondary.name}`);
    if (old !== undefined) {
      this.performing([old], 'paircreate');
      return { pair: old.name, isPerformed: false, text: 'is a pair already' };
    }
    checkNewPair(primary, secondary, options.force);
    if (this.byNumber.size >= PAIRS_MAX) {
      throw new ArrayError('ENOSPC', `the array has ${PAIRS_MAX} pairs, which is the limit`);
    }
    const pair = this.add(newPairFields(this.context, options), primary, secondary);
    secondary.condition.reserve(true);
    const cell = afterCommand(options.mode, 'simplex', 'paircreate');
    if (cell.kind !== 'performed') throw new Error('a pair can be made');
    await pair.apply({ state: cell.to, effects: cell.effects }, 'paircreate');
    await this.context.durable(primary, secondary);
    return { pair: pair.name, isPerformed: true, text: `is ${pair.state} now` };
  }

  copyPairs(names: readonly string[], options: SplitOptions): Promise<readonly PairOutcome[]> {
    return this.split('copy', this.named(names), options);
  }

  splitPairs(names: readonly string[], options: SplitOptions): Promise<readonly PairOutcome[]> {
    return this.split('split', this.named(names), options);
  }

  /** A split pair is resynced and split in one turn: it reads as of now, and copies what differs. */
  async rotateSplit(primaryName: string, options: SplitOptions): Promise<PairOutcome> {
    const primary = this.context.copies.volume(primaryName);
    const oldest = oldestCopy(primary, this.pairs());
    const isOnDemand = oldest.mode === 'on-demand';
    checkInfo(options.info);
    this.checkRules([oldest], isOnDemand ? 'copy' : 'split');
    let resynced: Promise<unknown> | undefined;
    if (oldest.state === 'split') {
      checkNoWriter(oldest.secondarySide.volume, undefined, 'overwritten');
      resynced = this.change([oldest], 'resync', {});
    }
    // Not waited for before: what is under way in between would be copied from another instant.
    const splitting = this.split(isOnDemand ? 'copy' : 'split', [oldest], options);
    const [, [outcome]] = await Promise.all([resynced, splitting]);
    return outcome as PairOutcome;
  }

  async resyncPairs(
    names: readonly string[],
    options: {
      readonly direction: 'forward' | 'reverse';
      readonly pace?: CopyPace;
      readonly force: boolean;
    },
  ): Promise<readonly PairOutcome[]> {
    const pairs = this.named(names);
    const command = options.direction === 'reverse' ? 'resync-reverse' : 'resync';
    const performing = this.performing(pairs, command);
    if (options.direction === 'reverse') checkDistinctPrimaries(performing);
    for (const pair of performing) {
      const lost = pair.sides.find(({ volume }) => volume.pool.isFailed);
      if (lost) throw new ArrayError('EIO', lost.volume.failure ?? 'a side is lost');
      const side = options.direction === 'reverse' ? pair.primarySide : pair.secondarySide;
      checkNoWriter(side.volume, options.force, 'overwritten');
      if (options.direction === 'reverse') checkOnlyPair(pair, this.pairs());
      else checkSnapshotAllowed(pair.primarySide.volume);
    }
    return this.change(pairs, command, options);
  }

  suspendPairs(names: readonly string[]): Promise<readonly PairOutcome[]> {
    return this.change(this.named(names), 'suspend', { reason: BY_COMMAND });
  }

  async deletePairs(
    names: readonly string[],
    { now }: { readonly now: boolean },
  ): Promise<readonly PairOutcome[]> {
    const pairs = this.named(names);
    const command = now ? 'pairdelete-now' : 'pairdelete';
    if (!now) this.performing(pairs, command).forEach(checkCanFinish);
    return this.change(pairs, command, {});
  }

  async setPairPace(names: readonly string[], pace: CopyPace): Promise<readonly PairOutcome[]> {
    const pairs = this.named(names);
    this.context.checkWritable();
    await Promise.all(pairs.map((pair) => pair.setPace(pace)));
    return pairs.map(({ name }) => ({
      pair: name,
      isPerformed: true,
      text: `has pace ${pace} now`,
    }));
  }

  reserveVolumes(names: readonly string[]): Promise<void> {
    return reserveVolumes(this.context, names);
  }

  unreserveVolumes(names: readonly string[]): Promise<void> {
    return unreserveVolumes(this.context, names);
  }

  // ---- what happens without commands

  /** A pool is lost, or its writes fail: pairs that reach into it are suspended, the other side goes on. */
  poolLost(pool: Pool, reason: string): void {
    for (const pair of this.pairs()) {
      const lost = pair.sides.filter(({ volume }) => volume.pool === pool);
      if (lost.length === 0 || pair.state.startsWith('suspended')) continue;
      const role = lost.some((side) => side.role === 'primary') ? 'primary' : 'secondary';
      const event: PairEvent = `${role}-${pool.isUnseen ? 'missing' : 'lost'}`;
      pair.event(event, `pool ${pool.name}: ${reason}`);
    }
  }

  /** It fails; undefined: it works again, and what its pairs tell of their suspension is past. */
  poolChanged(pool: Pool, error: ArrayError | undefined): void {
    if (error !== undefined && pool.isFailed) this.poolLost(pool, error.reason);
    for (const pair of this.pairs()) {
      if (pair.sides.some(({ volume }) => volume.pool === pool)) pair.changed();
    }
  }

  stop(): Promise<void> {
    return this.copier.stop();
  }

  // ---- inside

  private named(names: readonly string[]): readonly Pair[] {
    return distinct(names, 'pair', (name) => this.pair(name));
  }

  /** Those that the command changes; throws where it is rejected for one. */
  private performing(pairs: readonly Pair[], command: PairCommand): Pair[] {
    return pairs.filter(({ mode, state, name }) => {
      const cell = afterCommand(mode, state, command);
      if (cell.kind === 'rejected') throw new ArrayError(cell.code, `${name} ${cell.reason}`);
      return cell.kind === 'performed';
    });
  }

  private checkRules(pairs: readonly Pair[], command: PairCommand): void {
    for (const { sides } of pairs) this.context.checkWritable(...sides.map(({ volume }) => volume));
    for (const { primarySide } of pairs) checkSnapshotAllowed(primarySide.volume);
    if (command !== 'copy') return;
    for (const { secondarySide } of pairs)
      checkNoWriter(secondarySide.volume, undefined, 'overwritten');
  }

  private async split(
    command: 'copy' | 'split',
    pairs: readonly Pair[],
    options: SplitOptions,
  ): Promise<readonly PairOutcome[]> {
    const performing = this.performing(pairs, command);
    checkInfo(options.info, pairs.length);
    this.checkRules(performing, command);
    return this.change(pairs, command, options);
  }

  /** All in one turn, then waits until all of it is durable. */
  private async change(
    pairs: readonly Pair[],
    command: PairCommand,
    options: ChangeOptions & { readonly pace?: CopyPace },
  ): Promise<readonly PairOutcome[]> {
    this.performing(pairs, command);
    this.context.checkWritable();
    cutPools(pairs.flatMap((pair) => pair.sides.map(({ volume }) => volume)));
    const durable: Promise<void>[] = [];
    const outcomes = pairs.map((pair, index): PairOutcome => {
      const { name } = pair;
      const cell = afterCommand(pair.mode, pair.state, command);
      if (cell.kind !== 'performed') {
        const text = cell.kind === 'accepted' ? cell.reason : '';
        return { pair: name, isPerformed: false, text };
      }
      if (options.pace !== undefined) pair.fields.pace = options.pace;
      const own = { ...options, info: infoAt(options.info, index) };
      durable.push(pair.apply({ state: cell.to, effects: cell.effects }, command, own));
      return { pair: name, isPerformed: true, text: `is ${cell.to} now` };
    });
    await Promise.all(durable).catch((error: unknown) => {
      throw notDurableYet(error);
    });
    return outcomes;
  }
}
