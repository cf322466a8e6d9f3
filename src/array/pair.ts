/**
 * A mirror pair: its two sides, its state, and the instants it copies from ([003] fig. 3). Every change of
 * state is made in memory at once. Its record goes to the pool of the side that is copied from first, with
 * the instant, and when it is durable there to the other: the newer record is right, so after a crash
 * the pair is in the new state or in the old one, and no bit is missing.
 */
import type { CopyPace } from '../pair/difference-bits.js';
import type { PairEvent } from '../pair/pair-events.js';
import { afterEvent, type PairTransition } from '../pair/pair-state.js';
import { type PairState, stateRow } from '../pair/pair-states.js';
import type { PairCommand, PairEffect } from '../pair/pair-table.js';
import { recordKey } from '../store/keys.js';
import { packPair } from '../store/pair-records.js';
import type { PoolContent } from '../volume/pool-content.js';
import type { ArrayContext } from './array-context.js';
import type { Volume } from './copies.js';
import type { PairFields } from './pair-facts.js';
import { changesOf, type PairChange, pairHistory } from './pair-history.js';
import { noteOverwriting } from './pair-info.js';
import { PairInstants } from './pair-instants.js';
import type { PairSide, SideOwner } from './pair-side.js';

/** Between two events that say that copying cannot go on: it may be tried for ever. */
const PROBLEMS_APART_MS = 60_000;

export interface ChangeOptions {
  readonly reason?: string | undefined;
  readonly info?: Uint8Array | undefined;
}

/** What a pair needs of the array besides its context. */
export interface PairHost {
  readonly context: ArrayContext;
  /** State or bits have changed so that there may be something to copy. */
  wake(pair: Pair): void;
  /** Resolves when the secondary has what is accepted now. */
  settle(pair: Pair): Promise<void>;
  removed(pair: Pair): void;
}

export class Pair extends PairInstants implements SideOwner {
  private persisting: Promise<void> = Promise.resolve();
  /** Of the record in each pool: which of them is written first changes with the direction. */
  private readonly versions = new Map<PoolContent, number>();
  private problemToldMs = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly host: PairHost,
    fields: PairFields,
    primary: Volume,
    secondary: Volume,
  ) {
    super(host.context, fields, primary, secondary);
  }

  protected owner(): SideOwner {
    return this;
  }

  // ---- changes of state

  /**
   * `reason` tells why it is suspended, `info` goes with an instant that is taken. Resolves when the change is durable.
   */
  apply(
    { state, effects }: PairTransition,
    cause: PairCommand | PairEvent,
    { reason = '', info }: ChangeOptions = {},
  ): Promise<void> {
    const { fields, name } = this;
    const from = fields.state;
    const before = this.target;
    // An update that was under way is taken back: half a round is a mixture.
    const rollsBack = from === 'duplex' && state === 'suspended' && this.kept !== undefined;
    fields.state = state;
    this.setReason(reason);
    // Whoever works with a split secondary goes on when the primary is lost.
    this.isSecondaryOpen &&= isOpen(state) || ['primary-lost', 'primary-missing'].includes(cause);
    for (const effect of effects) this.bringAbout(effect, before, info);
    if (rollsBack) this.rollBack(this.secondarySide);
    if (state !== 'duplex') this.equalAt = undefined;
    const { copiesTo } = stateRow(state);
    const isFollowing = copiesTo === undefined || state === 'duplex';
    if (!isFollowing && this.instant === undefined && this.missingSide === undefined) {
      this.takeInstant();
    }
    this.tell(name, { cause, from, reason, ...changesOf(effects, before, rollsBack) });
    if (state === 'simplex') return this.dissolve();
    return this.persist(() => noteOverwriting(this, effects));
  }

  /** In /events, and to whoever watches. */
  private tell(name: string, change: Pick<PairChange, 'cause' | 'from' | 'reason'>): void {
    const { mode, state: to, pace, pendingTracks, unequalTracks } = this;
    const line = pairHistory({ ...change, mode, to, pace, pendingTracks, unequalTracks });
    if (line !== undefined) this.context.recordEvent(line.code, name, line.message);
    this.changed();
  }

  /** Nothing is pending, and all of it is durable on the target. */
  equal(): void {
    this.fields.synchronisedMs = this.context.clock.nowMs();
    if (this.state !== 'duplex') {
      const view = this.source?.view;
      const { sourceSide } = this;
      this.event('copied');
      if (this.fields.state === 'duplex' && sourceSide === this.sourceSide) this.equalAt = view;
      return;
    }
    this.equalAt = this.source?.view;
    this.drop('instant');
    this.drop('kept');
    this.target.copied.clearAll();
    this.changed();
    settled(this.persist());
  }

  setPace(pace: CopyPace): Promise<void> {
    this.fields.pace = pace;
    this.tell(this.name, { cause: 'pace', from: this.state, reason: '' });
    return this.persist();
  }

  /** Why copying does not go on at present. */
  setProblem(reason: string): void {
    if (this.fields.reason === reason) return;
    this.setReason(reason);
    this.changed();
    const { clock } = this.context;
    if (clock.monotonicMs() - this.problemToldMs < PROBLEMS_APART_MS) return;
    this.problemToldMs = clock.monotonicMs();
    this.tell(this.name, { cause: 'waits', from: this.state, reason });
  }

  clearProblem(): void {
    if (this.fields.reason === '') return;
    this.setReason('');
    this.changed();
  }

  /** Nobody waits for it: a pool that cannot store the change says so itself, and the other one has it. */
  event(event: PairEvent, reason = ''): void {
    settled(this.apply(afterEvent(this.mode, this.state, event), event, { reason }));
  }

  /**
   * Stores the record as it is now; resolves when it is durable where it has to be first. `onTarget` changes what
   * lies in the target's pool and has to become true together with the record.
   */
  persist(onTarget: () => void = () => {}): Promise<void> {
    const { fields, rolledBack } = this;
    fields.version += 1;
    const { round, version } = fields;
    const isOpenNext = isOpen(this.state) || this.isSecondaryOpen;
    const value = packPair({
      ...fields,
      primary: sideRecord(this.primarySide),
      secondary: sideRecord(this.secondarySide),
      instantNumber: this.instant?.number ?? this.missing.instant,
      keptNumber: (this.kept ?? rolledBack)?.number ?? this.missing.kept,
      isSecondaryOpen: isOpenNext,
    });
    const key = recordKey('pair', this.number);
    const [first, second] = this.recordPlaces();
    first.change(key, value);
    this.versions.set(first, version);
    if (second === first) onTarget();
    // After this turn: what one command changes in several pairs is confirmed as one.
    const durable = Promise.resolve().then(() => first.confirmed());
    const acknowledged = settled(durable).then(() => {
      const isNewer = version > (this.versions.get(second) ?? 0);
      if (second !== first && this.state !== 'simplex' && isNewer) {
        this.versions.set(second, version);
        second.change(key, value);
        onTarget();
      }
      if (fields.round === round && isOpenNext && isOpen(this.state)) this.isSecondaryOpen = true;
    });
    const { moved } = this;
    this.moved = [];
    this.persisting = this.persisting.then(async () => {
      await acknowledged;
      await second.confirmed().then(
        () => {
          if (!this.sides.some((side) => side.volume.pool.isFailed)) fields.confirmed = version;
          if (this.missingSide === undefined) this.forget(round, moved);
          if (this.rolledBack === rolledBack) this.rolledBack = undefined;
        },
        () => this.moved.push(...moved),
      );
      this.host.wake(this);
    });
    return Promise.all([durable, acknowledged]).then(() => undefined);
  }

  /** Resolves when all records are where they belong. */
  persisted(): Promise<void> {
    return this.persisting;
  }

  changedByHosts(): void {
    if (this.state === 'duplex' && this.instant === undefined) this.host.wake(this);
    this.changed();
  }

  synchronised(): Promise<void> | undefined {
    return this.sync && this.state === 'duplex' ? this.host.settle(this) : undefined;
  }

  // ---- inside

  /** Where the record goes, first and then: both times to the pool that is there where the other one is missing. */
  private recordPlaces(): readonly [PoolContent, PoolContent] {
    const { missingSide } = this;
    const first = this.sourceSide === missingSide ? this.target : this.sourceSide;
    const second = this.target === missingSide ? this.sourceSide : this.target;
    return [first.volume.pool.content, second.volume.pool.content];
  }

  private setReason(reason: string): void {
    this.fields.reason = reason;
    this.fields.reasonMs = reason === '' ? 0 : this.context.clock.nowMs();
  }

  private bringAbout(effect: PairEffect, before: PairSide, info: Uint8Array | undefined): void {
    switch (effect) {
      case 'all-pending':
        this.target.pending.setAll();
        return;
      case 'take-instant':
        this.takeInstant(info);
        this.fields.splitMs = this.context.clock.nowMs();
        return;
      case 'changes-pending':
        this.mergeChanges(this.sides);
        this.drop('instant');
        return;
      case 'keep-secondary':
        this.keep(this.secondarySide);
        return;
      case 'keep-primary':
        this.keep(this.primarySide);
        return;
      case 'roll-back-secondary':
        this.rollBack(this.secondarySide);
        return;
      case 'roll-back-primary':
        this.rollBack(this.primarySide);
        return;
      case 'fail-secondary':
        this.fail(this.secondarySide);
        return;
      case 'fail-primary':
        this.fail(this.primarySide);
        return;
      case 'fail-secondary-if-pending':
      case 'fail-primary-if-pending':
        if (before.pending.count > 0) this.fail(before);
        return;
      case 'drop-hidden':
        this.drop('instant');
        this.drop('kept');
        return;
    }
  }

  private fail({ volume }: PairSide): void {
    volume.condition.fail(`holds half a copy: pair ${this.name} was ended before it was whole`);
  }

  private async dissolve(): Promise<void> {
    const contents = new Set(this.sides.map(({ volume }) => volume.pool.content));
    this.drop('instant');
    this.drop('kept');
    for (const side of this.sides) {
      side.clearAll();
      const { roles } = side.volume;
      roles.splice(roles.indexOf(side), 1);
    }
    for (const content of contents) content.change(recordKey('pair', this.number), undefined);
    this.host.removed(this);
    await this.persisting;
    await this.context.durable();
  }
}

function isOpen(state: PairState): boolean {
  return stateRow(state).secondaryWritable === true;
}

function sideRecord({ volume }: PairSide): { poolUuid: Uint8Array; volumeNumber: number } {
  return { poolUuid: volume.pool.identity.poolUuid, volumeNumber: volume.number };
}

/** A pool that fails says so itself; what the other pool has to do goes on. */
function settled(promise: Promise<void>): Promise<void> {
  return promise.catch(() => undefined);
}
