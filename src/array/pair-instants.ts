/**
 * The instants of a pair, and what is pending in relation to them. A round begins with an instant of the source;
 * what hosts had changed before it is pending on the target from then on.
 */
import { ArrayError, asArrayError } from '../base/errors.js';
import { blocksCovering, TRACK_BYTES } from '../base/sizes.js';
import type { TrackRun } from '../pair/track-bits.js';
import { copyTracks, type TrackTransfer } from '../pair/track-copy.js';
import type { FaultRange } from '../san/faults.js';
import type { PairRole } from '../store/pair-records.js';
import type { View } from '../volume/view.js';
import type { CopyFollower } from './copied-blocks.js';
import type { Snapshot } from './copies.js';
import { PairFacts } from './pair-facts.js';
import { type PairSide, sourceLost } from './pair-side.js';
import { dropSnapshot, goBackTo, takeHiddenSnapshot } from './snapshot-commands.js';

/** How the names of their hidden snapshots begin. */
export const PAIR_SNAPSHOTS = '.pair-';

/** A fault that a user has set at a volume of the pair, or at its pool. */
export class SideError extends ArrayError {
  constructor(
    readonly role: PairRole,
    error: unknown,
  ) {
    const { code, reason } = asArrayError(error);
    super(code, reason);
  }
}

export abstract class PairInstants extends PairFacts {
  /** Sides whose pending bits are the target's now. */
  protected moved: PairSide[] = [];
  /** Of a duplex pair: the instant of the source that the target was last equal to. */
  protected equalAt: View | undefined;
  /** What a side went back to, until that is durable: the record names it still. */
  protected rolledBack: Snapshot | undefined;
  private readonly followers = new Set<CopyFollower>();
  private published: { readonly instant: Snapshot; readonly done: Promise<void> } | undefined;

  /**
   * A new instant of the source; what has changed there is pending from now on, and the target shows it. `info` goes with
   * it in the place of the volume's own.
   */
  takeInstant(info?: Uint8Array): void {
    this.mergeChanges([this.sourceSide]);
    this.drop('instant');
    this.instant = takeHiddenSnapshot(
      this.context,
      this.sourceSide.volume,
      `${PAIR_SNAPSHOTS}${this.number}-${this.round}`,
      info === undefined ? {} : { info },
    );
    this.context.watcher.contentChanged(this.target.volume);
  }

  /** The side that is copied to can go back to its present state. */
  keep(side: PairSide): void {
    this.drop('kept');
    side.copied.clearAll();
    this.kept = takeHiddenSnapshot(
      this.context,
      side.volume,
      `${PAIR_SNAPSHOTS}${this.number}-${this.round}-kept`,
    );
  }

  drop(which: 'instant' | 'kept'): void {
    const snapshot = this[which];
    this[which] = undefined;
    this.missing[which] = 0;
    if (snapshot !== undefined) dropSnapshot(this.context, snapshot);
  }

  /** Begins a round: what these sides have changed, and what is pending anywhere, is pending on the target. */
  protected mergeChanges(sides: readonly PairSide[]): void {
    const { target } = this;
    for (const side of sides) {
      target.pending.add(side.changed.bits);
      if (side === target || side.pending.count === 0) continue;
      target.pending.add(side.pending.bits);
      this.moved.push(side);
    }
    const others = this.sides.filter((side) => !sides.includes(side));
    const carried = others.map((side) => ({ side, changed: side.changed.bits }));
    this.fields.round += 1;
    // What the other side's hosts have changed goes on being so.
    for (const { side, changed } of carried) side.changed.add(changed);
  }

  /**
   * After a mount: the target's pool did not get the newest record, and with it not what was changed in the rounds since
   * its own. A round that began in the same state only went on: what hosts had written to the target stays.
   */
  catchUp(behind: { readonly round: number; readonly state: string }): void {
    const { target } = this;
    for (const side of this.sides) {
      const stays = side === target && behind.state === this.state;
      for (const bits of side.changedSince(behind.round)) {
        (stays ? side.changed : target.pending).add(bits);
      }
      if (side !== target) target.pending.add(side.pending.bits);
    }
  }

  /** The side goes back to its kept state: what was copied since then differs again. */
  rollBack(side: PairSide): void {
    const { kept } = this;
    this.tellOthers(side);
    side.pending.add(side.copied.bits);
    side.copied.clearAll();
    this.drop('instant');
    if (kept === undefined) return;
    goBackTo(this.context, side.volume, kept);
    this.drop('kept');
    this.rolledBack = kept;
  }

  /** Other pairs of a primary that goes back have a difference wherever it changes. */
  private tellOthers(side: PairSide): void {
    const others = side.volume.roles.filter((role) => role !== side);
    if (others.length === 0) return;
    for (const { bits } of [side.copied, side.changed]) {
      let run = bits.firstRun();
      while (run !== undefined) {
        for (const role of others) role.writing(run.track * TRACK_BYTES, run.count * TRACK_BYTES);
        run = bits.firstRun(run.track + run.count);
      }
    }
  }

  /** What became pending on the other side is durable there. */
  protected forget(round: number, moved: readonly PairSide[]): void {
    for (const side of this.sides) side.forgetChangedBefore(round);
    for (const side of moved) if (side !== this.target) side.pending.clearAll();
  }

  // ---- copying

  /** Until what is returned is called. */
  follow(follower: CopyFollower): () => void {
    this.followers.add(follower);
    return () => this.followers.delete(follower);
  }

  /** Of the pending tracks of the present instant; undefined where there is none. */
  transfer(): TrackTransfer | undefined {
    const { instant, source, target, kept } = this;
    if (instant === undefined || source === undefined) return undefined;
    const isWanted = (track: number) => this.instant === instant && target.pending.bits.has(track);
    return {
      from: source,
      to: { content: target.volume.pool.content, lineage: target.volume.lineage },
      blockCount: blocksCovering(target.volume.sizeBytes),
      equalAt: this.equalAt,
      isWanted,
      writing: (track) => {
        target.volume.condition.noteChange();
        if (kept !== undefined && !target.copied.bits.has(track)) target.copied.set(track, 1);
        for (const role of target.volume.roles) {
          if (role !== target) role.writing(track * TRACK_BYTES, TRACK_BYTES);
        }
      },
      read: (block, data) => {
        for (const follower of this.followers) follower.read(instant, block, data);
      },
      copied: (track) => {
        target.pending.clear(track, 1);
        for (const follower of this.followers) follower.copied();
        this.rate.add(TRACK_BYTES, this.context.clock.monotonicMs());
        this.changed();
      },
    };
  }

  passSource(offset: number, length: number): Promise<void> | undefined {
    return this.passSide(this.sourceSide, 'read', { start: offset, end: offset + length });
  }

  /** What faults do to the copying of these tracks; rejects with a SideError. */
  passFaults({ track, count }: TrackRun): Promise<void> | undefined {
    const { sizeBytes } = this.target.volume;
    const end = Math.min(sizeBytes, (track + count) * TRACK_BYTES);
    const range = { start: track * TRACK_BYTES, end };
    const read = this.passSide(this.sourceSide, 'read', range);
    if (read === undefined) return this.passSide(this.target, 'write', range);
    return read.then(() => this.passSide(this.target, 'write', range));
  }

  private passSide(
    { role, volume }: PairSide,
    operation: 'read' | 'write',
    range: FaultRange,
  ): Promise<void> | undefined {
    const { requestFaults } = this.context.san;
    return requestFaults.passCopy(volume, operation, range)?.catch((error: unknown) => {
      throw new SideError(role, error);
    });
  }

  /** Resolves when all of the instant is published: before that, a crash could take back what was copied. */
  instantPublished(): Promise<void> {
    const { instant } = this;
    if (instant === undefined) return Promise.resolve();
    if (this.published?.instant !== instant) {
      const done = instant.pool.content.durable();
      this.published = { instant, done };
      done.catch(() => {
        this.published = undefined;
      });
    }
    return this.published.done;
  }

  async copyNow(run: TrackRun): Promise<void> {
    let instant: Snapshot | undefined;
    do {
      instant = this.instant;
      await this.instantPublished();
      await this.passFaults(run);
    } while (this.instant !== instant);
    const transfer = this.transfer();
    if (transfer === undefined) {
      if (this.target.pending.bits.firstRun(run.track, run.count) === undefined) return;
      throw sourceLost(this);
    }
    await copyTracks(transfer, run);
  }
}
