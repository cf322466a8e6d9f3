/** The tables of src/README on requests and faults are those of the program. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { REQUEST_EVENTS, REQUEST_STATES, REQUEST_TABLE } from '../../src/san/request-state.js';
import { SEARCH_REASONS } from '../../src/san/search-reasons.js';

const readme = readFileSync(resolve(import.meta.dirname, '../../src/README.md'), 'utf8');
const section =
  /## Ports, controllers and microprocessors\n([\s\S]*?)\n## /.exec(readme)?.[1] ?? '';

/** Cells of the table whose first heading is `heading`. */
function tableOf(heading: string): string[][] {
  const lines = section.split('\n');
  const first = lines.findIndex((line) => new RegExp(`^\\| ${heading} +\\|`).test(line));
  const rows = lines.slice(first);
  const end = rows.findIndex((line) => !line.startsWith('|'));
  return rows
    .slice(0, end)
    .filter((line) => !line.startsWith('| ---'))
    .map((line) => line.split('|').slice(1, -1))
    .map((cells) => cells.map((text) => text.trim()));
}

describe('src/README', () => {
  it('has the next state of a request for every event', () => {
    const rows = REQUEST_STATES.map((state) => [
      `\`${state}\``,
      ...REQUEST_EVENTS.map((event) => REQUEST_TABLE[state][event] ?? ''),
    ]);
    const expected = [['state', ...REQUEST_EVENTS.map((event) => `\`${event}\``)], ...rows];
    expect(tableOf('state')).toEqual(expected);
  });

  it('has the words and the error of every reason of a search', () => {
    const rows = Object.entries(SEARCH_REASONS)
      .filter(([reason]) => reason !== 'found')
      .map(([reason, { text, code }]) => [`\`${reason}\``, `port P ${text}`, code]);
    expect(tableOf('reason')).toEqual([['reason', 'text', 'error'], ...rows]);
  });
});
