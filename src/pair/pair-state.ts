/**
 * The transitions of a pair, pure: state and command, or state and event, give an outcome. The
 * tables are in pair-table.ts and pair-events.ts, the states in pair-states.ts.
 */
import { assert } from '../base/assert.js';
import { EVENT_TABLE, type PairEvent } from './pair-events.js';
import type { PairMode, PairState } from './pair-states.js';
import { COMMAND_TABLE, type PairCell, type PairCommand, type PairEffect } from './pair-table.js';

/** The next state and what the copy engine has to do for it. */
export interface PairTransition {
  readonly state: PairState;
  readonly effects: readonly PairEffect[];
}

/** What a command does to a pair of this mode in this state. */
export function afterCommand(mode: PairMode, state: PairState, command: PairCommand): PairCell {
  const row = COMMAND_TABLE[command];
  const cell = row[state] ?? row.otherwise;
  return 'kind' in cell ? cell : cell[mode];
}

/** Where an event leads. One that cannot happen in this state is a failed assertion. */
export function afterEvent(mode: PairMode, state: PairState, event: PairEvent): PairTransition {
  const cell = EVENT_TABLE[event][state];
  assert(cell !== undefined, `${event} cannot happen to a pair in state ${state}`);
  return { state: typeof cell.to === 'string' ? cell.to : cell.to[mode], effects: cell.effects };
}
