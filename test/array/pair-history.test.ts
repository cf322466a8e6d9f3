/** What /events tells of each change of a pair. */
import { describe, expect, it } from 'vitest';
import { PAIR_EVENT_CODES, type PairChange, pairHistory } from '../../src/array/pair-history.js';
import { EVENT_TABLE, PAIR_EVENTS } from '../../src/pair/pair-events.js';
import { afterCommand, afterEvent } from '../../src/pair/pair-state.js';
import { type PairMode, statesOf } from '../../src/pair/pair-states.js';
import { PAIR_COMMANDS } from '../../src/pair/pair-table.js';

const CHANGE: PairChange = {
  cause: 'split',
  mode: 'mirror',
  from: 'duplex',
  to: 'split-pending',
  pace: 'medium',
  pendingTracks: 7,
  unequalTracks: 9,
  reason: '',
};

/** Every change that the tables know, of both modes. */
function everyChange(): PairChange[] {
  const changes: PairChange[] = [];
  for (const mode of ['mirror', 'on-demand'] satisfies PairMode[]) {
    for (const from of statesOf(mode)) {
      for (const cause of PAIR_COMMANDS) {
        const cell = afterCommand(mode, from, cause);
        if (cell.kind === 'performed') changes.push({ ...CHANGE, mode, cause, from, to: cell.to });
      }
      for (const cause of PAIR_EVENTS.filter((event) => EVENT_TABLE[event][from] !== undefined)) {
        changes.push({ ...CHANGE, mode, cause, from, to: afterEvent(mode, from, cause).state });
      }
    }
  }
  return changes;
}

describe('the history of a pair', () => {
  it('has one line, with a message, for every change of state that the tables know', () => {
    const moves = everyChange().filter(({ from, to }) => from !== to);
    expect(moves.length).toBeGreaterThan(50);
    for (const change of moves) {
      const told = pairHistory(change);
      expect([change.cause, told?.message === '' || told === undefined]).toEqual([
        change.cause,
        false,
      ]);
    }
  });

  it('is silent where an event changes nothing, as at each update that was copied', () => {
    const stays = everyChange().filter(({ cause, from, to }) => {
      return from === to && (PAIR_EVENTS as readonly string[]).includes(cause);
    });
    expect(stays.map(({ cause, to }) => `${cause} ${to}`)).toContain('copied duplex');
    const told = stays.flatMap((change) => (pairHistory(change) ? [change.cause] : []));
    // A mount without a side is told of each time: copying waits.
    expect([...new Set(told)].sort()).toEqual(['primary-missing', 'secondary-missing']);
  });

  it('uses every code of its list', () => {
    const used = new Set(
      [
        ...everyChange(),
        ...(['pace', 'waits'] as const).map((cause) => ({ ...CHANGE, cause })),
      ].map((change) => pairHistory(change)?.code),
    );
    // Volumes are reserved without a pair.
    const ofPairs = Object.keys(PAIR_EVENT_CODES).filter((code) => code.startsWith('PAIR-'));
    expect(ofPairs.filter((code) => !used.has(code as never))).toEqual([]);
  });

  it.each<[Partial<PairChange>, string]>([
    [
      { cause: 'paircreate', from: 'simplex', to: 'duplex-pending' },
      'PAIR-CREATED mirror, 7 tracks to copy, pace medium',
    ],
    [
      { cause: 'paircreate', mode: 'on-demand', from: 'simplex', to: 'defined' },
      'PAIR-CREATED on-demand, nothing is copied before copy; 9 tracks differ',
    ],
    [
      { cause: 'resync-reverse', from: 'split', to: 'reverse-resync' },
      'PAIR-RESYNC to the primary: 7 tracks to copy, pace medium',
    ],
    [
      {
        cause: 'primary-lost',
        from: 'resync',
        to: 'suspended',
        reason: 'pool main has failed',
        rolledBack: 'secondary',
      },
      'PAIR-SUSPENDED the primary is lost: pool main has failed; the secondary is as it was before the resync',
    ],
    [
      { cause: 'pairdelete-now', from: 'split-pending', to: 'simplex', failed: 'secondary' },
      'PAIR-DELETED both volumes stay; the secondary is half copied and has failed',
    ],
    [
      { cause: 'primary-missing', from: 'finishing', to: 'finishing', reason: 'pool main: gone' },
      'PAIR-WAITS copying goes on when the primary is there again: pool main: gone',
    ],
    [
      { cause: 'primary-missing', from: 'duplex', to: 'suspended', reason: 'pool main: gone' },
      'PAIR-SUSPENDED the primary is missing: pool main: gone',
    ],
    [
      { cause: 'pairdelete', from: 'duplex', to: 'finishing' },
      'PAIR-ENDING the pair is gone when it is copied: 7 tracks to copy, pace medium',
    ],
    [{ cause: 'copied', from: 'resync', to: 'duplex' }, 'PAIR-COPIED the pair is duplex'],
  ])('tells %j', (change, told) => {
    const { code, message } = pairHistory({ ...CHANGE, ...change }) ?? { code: '', message: '' };
    expect(`${code} ${message}`).toBe(told);
  });
});
