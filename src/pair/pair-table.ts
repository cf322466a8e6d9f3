/**
 * What every command does in every state of a pair, as data ([003] figs. 2 and 8), with the three
 * outcomes that disk arrays document: performed, accepted without effect, rejected with an errno.
 * `afterCommand` (pair-state.ts) looks things up here; tests and documents are made of it.
 */
import type { ErrorCode } from '../base/errors.js';
import type { PairMode, PairState } from './pair-states.js';

export const PAIR_COMMANDS = [
  'paircreate',
  'copy',
  'split',
  'resync',
  'resync-reverse',
  'suspend',
  'pace',
  'pairdelete',
  'pairdelete-now',
] as const;
export type PairCommand = (typeof PAIR_COMMANDS)[number];

/** What the copy engine does with a transition, in this order. */
export type PairEffect =
  /** Every track is pending. */
  | 'all-pending'
  /** A hidden snapshot of the primary: pending tracks are copied from it, and read from it. */
  | 'take-instant'
  /** Pending becomes the union of all three bitmaps, the other two become empty. */
  | 'changes-pending'
  /** A hidden snapshot of the side to be overwritten, until both are equal. */
  | 'keep-secondary'
  | 'keep-primary'
  /** That side goes back to its kept snapshot: every track copied since then differs again. */
  | 'roll-back-secondary'
  | 'roll-back-primary'
  /** That side can no longer be read: it would be a mixture. */
  | 'fail-secondary'
  | 'fail-primary'
  /** The same, unless nothing is pending. */
  | 'fail-secondary-if-pending'
  | 'fail-primary-if-pending'
  /** Hidden snapshots are dropped. */
  | 'drop-hidden';

/** One outcome. The reason reads on after the name of the pair: `db:db-copy is split already`. */
export type PairCell =
  | { readonly kind: 'performed'; readonly to: PairState; readonly effects: readonly PairEffect[] }
  | { readonly kind: 'accepted'; readonly reason: string }
  | { readonly kind: 'rejected'; readonly code: ErrorCode; readonly reason: string };

type ModeCells = Readonly<Record<PairMode, PairCell>>;
type Row = { readonly [S in PairState]?: PairCell | ModeCells } & {
  /** For all states that are not named. */
  readonly otherwise: PairCell;
};

function to(state: PairState, ...effects: PairEffect[]): PairCell {
  return { kind: 'performed', to: state, effects };
}

const accepted = (reason: string): PairCell => ({ kind: 'accepted', reason });
const rejected = (code: ErrorCode, reason: string): PairCell => ({
  kind: 'rejected',
  code,
  reason,
});
const by = (mirror: PairCell, onDemand: PairCell): ModeCells => ({ mirror, 'on-demand': onDemand });

const noPair = rejected('ENOENT', 'is no pair');
const isSuspended = rejected('EBUSY', 'is suspended: resync or delete it');
const isDeleted = rejected('EBUSY', 'is being deleted');
const isRestored = rejected('EBUSY', 'is being resynced to its primary');
const suspendedRow = {
  suspended: isSuspended,
  'suspended-partial': isSuspended,
  'suspended-partial-primary': isSuspended,
};
const deletedRow = { finishing: isDeleted, 'reverse-finishing': isDeleted };

export const COMMAND_TABLE: Readonly<Record<PairCommand, Row>> = {
  paircreate: {
    simplex: by(to('duplex-pending', 'all-pending'), to('defined', 'all-pending')),
    ...suspendedRow,
    ...deletedRow,
    otherwise: accepted('is a pair already'),
  },
  /** One copy of a pair on demand. */
  copy: {
    simplex: noPair,
    defined: to('split-pending', 'changes-pending', 'take-instant'),
    'split-pending': by(rejected('EINVAL', 'is a mirror: split it'), accepted('is being copied')),
    split: by(rejected('EINVAL', 'is a mirror: split it'), accepted('is copied already')),
    ...suspendedRow,
    ...deletedRow,
    'reverse-resync': isRestored,
    otherwise: rejected('EINVAL', 'is a mirror: split it'),
  },
  split: {
    simplex: noPair,
    defined: rejected('EINVAL', 'is copied on demand: use copy'),
    'duplex-pending': to('split-pending', 'take-instant'),
    duplex: to('split-pending', 'take-instant'),
    resync: to('split-pending', 'take-instant'),
    'reverse-resync': isRestored,
    ...suspendedRow,
    ...deletedRow,
    otherwise: accepted('is split already'),
  },
  resync: {
    simplex: noPair,
    split: by(to('resync', 'changes-pending', 'keep-secondary'), to('defined')),
    // What the secondary would be rolled back to is not all there yet.
    'split-pending': by(
      to('duplex-pending', 'changes-pending', 'drop-hidden'),
      rejected('EBUSY', 'is being copied'),
    ),
    suspended: by(to('resync', 'changes-pending', 'keep-secondary'), to('defined')),
    'suspended-partial': by(
      to('duplex-pending', 'changes-pending', 'drop-hidden'),
      // Until the next copy.
      to('defined', 'fail-secondary', 'drop-hidden'),
    ),
    'suspended-partial-primary': rejected('EBUSY', 'has half a primary: resync it in reverse'),
    'reverse-resync': isRestored,
    ...deletedRow,
    otherwise: accepted('is not split'),
  },
  'resync-reverse': {
    simplex: noPair,
    split: to('reverse-resync', 'changes-pending', 'keep-primary'),
    suspended: to('reverse-resync', 'changes-pending', 'keep-primary'),
    // The snapshot kept when the primary was first overwritten is still there.
    'suspended-partial-primary': to('reverse-resync', 'changes-pending'),
    'suspended-partial': rejected('EBUSY', 'has half a secondary: resync it'),
    'reverse-resync': accepted('is being resynced in reverse'),
    'split-pending': rejected('EBUSY', 'is being copied'),
    ...deletedRow,
    otherwise: rejected('EBUSY', 'is not split'),
  },
  suspend: {
    simplex: noPair,
    'duplex-pending': to('suspended-partial'),
    resync: to('suspended-partial'),
    duplex: to('suspended'),
    suspended: accepted('is suspended already'),
    'suspended-partial': accepted('is suspended already'),
    'suspended-partial-primary': accepted('is suspended already'),
    'reverse-resync': isRestored,
    ...deletedRow,
    otherwise: rejected('EBUSY', 'is not copying updates'),
  },
  /** Changes the pace and no state. */
  pace: { simplex: noPair, otherwise: accepted('has the new pace') },
  pairdelete: {
    simplex: noPair,
    'duplex-pending': to('finishing', 'take-instant'),
    duplex: to('finishing', 'take-instant'),
    resync: to('finishing', 'take-instant'),
    'split-pending': to('finishing'),
    'reverse-resync': to('reverse-finishing'),
    finishing: accepted('is being deleted'),
    'reverse-finishing': accepted('is being deleted'),
    'suspended-partial': to('simplex', 'fail-secondary', 'drop-hidden'),
    'suspended-partial-primary': to('simplex', 'fail-primary', 'drop-hidden'),
    otherwise: to('simplex', 'drop-hidden'),
  },
  'pairdelete-now': {
    simplex: noPair,
    'duplex-pending': to('simplex', 'fail-secondary-if-pending', 'drop-hidden'),
    duplex: to('simplex', 'fail-secondary-if-pending', 'drop-hidden'),
    resync: to('simplex', 'fail-secondary-if-pending', 'drop-hidden'),
    'split-pending': to('simplex', 'fail-secondary-if-pending', 'drop-hidden'),
    finishing: to('simplex', 'fail-secondary-if-pending', 'drop-hidden'),
    'reverse-resync': to('simplex', 'fail-primary-if-pending', 'drop-hidden'),
    'reverse-finishing': to('simplex', 'fail-primary-if-pending', 'drop-hidden'),
    'suspended-partial': to('simplex', 'fail-secondary', 'drop-hidden'),
    'suspended-partial-primary': to('simplex', 'fail-primary', 'drop-hidden'),
    otherwise: to('simplex', 'drop-hidden'),
  },
};
