/** The table of src/README is that of the program. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { afterCommand } from '../../src/pair/pair-state.js';
import {
  PAIR_STATES,
  type PairMode,
  type PairState,
  statesOf,
} from '../../src/pair/pair-states.js';
import { PAIR_COMMANDS, type PairCommand } from '../../src/pair/pair-table.js';

const MODES: readonly PairMode[] = ['mirror', 'on-demand'];
/** Commands that answer the same in every state, or nearly so. */
const SHOWN = PAIR_COMMANDS.filter((command) => !['pace', 'pairdelete-now'].includes(command));

/** The next state, `-` for accepted without effect, or an errno. */
function outcomeText(mode: PairMode, state: PairState, command: PairCommand): string {
  const outcome = afterCommand(mode, state, command);
  if (outcome.kind === 'performed') return outcome.to;
  return outcome.kind === 'accepted' ? '-' : outcome.code;
}

/** Both modes, one of them where they agree or where the other has no such state. */
function cell(state: PairState, command: PairCommand): string {
  const modes = MODES.filter((mode) => statesOf(mode).includes(state));
  return [...new Set(modes.map((mode) => outcomeText(mode, state, command)))].join(' / ');
}

describe('src/README', () => {
  it('has the outcome of every command in every state of a pair', () => {
    const states = Object.keys(PAIR_STATES) as PairState[];
    const rows = states.map((state) => [
      `\`${state}\``,
      ...SHOWN.map((command) => cell(state, command)),
    ]);
    const expected = [['state', ...SHOWN.map((command) => `\`${command}\``)], ...rows];
    const readme = readFileSync(resolve(import.meta.dirname, '../../src/README.md'), 'utf8');
    const section = /## Pairs\n([\s\S]*?)\n## /.exec(readme)?.[1] ?? '';
    const shown = section
      .split('\n')
      .filter((line) => line.startsWith('|') && !line.startsWith('| ---'))
      .map((line) => line.split('|').slice(1, -1))
      .map((cells) => cells.map((text) => text.trim()));
    expect(shown).toEqual(expected);
  });
});
