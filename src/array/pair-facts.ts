/**
 * What a pair is and how others see it: its fields, its two sides, and what follows from them. pair-instants.ts
 * and pair.ts build on it what happens to a pair.
 */
import { CopyRate } from '../pair/copy-rate.js';
import type { CopyPace } from '../pair/difference-bits.js';
import {
  overlaidSide,
  type PairMode,
  type PairState,
  type SeenState,
  stateRow,
} from '../pair/pair-states.js';
import { countInAny } from '../pair/track-bits.js';
import type { ArrayContext } from './array-context.js';
import type { Snapshot, Volume } from './copies.js';
import type { Instant } from './frozen-overlay.js';
import type { CreatePairOptions, PairView } from './pair-contract.js';
import { PairSide, type SideOwner } from './pair-side.js';

/** The reason of a pair that was suspended by its user. */
export const BY_COMMAND = 'by command';

/** What of a pair is stored, besides its sides. */
export interface PairFields {
  readonly number: number;
  readonly mode: PairMode;
  readonly createdMs: number;
  version: number;
  /** A version that both pools had. */
  confirmed: number;
  state: PairState;
  pace: CopyPace;
  sync: boolean;
  round: number;
  reason: string;
  reasonMs: number;
  splitMs: number;
  synchronisedMs: number;
}

/** Of a pair that is about to be made; its number is taken here. */
export function newPairFields(
  { poolList, clock }: ArrayContext,
  { mode, pace, sync }: Pick<CreatePairOptions, 'mode' | 'pace' | 'sync'>,
): PairFields {
  return {
    number: poolList.takeNumber('nextNumber'),
    mode,
    pace,
    sync,
    createdMs: clock.nowMs(),
    version: 0,
    confirmed: 0,
    state: 'simplex',
    round: 0,
    reason: '',
    reasonMs: 0,
    splitMs: 0,
    synchronisedMs: 0,
  };
}

export abstract class PairFacts implements PairView {
  readonly primarySide: PairSide;
  readonly secondarySide: PairSide;
  readonly rate = new CopyRate();
  /** What is copied from. */
  instant: Snapshot | undefined;
  /** What the side that is copied to can go back to. */
  kept: Snapshot | undefined;
  /** Their numbers where they are in a pool that is missing: the record goes on naming them. */
  readonly missing = { instant: 0, kept: 0 };
  /** Hosts may write to the secondary. */
  isSecondaryOpen = false;

  constructor(
    readonly context: ArrayContext,
    readonly fields: PairFields,
    primary: Volume,
    secondary: Volume,
  ) {
    this.primarySide = new PairSide(this.owner(), 'primary', primary);
    this.secondarySide = new PairSide(this.owner(), 'secondary', secondary);
    primary.roles.push(this.primarySide);
    secondary.roles.push(this.secondarySide);
  }

  /** The whole pair. */
  protected abstract owner(): SideOwner;

  // ---- as others see it

  get number(): number {
    return this.fields.number;
  }
  get name(): string {
    return `${this.primary}:${this.secondary}`;
  }
  get primary(): string {
    return this.primarySide.volume.name;
  }
  get secondary(): string {
    return this.secondarySide.volume.name;
  }
  get primaryPool(): string {
    return this.primarySide.volume.poolName;
  }
  get secondaryPool(): string {
    return this.secondarySide.volume.poolName;
  }
  get mode(): PairMode {
    return this.fields.mode;
  }
  get state(): PairState {
    return this.fields.state;
  }
  get primaryState(): SeenState {
    return stateRow(this.state).primary;
  }
  get secondaryState(): SeenState {
    return stateRow(this.state).secondary;
  }
  get reason(): string {
    const { reason } = this.fields;
    const isPast = !['', BY_COMMAND].includes(reason) && this.primaryState === 'suspended';
    if (!isPast || this.sides.some(({ volume }) => !volume.pool.takesWrites)) return reason;
    return `${reason}; its pools work now`;
  }
  get reasonMs(): number | undefined {
    return this.fields.reasonMs || undefined;
  }
  get pace(): CopyPace {
    return this.fields.pace;
  }
  get sync(): boolean {
    return this.fields.sync;
  }
  get round(): number {
    return this.fields.round;
  }
  get trackCount(): number {
    return this.primarySide.trackCount;
  }
  get copyPointer(): number | undefined {
    return this.target.pending.bits.first();
  }
  get pendingTracks(): number {
    if (this.isPendingUnknown) return this.trackCount;
    return countInAny(this.sides.map(({ pending }) => pending.bits));
  }
  get primaryChangedTracks(): number {
    return this.primarySide.changed.count;
  }
  get secondaryChangedTracks(): number {
    return this.secondarySide.changed.count;
  }
  get unequalTracks(): number {
    if (this.isPendingUnknown) return this.trackCount;
    return countInAny(this.sides.flatMap(({ pending, changed }) => [pending.bits, changed.bits]));
  }
  get bytesPerSecond(): number {
    if (this.instant === undefined || this.pendingTracks === 0) return 0;
    return Math.round(this.rate.bytesPerSecond(this.context.clock.monotonicMs()));
  }
  get createdMs(): number {
    return this.fields.createdMs;
  }
  get splitMs(): number | undefined {
    return this.fields.splitMs || undefined;
  }
  get synchronisedMs(): number | undefined {
    return this.fields.synchronisedMs || undefined;
  }

  // ---- sides

  get sides(): readonly PairSide[] {
    return [this.primarySide, this.secondarySide];
  }
  /** The side that is copied to, or would be by a resync. */
  get target(): PairSide {
    return overlaidSide(this.state) === 'primary' ? this.primarySide : this.secondarySide;
  }
  get sourceSide(): PairSide {
    return this.target === this.primarySide ? this.secondarySide : this.primarySide;
  }
  /** A side whose pool is missing: nothing can be copied. */
  get missingSide(): PairSide | undefined {
    return this.sides.find(({ volume }) => volume.pool.missing !== undefined);
  }
  /** The bits lie in the pool that is missing: each track may be pending. */
  private get isPendingUnknown(): boolean {
    return this.target === this.missingSide && stateRow(this.state).copiesTo !== undefined;
  }
  get source(): Instant | undefined {
    const { instant } = this;
    return instant && { content: instant.pool.content, view: instant.view };
  }

  /** What tables and files show of it has changed. */
  changed(): void {
    this.context.changed();
    this.context.watcher.pairChanged(this.number);
  }
}
