/** The transitions of pairs: the flows of the seeds, and the whole table. */
import { describe, expect, it } from 'vitest';
import { ERROR_TABLE } from '../../src/base/errors.js';
import { EVENT_TABLE, PAIR_EVENTS } from '../../src/pair/pair-events.js';
import { afterCommand, afterEvent } from '../../src/pair/pair-state.js';
import {
  PAIR_STATES,
  type PairMode,
  type PairState,
  stateRow,
  statesOf,
} from '../../src/pair/pair-states.js';
import { PAIR_COMMANDS, type PairCommand } from '../../src/pair/pair-table.js';

const MODES: readonly PairMode[] = ['mirror', 'on-demand'];
/** Commands and, after a colon, events. */
type Step = PairCommand | `:${(typeof PAIR_EVENTS)[number]}`;

function walk(mode: PairMode, steps: readonly Step[]): PairState[] {
  const states: PairState[] = ['simplex'];
  for (const step of steps) {
    const state = states.at(-1) as PairState;
    const event = PAIR_EVENTS.find((name) => step === `:${name}`);
    if (event !== undefined) {
      states.push(afterEvent(mode, state, event).state);
      continue;
    }
    const outcome = afterCommand(mode, state, step as PairCommand);
    states.push(outcome.kind === 'performed' ? outcome.to : state);
  }
  return states.slice(1);
}

const seen = (state: PairState) => {
  const { primary, secondary } = PAIR_STATES[state];
  return [primary, secondary];
};

describe('the flows of the seeds', () => {
  it('[003 fig. 8]: no pair, paired and not copied, copy in progress, copied', () => {
    const steps: Step[] = ['paircreate', 'copy', ':copied', 'resync', 'copy', ':copied'];
    expect(walk('on-demand', steps)).toEqual([
      ...['defined', 'split-pending', 'split', 'defined', 'split-pending', 'split'],
    ]);
  });

  it.each<Step[]>([['paircreate'], ['paircreate', 'copy'], ['paircreate', 'copy', ':copied']])(
    '[003 fig. 8]: delete leads from everywhere to no pair (%s %s %s)',
    (...steps) => {
      const given = steps.filter((step) => step !== undefined);
      expect(walk('on-demand', [...given, 'pairdelete-now']).at(-1)).toBe('simplex');
      const end = walk('on-demand', [...given, 'pairdelete']).at(-1) as PairState;
      expect(end === 'simplex' ? end : afterEvent('on-demand', end, 'copied').state).toBe(
        'simplex',
      );
    },
  );

  it.each<[PairCommand, PairState]>([
    ['paircreate', 'defined'],
    ['paircreate', 'split-pending'],
    ['paircreate', 'split'],
    ['copy', 'split-pending'],
    ['copy', 'split'],
    ['resync', 'defined'],
  ])('[003 fig. 2]: %s does nothing to a pair that is %s', (command, state) => {
    expect(afterCommand('on-demand', state, command).kind).toBe('accepted');
  });

  it.each<PairCommand>(['copy', 'resync', 'pairdelete'])(
    '[003 fig. 2]: %s of no pair changes nothing',
    (command) => {
      expect(afterCommand('on-demand', 'simplex', command)).toMatchObject({
        ...{ kind: 'rejected', code: 'ENOENT' },
      });
    },
  );

  it('[001]: simplex, duplex pending, duplex; after a split each side has its own state', () => {
    expect(seen('simplex')).toEqual(['simplex', 'simplex']);
    const states = walk('mirror', ['paircreate', ':copied', 'split', ':copied']);
    expect(states.map(seen)).toEqual([
      ['duplex-pending', 'duplex-pending'],
      ['duplex', 'duplex'],
      ['split', 'split-pending'],
      ['split', 'split'],
    ]);
  });

  it('[001 fig. 4]: a split is answered in the middle of the first copy too', () => {
    expect(walk('mirror', ['paircreate', 'split'])).toEqual(['duplex-pending', 'split-pending']);
  });

  it('a resync makes a mirror equal again, in reverse too', () => {
    const split: Step[] = ['paircreate', ':copied', 'split', ':copied'];
    expect(walk('mirror', [...split, 'resync', ':copied']).slice(4)).toEqual(['resync', 'duplex']);
    expect(walk('mirror', [...split, 'resync-reverse', ':copied']).slice(4)).toEqual([
      ...['reverse-resync', 'duplex'],
    ]);
  });

  it('a source lost in the middle of a resync rolls the other side back', () => {
    expect(afterEvent('mirror', 'resync', 'primary-lost')).toEqual({
      ...{ state: 'suspended', effects: ['roll-back-secondary'] },
    });
    expect(afterEvent('mirror', 'reverse-resync', 'secondary-lost')).toEqual({
      ...{ state: 'suspended', effects: ['roll-back-primary'] },
    });
  });

  it('a pair that is deleted while it is copied is copied first', () => {
    expect(walk('mirror', ['paircreate', 'pairdelete', 'pairdelete', ':copied'])).toEqual([
      ...['duplex-pending', 'finishing', 'finishing', 'simplex'],
    ]);
    expect(afterCommand('mirror', 'split-pending', 'pairdelete-now')).toEqual({
      ...{ kind: 'performed', to: 'simplex' },
      effects: ['fail-secondary-if-pending', 'drop-hidden'],
    });
  });
});

describe('the whole table', () => {
  const cells = MODES.flatMap((mode) =>
    statesOf(mode).flatMap((state) =>
      PAIR_COMMANDS.map((command) => [mode, state, command] as const),
    ),
  );

  it.each(cells)('%s, %s: %s has an outcome', (mode, state, command) => {
    const outcome = afterCommand(mode, state, command);
    if (outcome.kind === 'performed') {
      expect(statesOf(mode)).toContain(outcome.to);
      expect(new Set(outcome.effects).size).toBe(outcome.effects.length);
    } else {
      expect(outcome.reason).toMatch(/^(is|has) [a-z].*[a-z]$/);
      if (outcome.kind === 'rejected') expect(ERROR_TABLE).toHaveProperty(outcome.code);
    }
  });

  it('knows no pair only where one is made', () => {
    const kinds = PAIR_COMMANDS.map((command) => afterCommand('mirror', 'simplex', command).kind);
    expect(kinds.filter((kind) => kind !== 'rejected')).toEqual(['performed']);
  });

  it('performs a delete in every state of a pair', () => {
    for (const mode of MODES) {
      for (const state of statesOf(mode).filter((name) => name !== 'simplex')) {
        expect(afterCommand(mode, state, 'pairdelete').kind).not.toBe('rejected');
        expect(afterCommand(mode, state, 'pairdelete-now')).toMatchObject({ to: 'simplex' });
      }
    }
  });

  it('has a loss of either side in every state, and it never goes on copying', () => {
    for (const mode of MODES) {
      for (const state of statesOf(mode).filter((name) => name !== 'simplex')) {
        for (const event of ['primary-lost', 'secondary-lost'] as const) {
          const { state: next } = afterEvent(mode, state, event);
          expect([state, event, stateRow(next).copiesTo]).toEqual([state, event, undefined]);
          expect(next).toMatch(/^suspended/);
        }
      }
    }
  });

  it.each(['primary', 'secondary'] as const)(
    'suspends a pair whose %s is missing, but for a copy that was promised: it waits',
    (side) => {
      const waiting = MODES.flatMap((mode) =>
        statesOf(mode).filter((state) => {
          if (state === 'simplex') return false;
          const after = afterEvent(mode, state, `${side}-missing`);
          const lost = afterEvent(mode, state, `${side}-lost`);
          if (after.state !== state) expect(after).toEqual(lost);
          return after.state === state && !state.startsWith('suspended');
        }),
      );
      const toPrimary: PairState[] = ['reverse-resync', 'reverse-finishing'];
      const expected = ['split-pending', 'finishing', ...(side === 'primary' ? toPrimary : [])];
      expect([...new Set(waiting)].sort()).toEqual(expected.sort());
    },
  );

  it('ends every copy', () => {
    for (const mode of MODES) {
      for (const state of statesOf(mode)) {
        const copies = stateRow(state).copiesTo !== undefined;
        expect([state, 'copied' in EVENT_TABLE && state in EVENT_TABLE.copied]).toEqual([
          ...[state, copies],
        ]);
        if (!copies) expect(() => afterEvent(mode, state, 'copied')).toThrow('assertion failed');
      }
    }
  });

  it('reaches every state, and nothing but them', () => {
    for (const mode of MODES) {
      const reached = new Set<PairState>(['simplex']);
      for (const state of reached) {
        for (const command of PAIR_COMMANDS) {
          const outcome = afterCommand(mode, state, command);
          if (outcome.kind === 'performed') reached.add(outcome.to);
        }
        for (const event of PAIR_EVENTS) {
          if (state in EVENT_TABLE[event]) reached.add(afterEvent(mode, state, event).state);
        }
      }
      expect([...reached].sort()).toEqual(statesOf(mode).sort());
    }
  });
});
