/**
 * The states of a pair, and how each side is seen ([001] states, [003] fig. 8):
 *
 *   simplex                     there is no pair (801)
 *   defined                     a pair on demand between copies; what is unequal is kept (802)
 *   duplex-pending              first copy, or one that cannot be undone: the secondary is a mixture
 *   duplex                      equal but for updates under way
 *   split-pending               the secondary is the primary as of an instant, not all copied (803)
 *   split                       the same, all copied (804)
 *   resync, reverse-resync      differences are copied; the side overwritten can be rolled back
 *   finishing, reverse-finishing  what was being copied is completed, then the pair is gone
 *   suspended                   nothing is copied, by command or after an error; both sides are whole
 *   suspended-partial           the same, but the secondary is a mixture
 *   suspended-partial-primary   the same, but the primary is
 */

/** `mirror`: first copy, then every update. `on-demand`: one copy at each command. */
export type PairMode = 'mirror' | 'on-demand';

export type SeenState =
  | 'simplex'
  | 'defined'
  | 'duplex-pending'
  | 'duplex'
  | 'split-pending'
  | 'split'
  | 'resync'
  | 'suspended';

interface StateRow {
  readonly primary: SeenState;
  readonly secondary: SeenState;
  /** Which side the copying overwrites. */
  readonly copiesTo?: 'primary' | 'secondary';
  /** Which side is a mixture where nothing is copied: a part of it was, and the rest is missing. */
  readonly mixture?: 'primary' | 'secondary';
  /** Hosts may write to the secondary; to the primary they always may. */
  readonly secondaryWritable?: true;
  /** States that only one mode has. */
  readonly mode?: PairMode;
}

export const PAIR_STATES = {
  simplex: { primary: 'simplex', secondary: 'simplex' },
  defined: { primary: 'defined', secondary: 'defined', mode: 'on-demand' },
  'duplex-pending': {
    primary: 'duplex-pending',
    secondary: 'duplex-pending',
    copiesTo: 'secondary',
    mode: 'mirror',
  },
  duplex: { primary: 'duplex', secondary: 'duplex', copiesTo: 'secondary', mode: 'mirror' },
  'split-pending': {
    primary: 'split',
    secondary: 'split-pending',
    copiesTo: 'secondary',
    secondaryWritable: true,
  },
  split: { primary: 'split', secondary: 'split', secondaryWritable: true },
  resync: { primary: 'resync', secondary: 'resync', copiesTo: 'secondary', mode: 'mirror' },
  'reverse-resync': { primary: 'resync', secondary: 'resync', copiesTo: 'primary' },
  finishing: { primary: 'split', secondary: 'split-pending', copiesTo: 'secondary' },
  'reverse-finishing': { primary: 'resync', secondary: 'resync', copiesTo: 'primary' },
  suspended: { primary: 'suspended', secondary: 'suspended' },
  'suspended-partial': { primary: 'suspended', secondary: 'suspended', mixture: 'secondary' },
  'suspended-partial-primary': { primary: 'suspended', secondary: 'suspended', mixture: 'primary' },
} as const satisfies Record<string, StateRow>;

export type PairState = keyof typeof PAIR_STATES;

/** The states a pair of this mode can be in. */
export function statesOf(mode: PairMode): PairState[] {
  return (Object.keys(PAIR_STATES) as PairState[]).filter(
    (state) => (stateRow(state).mode ?? mode) === mode,
  );
}

export function stateRow(state: PairState): StateRow {
  return PAIR_STATES[state];
}

/** The side that reads as the other one did at the instant, wherever it is still pending. */
export function overlaidSide(state: PairState): 'primary' | 'secondary' | undefined {
  const { copiesTo, mixture } = stateRow(state);
  return copiesTo ?? mixture;
}
