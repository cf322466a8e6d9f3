/**
 * What happens to a pair without a command, as data: state and event give the next state and what
 * is to be done. What is missing cannot happen: it is a bug of the copy engine.
 *
 *   copied           nothing is pending any more and all of it is durable in the pool it went to
 *   primary-lost     the pool of the primary is damaged, is not as it was left, or its writes fail;
 *                    secondary-lost likewise
 *   primary-missing  the array is mounted without the pool of the primary, and for all that is known
 *                    it may come back as it was left; secondary-missing likewise
 *   secondary-late   the secondary held up an fsync of a pair with sync=yes for too long
 */
import type { PairMode, PairState } from './pair-states.js';
import type { PairEffect } from './pair-table.js';

export const PAIR_EVENTS = [
  'copied',
  'primary-lost',
  'secondary-lost',
  'primary-missing',
  'secondary-missing',
  'secondary-late',
] as const;
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

type EventRow = { readonly [S in PairState]?: EventCell };

/** Either side. Where only the secondary is copied to, both losses leave the same behind. */
const sideLost = {
  defined: to('suspended'),
  'duplex-pending': to('suspended-partial'),
  // Updates reach the secondary in order: without its primary it is that of a moment ago.
  duplex: to('suspended'),
  'split-pending': to('suspended-partial'),
  split: to('suspended'),
  // It goes back to what it was, where it is lost itself when it is there again.
  resync: to('suspended', 'roll-back-secondary'),
  finishing: to('suspended-partial'),
  ...stays,
} satisfies EventRow;

const primaryLost = {
  ...sideLost,
  'reverse-resync': to('suspended-partial-primary'),
  'reverse-finishing': to('suspended-partial-primary'),
} satisfies EventRow;

const secondaryLost = {
  ...sideLost,
  'reverse-resync': to('suspended', 'roll-back-primary'),
  'reverse-finishing': to('suspended', 'roll-back-primary'),
} satisfies EventRow;

/** What was promised of the secondary waits for its other side: hosts may have written to it. */
const promised = { 'split-pending': to('split-pending'), finishing: to('finishing') };

export const EVENT_TABLE: Readonly<Record<PairEvent, EventRow>> = {
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
  'primary-lost': primaryLost,
  'secondary-lost': secondaryLost,
  'primary-missing': {
    ...primaryLost,
    ...promised,
    // Hosts have gone on writing to the primary; where the source is missing, it goes back instead.
    'reverse-resync': to('reverse-resync'),
    'reverse-finishing': to('reverse-finishing'),
  },
  'secondary-missing': { ...secondaryLost, ...promised },
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
