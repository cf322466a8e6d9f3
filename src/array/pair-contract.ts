/**
 * Mirror pairs as users of the array see them: part of the contract in disk-array.ts. Volumes are
 * named by name or `#NUMBER`, pairs as `PRIMARY:SECONDARY`. As everywhere, a command changes memory at once
 * and its promise resolves when the change is durable; a refused command has changed nothing.
 */
import type { CopyPace } from '../pair/difference-bits.js';
import type { PairMode, PairState, SeenState } from '../pair/pair-states.js';

export interface PairView {
  readonly number: number;
  /** `PRIMARY:SECONDARY`, of the present names. */
  readonly name: string;
  readonly primary: string;
  readonly secondary: string;
  readonly primaryPool: string;
  readonly secondaryPool: string;
  readonly mode: PairMode;
  /** The state that the tables know (pair/pair-states.ts), and how each side is seen. */
  readonly state: PairState;
  readonly primaryState: SeenState;
  readonly secondaryState: SeenState;
  /** Why it is suspended, or its copying does not go on; empty otherwise. A pool that works again is told of. */
  readonly reason: string;
  /** When the reason came up. */
  readonly reasonMs: number | undefined;
  readonly pace: CopyPace;
  /** fsync of the primary waits for the secondary. */
  readonly sync: boolean;
  readonly trackCount: number;
  /** The lowest track still to be copied; undefined where none is. */
  readonly copyPointer: number | undefined;
  readonly pendingTracks: number;
  readonly primaryChangedTracks: number;
  readonly secondaryChangedTracks: number;
  /** Tracks in which the sides differ, or may: in any of the three. */
  readonly unequalTracks: number;
  /** Of the copying under way, over the last seconds; 0 where none is. */
  readonly bytesPerSecond: number;
  readonly createdMs: number;
  /** Of the last split or copy; undefined where there was none. */
  readonly splitMs: number | undefined;
  /** When nothing was left to copy the last time. */
  readonly synchronisedMs: number | undefined;
}

/** What a command did to one pair. */
export interface PairOutcome {
  readonly pair: string;
  /** False: it made no sense in the state and did nothing. */
  readonly isPerformed: boolean;
  /** Reads on after the name of the pair: `is split-pending now`, `is split already`. */
  readonly text: string;
}

export interface CreatePairOptions {
  readonly mode: PairMode;
  readonly pace: CopyPace;
  readonly sync: boolean;
  /** The secondary may be open for writing. */
  readonly force: boolean;
}

export interface SplitOptions {
  readonly pace?: CopyPace;
  /** Stored with each secondary if and only if the split is done: one sector for all, or one for each pair behind the other. */
  readonly info?: Uint8Array;
}

export interface PairCommands {
  /** By number. */
  pairs(): readonly PairView[];
  /** `PRIMARY:SECONDARY` or `#NUMBER` of a volume that is in one pair alone; ENOENT where there is none, EINVAL for a volume in several. */
  pair(reference: string): PairView;
  findPair(name: string): PairView | undefined;

  /**
   * `secondary` may be `auto`: a reserved volume of the same size that is in no pair. EINVAL for unequal sizes or one
   * volume twice, EBUSY where the secondary is in a pair already, or is open for writing.
   */
  createPair(primary: string, secondary: string, options: CreatePairOptions): Promise<PairOutcome>;
  /** One copy of pairs on demand, one instant for all. */
  copyPairs(pairs: readonly string[], options: SplitOptions): Promise<readonly PairOutcome[]>;
  /** One instant for all; all or none are split. */
  splitPairs(pairs: readonly string[], options: SplitOptions): Promise<readonly PairOutcome[]>;
  /**
   * Splits the pair of `primary` whose secondary is the oldest copy: a split secondary is resynced first, in the
   * same turn. So the secondaries are a history of the primary.
   */
  rotateSplit(primary: string, options: SplitOptions): Promise<PairOutcome>;
  /** EBUSY while the volume to be overwritten is open for writing, unless forced. */
  resyncPairs(
    pairs: readonly string[],
    options: {
      readonly direction: 'forward' | 'reverse';
      readonly pace?: CopyPace;
      readonly force: boolean;
    },
  ): Promise<readonly PairOutcome[]>;
  suspendPairs(pairs: readonly string[]): Promise<readonly PairOutcome[]>;
  /** `now`: what is half copied is marked failed instead of being finished. */
  deletePairs(
    pairs: readonly string[],
    options: { readonly now: boolean },
  ): Promise<readonly PairOutcome[]>;
  setPairPace(pairs: readonly string[], pace: CopyPace): Promise<readonly PairOutcome[]>;
  /** Reserved volumes cannot be written by hosts and may become secondaries by `auto`. */
  reserveVolumes(volumes: readonly string[]): Promise<void>;
  /** EBUSY for a secondary of a pair. */
  unreserveVolumes(volumes: readonly string[]): Promise<void>;
}
