/**
 * Which tracks of the two sides of a pair differ, or may: three bitmaps by track (64 KiB).
 *
 *   pending            not yet copied as of the instant, or the update
 *   primaryChanged     written on the primary since then
 *   secondaryChanged   written on the secondary since then
 *
 * A bit may be set where tracks are equal, never clear where they are not. Copying clears pending
 * alone; a resync copies the union of all three. The copy pointer of [003] is the lowest pending
 * track, so it never needs storing.
 */
import { TRACK_BYTES } from '../base/sizes.js';
import { countInAny, TrackBits, type TrackRun } from './track-bits.js';

/** Tracks copied in one turn ([003], pace). */
export const PACE_TRACKS = { slow: 1, medium: 3, fast: 15 } as const;
export type CopyPace = keyof typeof PACE_TRACKS;

export class DifferenceBits {
  readonly pending: TrackBits;
  readonly primaryChanged: TrackBits;
  readonly secondaryChanged: TrackBits;

  /** For two volumes of this size; none of their tracks differ. */
  constructor(volumeBytes: number) {
    const trackCount = Math.ceil(volumeBytes / TRACK_BYTES);
    this.pending = new TrackBits(trackCount);
    this.primaryChanged = new TrackBits(trackCount);
    this.secondaryChanged = new TrackBits(trackCount);
  }

  /** The lowest pending track; undefined where nothing is to be copied. */
  get copyPointer(): number | undefined {
    return this.pending.first();
  }

  /** Tracks in which the two sides differ, or may. */
  get unequalCount(): number {
    return countInAny([this.pending, this.primaryChanged, this.secondaryChanged]);
  }

  /** What one turn copies: the first pending tracks in a row, as many as the pace allows. */
  nextTurn(pace: CopyPace): TrackRun | undefined {
    return this.pending.firstRun(0, PACE_TRACKS[pace]);
  }

  /** All three bitmaps in one. */
  union(): TrackBits {
    const all = new TrackBits(this.pending.trackCount);
    for (const bits of [this.pending, this.primaryChanged, this.secondaryChanged]) all.add(bits);
    return all;
  }

  /** A first copy: everything is to be copied. */
  makeAllPending(): void {
    this.pending.setAll();
    this.primaryChanged.clearAll();
    this.secondaryChanged.clearAll();
  }

  /** A resync, or the next copy of a pair on demand: all that differs is to be copied. */
  makeChangesPending(): void {
    this.pending.add(this.primaryChanged);
    this.pending.add(this.secondaryChanged);
    this.primaryChanged.clearAll();
    this.secondaryChanged.clearAll();
  }
}

/** The tracks that a range of bytes touches. */
export function tracksOf(offset: number, length: number): TrackRun {
  const track = Math.floor(offset / TRACK_BYTES);
  const end = Math.ceil((offset + length) / TRACK_BYTES);
  return { track, count: length === 0 ? 0 : end - track };
}
