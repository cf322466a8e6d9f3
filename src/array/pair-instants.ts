/**
 * The instants of a pair, and what is pending in relation to them. A round begins with an instant of the source;
 * what hosts had changed before it is pending on the target from then on.
 */
import { ArrayError } from '../base/errors.js';
import { blocksCovering, TRACK_BYTES } from '../base/sizes.js';
import type { TrackRun } from '../pair/track-bits.js';
import { copyTracks, type TrackTransfer } from '../pair/track-copy.js';
import type { View } from '../volume/view.js';
import type { Snapshot } from './copies.js';
import { PairFacts } from './pair-facts.js';
import type { PairSide } from './pair-side.js';
import { dropSnapshot, takeHiddenSnapshot } from './snapshot-commands.js';

export abstract class PairInstants extends PairFacts {
  /** Sides whose pending bits are the target's now. */
  protected moved: PairSide[] = [];
  /** Of a duplex pair: the instant of the source that the target was last equal to. */
  protected equalAt: View | undefined;
  private published: { readonly instant: Snapshot; readonly done: Promise<void> } | undefined;

  /** A new instant of the source; what has changed there is pending from now on. */
  takeInstant(): void {
    this.mergeChanges([this.sourceSide]);
    this.drop('instant');
    this.instant = takeHiddenSnapshot(
      this.context,
      this.sourceSide.volume,
      `.pair-${this.number}-${this.round}`,
    );
  }

  /** The side that is copied to can go back to its present state. */
  keep(side: PairSide): void {
    this.drop('kept');
    side.copied.clearAll();
    this.kept = takeHiddenSnapshot(
      this.context,
      side.volume,
      `.pair-${this.number}-${this.round}-kept`,
    );
  }

  drop(which: 'instant' | 'kept'): void {
    const snapshot = this[which];
    this[which] = undefined;
    if (snapshot !== undefined) dropSnapshot(this.context, snapshot);
  }

  /** Begins a round: what these sides have changed, and what is pending anywhere, is pending on the target. */
  protected mergeChanges(sides: readonly PairSide[]): void {
    const { target } = this;
    for (const side of sides) {
      target.pending.add(side.changed.bits);
      if (side === target) continue;
      if (side.pending.count === 0) continue;
      target.pending.add(side.pending.bits);
      this.moved.push(side);
    }
    const others = this.sides.filter((side) => !sides.includes(side));
    const carried = others.map((side) => ({ side, changed: side.changed.bits }));
    this.fields.round += 1;
    // What the other side's hosts have changed goes on being so.
    for (const { side, changed } of carried) side.changed.add(changed);
  }

  /** The side goes back to its kept state: what was copied since then differs again. */
  protected rollBack(side: PairSide): void {
    const { kept } = this;
    side.pending.add(side.copied.bits);
    side.copied.clearAll();
    this.drop('instant');
    if (kept === undefined) return;
    const { volume } = side;
    const old = volume.lineage;
    const { content } = volume.pool;
    volume.lineage = content.lineages.begin({ lineage: kept.lineage, epoch: kept.viewEpoch });
    content.lineages.abandon(old);
    volume.touch();
    this.context.watcher.contentChanged(volume);
    this.drop('kept');
  }

  /** What became pending on the other side is durable there. */
  protected forget(round: number, moved: readonly PairSide[]): void {
    for (const side of this.sides) side.forgetChangedBefore(round);
    for (const side of moved) if (side !== this.target) side.pending.clearAll();
  }

  // ---- copying

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
        if (kept !== undefined && !target.copied.bits.has(track)) target.copied.set(track, 1);
        for (const role of target.volume.roles) {
          if (role !== target) role.writing(track * TRACK_BYTES, TRACK_BYTES);
        }
      },
      copied: (track) => {
        target.pending.clear(track, 1);
        this.rate.add(TRACK_BYTES, this.context.clock.monotonicMs());
        this.changed();
      },
    };
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
    await this.instantPublished();
    const transfer = this.transfer();
    if (transfer === undefined) {
      if (this.target.pending.bits.firstRun(run.track, run.count) === undefined) return;
      throw new ArrayError(
        'EIO',
        `pair ${this.name} lost its source before it copied these tracks`,
      );
    }
    await copyTracks(transfer, run);
  }
}
