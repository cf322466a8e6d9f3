/**
 * One side of a pair: its volume, and the bitmaps that lie in that volume's pool ([003] fig. 4).
 *
 *   pending   still to be copied onto this side, from the instant; or, while nothing is copied, differing
 *   copied    written by the copying since this side's kept snapshot
 *   changed   written by hosts on this side since the instant of the present round
 *
 * A new instant begins a round: what was changed before it is pending on the side that is copied to. The
 * changed bits of earlier rounds are kept until that is durable.
 */
import { ArrayError } from '../base/errors.js';
import { TRACK_BYTES } from '../base/sizes.js';
import { tracksOf } from '../pair/difference-bits.js';
import { overlaidSide, type PairState, stateRow } from '../pair/pair-states.js';
import { StoredBits } from '../pair/stored-bits.js';
import type { TrackBits, TrackRun } from '../pair/track-bits.js';
import { parseRecordKey } from '../store/keys.js';
import { changedRoundOf, type PairRole, pairBitsKey } from '../store/pair-records.js';
import type { Volume } from './copies.js';
import { FrozenOverlay, type Instant } from './frozen-overlay.js';
import type { ContentOverlay, VolumeRole } from './volume-role.js';

/** What a side asks its pair. */
export interface SideOwner {
  readonly number: number;
  readonly name: string;
  readonly state: PairState;
  readonly reason: string;
  readonly round: number;
  /** A split is durable: hosts may write to the secondary. */
  readonly isSecondaryOpen: boolean;
  /** Where pending tracks are; undefined where that is lost. */
  readonly source: Instant | undefined;
  /** A host has written where it had not before in this round. */
  changedByHosts(): void;
  /** Copies pending tracks out of turn. */
  copyNow(run: TrackRun): Promise<void>;
  /** What faults do to a read of the instant: undefined for nothing. */
  passSource(offset: number, length: number): Promise<void> | undefined;
  /** Resolves when all of the instant is durable. */
  instantPublished(): Promise<void>;
  /** Resolves when the secondary has all that is accepted now; undefined where fsync does not wait. */
  synchronised(): Promise<void> | undefined;
}

/** What is asked for was not copied, and there is nothing to copy it from. */
export function sourceLost(
  { name, reason }: Pick<SideOwner, 'name' | 'reason'>,
  what = 'a track',
): ArrayError {
  const why = reason === '' ? '' : ` (${reason})`;
  return new ArrayError(
    'EIO',
    `${what} is not copied yet, and the source of pair ${name} is not there${why}`,
  );
}

export class PairSide implements VolumeRole, ContentOverlay {
  readonly pending: StoredBits;
  readonly copied: StoredBits;
  private readonly changedByRound = new Map<number, StoredBits>();

  constructor(
    private readonly pair: SideOwner,
    readonly role: PairRole,
    readonly volume: Volume,
  ) {
    this.pending = this.newBits('pending');
    this.copied = this.newBits('copied');
  }

  get trackCount(): number {
    return Math.ceil(this.volume.sizeBytes / TRACK_BYTES);
  }

  /** Of the present round. */
  get changed(): StoredBits {
    return this.changedIn(this.pair.round);
  }

  changedIn(round: number): StoredBits {
    let bits = this.changedByRound.get(round);
    if (bits === undefined) {
      bits = this.newBits({ changedInRound: round });
      this.changedByRound.set(round, bits);
    }
    return bits;
  }

  /** What was changed in earlier rounds than the present one, from `round` on. */
  changedSince(round: number): TrackBits[] {
    const rounds = [...this.changedByRound].filter(([each]) => each >= round);
    return rounds.filter(([each]) => each < this.pair.round).map(([, { bits }]) => bits);
  }

  forgetChangedBefore(round: number): void {
    for (const [each, bits] of this.changedByRound) {
      if (each >= round) continue;
      bits.clearAll();
      this.changedByRound.delete(each);
    }
  }

  /** A stored chunk of one of its bitmaps; those of the other side, in one pool with it, are passed over. */
  loadBits(key: Uint8Array, value: Uint8Array): void {
    const { first } = parseRecordKey(key);
    const round = changedRoundOf(first, this.role, this.pair.round);
    const candidates = [this.pending, this.copied];
    const bits =
      round === undefined ? candidates.find((each) => each.first === first) : this.changedIn(round);
    bits?.load(key, value);
  }

  clearAll(): void {
    this.pending.clearAll();
    this.copied.clearAll();
    this.forgetChangedBefore(Number.POSITIVE_INFINITY);
  }

  // ---- as a role of its volume

  get pairName(): string {
    return this.pair.name;
  }

  get writeRefusal(): string | undefined {
    if (this.role === 'primary' || this.pair.isSecondaryOpen) return undefined;
    return `is the secondary of pair ${this.pair.name}, which is ${this.pair.state}`;
  }

  get isDuplexed(): boolean {
    const { copiesTo, mode } = stateRow(this.pair.state);
    return this.role === 'primary' && copiesTo === 'secondary' && mode === 'mirror';
  }

  get snapshotRefusal(): string | undefined {
    return this.overlay === undefined ? undefined : 'is still being copied to';
  }

  get overlay(): ContentOverlay | undefined {
    const { state, source } = this.pair;
    if (this.pending.count === 0 || overlaidSide(state) !== this.role) return undefined;
    // Between two updates the secondary is whole: what is pending is newer.
    return state === 'duplex' && source === undefined ? undefined : this;
  }

  writing(offset: number, length: number): void {
    const { track, count } = tracksOf(offset, length);
    const { changed } = this;
    if (count === 0 || (count === 1 && changed.bits.has(track))) return;
    changed.set(track, count);
    this.pair.changedByHosts();
  }

  synchronised(): Promise<void> | undefined {
    // What is read from the instant is as durable as the instant.
    if (this.overlay !== undefined) return this.pair.instantPublished();
    return this.role === 'primary' ? this.pair.synchronised() : undefined;
  }

  // ---- content that is still with the other side

  isPending(offset: number, length: number): boolean {
    const { track, count } = tracksOf(offset, length);
    const first = this.pending.bits.first(track);
    return first !== undefined && first < track + count;
  }

  fetch(offset: number, length: number): Promise<unknown> | undefined {
    const { source } = this.pair;
    const { content, view } = this.own;
    if (!this.isPending(offset, length)) return content.map.fetch(view, offset, length);
    const fetches = [
      content.map.fetch(view, offset, length),
      source?.content.map.fetch(source.view, offset, length),
      this.passPending(offset, length),
    ].filter((fetch) => fetch !== undefined);
    return fetches.length === 0 ? undefined : Promise.all(fetches);
  }

  read(offset: number, target: Uint8Array): void {
    for (let done = 0; done < target.length; ) {
      const position = offset + done;
      const track = Math.floor(position / TRACK_BYTES);
      const size = Math.min((track + 1) * TRACK_BYTES - position, target.length - done);
      const { content, view } = this.pending.bits.has(track) ? this.elsewhere(track) : this.own;
      content.read(view, position, target.subarray(done, done + size));
      done += size;
    }
  }

  fill(offset: number, length: number): Promise<void> {
    return this.pair.copyNow(tracksOf(offset, length));
  }

  freeze(): FrozenOverlay {
    const { pair } = this;
    return new FrozenOverlay(this.pending.bits, pair.source, {
      lost: () => sourceLost(pair),
      passSource: (offset, length) => pair.passSource(offset, length),
    });
  }

  /** From the first pending track of the range on. */
  private passPending(offset: number, length: number): Promise<void> | undefined {
    const first = this.pending.bits.first(tracksOf(offset, length).track);
    const start = Math.max(offset, (first ?? 0) * TRACK_BYTES);
    return this.pair.passSource(start, offset + length - start);
  }

  private get own(): Instant {
    const { pool, view } = this.volume;
    return { content: pool.content, view };
  }

  private elsewhere(track: number): Instant {
    const { source } = this.pair;
    if (source !== undefined) return source;
    throw sourceLost(this.pair, `track ${track}`);
  }

  private newBits(kind: Parameters<typeof pairBitsKey>[2]): StoredBits {
    const { volume } = this;
    const owner = {
      content: volume.pool.content,
      get lineage() {
        return volume.lineage;
      },
    };
    return new StoredBits(owner, pairBitsKey(this.pair.number, this.role, kind), this.trackCount);
  }
}
