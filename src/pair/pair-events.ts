/**
 * What happens to a pair without a command, as data: state and event give the next state and what
 * is to be done. What is missing cannot happen: it is a bug of the copy engine.
 *
 *   copied           nothing is pending any more and all of it is durable in the pool it went to
 *   primary-lost     the pool of the primary is gone or its writes fail; secondary-lost likewise
 *   secondary-late   the secondary held up an fsync of a pair with sync=yes for too long
 */
import type { PairMode, PairState } from './pair-states.js';
import type { PairEffect } from './pair-table.js';

export const PAIR_EVENTS = ['copied', 'primary-lost', 'secondary-lost', 'secondary-late'] as const;
export type PairEvent = (typeof PAIR_EVENTS)[number];

export interface EventCell {
  /** Where the two modes differ. */
  readonly to: PairState | Readonly<Record<PairMode, PairState>>;
  readonly effects: readonly PairEffect[];
}

function to(state: EventCell['to'], ...effects: PairEffect[]): EventCell {
  return { to: state, effects };
}

/** A side that is lost twice, or whose loss is told late, changes nothing more. */
const stays = {
  suspended: to('suspended'),
  'suspended-partial': to('suspended-partial'),
  'suspended-partial-primary': to('suspended-partial-primary'),
};

export const EVENT_TABLE: Readonly<Record<PairEvent, { readonly [S in PairState]?: EventCell }>> = {
  copied: {
    'duplex-pending': to('duplex', 'drop-hidden'),
    duplex: to('duplex'),
    'split-pending': to('split', 'drop-hidden'),
    resync: to('duplex', 'drop-hidden'),
    // What hosts wrote to the primary meanwhile goes to the secondary from now on.
    'reverse-resync': to(
      { mirror: 'duplex', 'on-demand': 'defined' },
      'changes-pending',
      'drop-hidden',
    ),
    finishing: to('simplex', 'drop-hidden'),
    'reverse-finishing': to('simplex', 'drop-hidden'),
  },
  'primary-lost': {
    defined: to('suspended'),
    'duplex-pending': to('suspended-partial'),
    // Updates reach the secondary in order: it is the primary of a moment ago.
    duplex: to('suspended'),
    'split-pending': to('suspended-partial'),
    split: to('suspended'),
    resync: to('suspended', 'roll-back-secondary'),
    'reverse-resync': to('suspended-partial-primary'),
    finishing: to('suspended-partial'),
    'reverse-finishing': to('suspended-partial-primary'),
    ...stays,
  },
  'secondary-lost': {
    defined: to('suspended'),
    'duplex-pending': to('suspended-partial'),
    duplex: to('suspended'),
    'split-pending': to('suspended-partial'),
    split: to('suspended'),
    // It keeps what it was, and goes back to it when it is there again.
    resync: to('suspended', 'roll-back-secondary'),
    'reverse-resync': to('suspended', 'roll-back-primary'),
    finishing: to('suspended-partial'),
    'reverse-finishing': to('suspended', 'roll-back-primary'),
    ...stays,
  },
  // Told late it changes nothing.
  'secondary-late': {
    duplex: to('suspended'),
    ...stays,
    defined: to('defined'),
    'duplex-pending': to('duplex-pending'),
    'split-pending': to('split-pending'),
    split: to('split'),
    resync: to('resync'),
    'reverse-resync': to('reverse-resync'),
    finishing: to('finishing'),
    'reverse-finishing': to('reverse-finishing'),
  },
};
