/**
 * What /events tells of pairs, as data: a code and a message for each change of a pair ([003 fig. 11D],
 * history: date and time, both volumes, code, message). The subject of such an event is the pair's name.
 */
import type { CopyPace } from '../pair/difference-bits.js';
import type { PairEvent } from '../pair/pair-events.js';
import { type PairMode, type PairState, stateRow } from '../pair/pair-states.js';
import type { PairCommand, PairEffect } from '../pair/pair-table.js';
import type { PairRole } from '../store/pair-records.js';
import type { PairSide } from './pair-side.js';

/** Each code, and when it is recorded. */
export const PAIR_EVENT_CODES = {
  'PAIR-CREATED': 'a pair was made',
  'PAIR-COPY': 'copy took its instant',
  'PAIR-SPLIT': 'split took its instant',
  'PAIR-RESYNC': 'a resync began, in either direction',
  'PAIR-COPIED': 'nothing is left to copy',
  'PAIR-PACE': 'another pace',
  'PAIR-SUSPENDED': 'by command, or because a side was lost or late',
  'PAIR-WAITS': 'a copy that was promised cannot go on for now',
  'PAIR-ENDING': 'pairdelete lets the copy end first',
  'PAIR-DELETED': 'the pair is gone',
  RESERVED: 'a volume was reserved',
  UNRESERVED: 'a volume was unreserved',
} as const;

export type PairEventCode = keyof typeof PAIR_EVENT_CODES;

/** What happened to a pair, after it did. */
export interface PairChange {
  readonly cause: PairCommand | PairEvent | 'waits';
  readonly mode: PairMode;
  readonly from: PairState;
  readonly to: PairState;
  readonly pace: CopyPace;
  readonly pendingTracks: number;
  readonly unequalTracks: number;
  /** Why a side is lost or late, or copying does not go on; empty otherwise. */
  readonly reason: string;
  /** The side that holds a mixture and can no longer be read. */
  readonly failed?: 'primary' | 'secondary';
  /** The side that went back to what it was before the resync. */
  readonly rolledBack?: 'primary' | 'secondary';
}

export interface PairHistoryLine {
  readonly code: PairEventCode;
  readonly message: string;
}

/** What a transition does to a side that its history tells of. */
export function changesOf(
  effects: readonly PairEffect[],
  before: PairSide,
  rollsBack: boolean,
): Pick<PairChange, 'failed' | 'rolledBack'> {
  const has = (effect: PairEffect) => effects.includes(effect);
  if (rollsBack || has('roll-back-secondary')) return { rolledBack: 'secondary' };
  if (has('roll-back-primary')) return { rolledBack: 'primary' };
  const isMixture = before.volume.condition.failure !== '';
  const fails = effects.some((effect) => effect.startsWith('fail-'));
  return fails && isMixture ? { failed: before.role } : {};
}

/** The event about a change; undefined where there is nothing to tell. */
export function pairHistory(change: PairChange): PairHistoryLine | undefined {
  const { cause, from, to, pace } = change;
  switch (cause) {
    case 'paircreate':
      return line('PAIR-CREATED', `${change.mode}, ${toCopy(change)}`);
    case 'copy':
      return line('PAIR-COPY', toCopy(change));
    case 'split':
      return line('PAIR-SPLIT', toCopy(change));
    case 'resync':
      return line('PAIR-RESYNC', `to the secondary: ${toCopy(change)}`);
    case 'resync-reverse':
      return line('PAIR-RESYNC', `to the primary: ${toCopy(change)}`);
    case 'suspend':
      return line('PAIR-SUSPENDED', 'by command');
    case 'pace':
      return line('PAIR-PACE', pace);
    case 'waits':
      return line('PAIR-WAITS', `copying goes on when it can: ${change.reason}`);
    case 'pairdelete':
    case 'pairdelete-now':
      return to === 'simplex'
        ? deleted(change)
        : line('PAIR-ENDING', `the pair is gone when it is copied: ${toCopy(change)}`);
    case 'copied':
      if (to === 'simplex') return deleted(change);
      return to === from ? undefined : line('PAIR-COPIED', `the pair is ${to}`);
    case 'primary-lost':
      return to === from ? undefined : suspended('the primary is lost', change);
    case 'secondary-lost':
      return to === from ? undefined : suspended('the secondary is lost', change);
    case 'primary-missing':
      return to === from ? waits('primary', change) : suspended('the primary is missing', change);
    case 'secondary-missing':
      return to === from
        ? waits('secondary', change)
        : suspended('the secondary is missing', change);
    case 'secondary-late':
      return to === from ? undefined : suspended('the secondary holds up the primary', change);
  }
}

function line(code: PairEventCode, message: string): PairHistoryLine {
  return { code, message };
}

function toCopy({ to, pace, pendingTracks, unequalTracks }: PairChange): string {
  if (to === 'defined') return `nothing is copied before copy; ${unequalTracks} tracks differ`;
  return `${pendingTracks} tracks to copy, pace ${pace}`;
}

function deleted({ failed }: PairChange): PairHistoryLine {
  const remark = failed === undefined ? '' : `; the ${failed} is half copied and has failed`;
  return line('PAIR-DELETED', `both volumes stay${remark}`);
}

/** Nothing to tell of a pair that is suspended already. */
function waits(role: PairRole, { to, reason }: PairChange): PairHistoryLine | undefined {
  if (stateRow(to).copiesTo === undefined) return undefined;
  return line('PAIR-WAITS', `copying goes on when the ${role} is there again: ${reason}`);
}

function suspended(what: string, { reason, rolledBack }: PairChange): PairHistoryLine {
  const why = reason === '' ? what : `${what}: ${reason}`;
  const back = rolledBack === undefined ? '' : `; the ${rolledBack} is as it was before the resync`;
  return line('PAIR-SUSPENDED', `${why}${back}`);
}
