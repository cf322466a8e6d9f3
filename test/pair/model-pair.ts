/**
 * A pair of two small volumes, one number for the content of a track, moved by the tables as the copy
 * engine has to move a real one. `expected` is what the secondary must show as of its instant.
 */
import { TRACK_BYTES } from '../../src/base/sizes.js';
import { DifferenceBits } from '../../src/pair/difference-bits.js';
import type { PairEvent } from '../../src/pair/pair-events.js';
import { afterCommand, afterEvent } from '../../src/pair/pair-state.js';
import { type PairMode, type PairState, stateRow } from '../../src/pair/pair-states.js';
import type { PairCommand, PairEffect } from '../../src/pair/pair-table.js';
import type { TrackBits } from '../../src/pair/track-bits.js';

type Side = 'primary' | 'secondary';

/** States in which a write to the primary is to be copied as it comes. */
const FOLLOWS: readonly PairState[] = ['duplex-pending', 'duplex', 'resync'];

export class ModelPair {
  state: PairState = 'simplex';
  readonly bits: DifferenceBits;
  readonly content: Record<Side, number[]>;
  readonly failed = new Set<Side>();
  /** The secondary as of the last instant, with the writes of hosts to it. */
  expected: number[] | undefined;
  private instant: number[] | undefined;
  private readonly kept: { [S in Side]?: { content: number[]; overwritten: TrackBits } } = {};

  constructor(
    readonly mode: PairMode,
    readonly trackCount: number,
  ) {
    this.bits = new DifferenceBits(trackCount * TRACK_BYTES);
    const tracks = Array.from({ length: trackCount }, (_, track) => track);
    this.content = { primary: tracks.map((track) => -track), secondary: tracks.map(() => 0) };
  }

  get isOver(): boolean {
    return this.state === 'simplex';
  }

  /** What a host reads. */
  read(side: Side): number[] {
    const { copiesTo } = stateRow(this.state);
    const from = side === 'primary' ? this.content.secondary : this.instant;
    const redirects = copiesTo === side && (side === 'primary' || this.instant !== undefined);
    return this.content[side].map((own, track) =>
      redirects && this.bits.pending.has(track) ? (from?.[track] ?? own) : own,
    );
  }

  command(command: PairCommand): void {
    const outcome = afterCommand(this.mode, this.state, command);
    if (outcome.kind === 'performed') this.move(outcome.to, outcome.effects);
  }

  event(event: PairEvent): void {
    const { state, effects } = afterEvent(this.mode, this.state, event);
    this.move(state, effects);
  }

  /** A host overwrites a track; false where it may not. */
  write(side: Side, track: number, value: number): boolean {
    const row = stateRow(this.state);
    if (side === 'secondary' && row.secondaryWritable !== true) return false;
    this.content[side][track] = value;
    if (side === 'primary' && FOLLOWS.includes(this.state)) {
      this.bits.pending.set(track);
      return true;
    }
    if (row.copiesTo === side) this.bits.pending.clear(track);
    if (side === 'primary') this.bits.primaryChanged.set(track);
    else this.bits.secondaryChanged.set(track);
    if (side === 'secondary' && this.expected) this.expected[track] = value;
    return true;
  }

  /** One turn of the copy engine; the event where nothing is left. */
  copyTurn(): void {
    const { copiesTo } = stateRow(this.state);
    if (copiesTo === undefined) return;
    const turn = this.bits.nextTurn('medium');
    for (let at = 0; turn !== undefined && at < turn.count; at += 1) {
      const track = turn.track + at;
      const source = copiesTo === 'primary' ? this.content.secondary : this.source();
      this.content[copiesTo][track] = source[track] ?? Number.NaN;
    }
    if (turn) {
      this.kept[copiesTo]?.overwritten.set(turn.track, turn.count);
      this.bits.pending.clear(turn.track, turn.count);
    }
    if (turn === undefined && this.state !== 'duplex') this.event('copied');
  }

  private source(): number[] {
    return FOLLOWS.includes(this.state) ? this.content.primary : (this.instant ?? []);
  }

  private move(to: PairState, effects: readonly PairEffect[]): void {
    for (const effect of effects) this.apply(effect);
    this.state = to;
  }

  private apply(effect: PairEffect): void {
    const side: Side = effect.includes('primary') ? 'primary' : 'secondary';
    switch (effect) {
      case 'all-pending':
        this.bits.makeAllPending();
        break;
      case 'take-instant':
        this.instant = [...this.content.primary];
        this.expected = [...this.instant];
        break;
      case 'changes-pending':
        this.bits.makeChangesPending();
        break;
      case 'keep-primary':
      case 'keep-secondary':
        this.kept[side] = { content: [...this.content[side]], overwritten: this.bits.union() };
        break;
      case 'roll-back-primary':
      case 'roll-back-secondary':
        this.rollBack(side);
        break;
      case 'fail-primary-if-pending':
      case 'fail-secondary-if-pending':
        if (this.bits.pending.count > 0) this.failed.add(side);
        break;
      case 'fail-primary':
      case 'fail-secondary':
        this.failed.add(side);
        break;
      case 'drop-hidden':
        this.instant = undefined;
        delete this.kept.primary;
        delete this.kept.secondary;
        break;
    }
  }

  private rollBack(side: Side): void {
    const kept = this.kept[side];
    if (kept === undefined) throw new Error(`nothing is kept of the ${side}`);
    this.content[side] = [...kept.content];
    this.bits.secondaryChanged.add(kept.overwritten);
    delete this.kept[side];
  }
}
