/** What the completion offers, over the commands of the table and an invented array. */
import { Argument, Command, Option } from 'commander';
import { describe, expect, it } from 'vitest';
import { namesOf } from '../../src/cli/complete.js';
import { completeWith } from '../../src/cli/completion-kinds.js';
import { completions, type NameLookup } from '../../src/cli/completion-words.js';
import { addTableCommands } from '../../src/cli/table-commands.js';
import type { ArrayClient } from '../../src/client/array-client.js';

const NAMES: Readonly<Record<string, readonly string[]>> = {
  volumes: ['db', 'log'],
  snapshots: ['db'],
  'snapshots/db': ['monday', 'tuesday'],
  pairs: ['db:db-copy'],
  jobs: ['7', '12'],
  status: ['volumes', 'pools'],
};

const client = {
  names: async (...path: string[]) => NAMES[path.join('/')] ?? [],
  statusJson: async () => [{ name: 'pool0' }, { name: 'fast' }],
} as unknown as ArrayClient;

const lookup: NameLookup = (kind, current) => namesOf(kind, current, client);

function program(): Command {
  const made = new Command('arrayfs').option('--mount <dir>', '').option('--json', '');
  addTableCommands(made);
  const table = new Argument('[table]', '');
  completeWith(table, 'status-table');
  made.command('status').addArgument(table);
  made.command('__secret', { hidden: true });
  made.command('shell').addArgument(new Argument('<name>', '').choices(['bash', 'zsh']));
  made.command('pace').addOption(new Option('--pace <p>', '').choices(['slow', 'fast']));
  return made;
}

describe('completions', () => {
  it.each<[string, string[], string[]]>([
    ['commands', ['s'], ['san', 'shell', 'snapshot', 'status']],
    ['verbs of a group', ['volume', 're'], ['rename', 'resize']],
    [
      'options, also the global ones',
      ['volume', 'resize', '--'],
      ['--force', '--help', '--json', '--mount'],
    ],
    ['volumes', ['volume', 'resize', ''], ['db', 'log']],
    ['volumes that begin so', ['volume', 'resize', 'l'], ['log']],
    ['nothing for a new name or a size', ['volume', 'resize', 'db', ''], []],
    ['repeated words', ['snapshot', 'create', 'db', 'log', ''], ['db', 'log']],
    ['volumes with snapshots first', ['snapshot', 'restore', ''], ['db@']],
    ['then the snapshots', ['snapshot', 'restore', 'db@'], ['db@monday', 'db@tuesday']],
    ['snapshots that begin so', ['snapshot', 'delete', 'db@t'], ['db@tuesday']],
    ['volumes and snapshots', ['volume', 'label', 'd'], ['db', 'db@']],
    ['all, to scrub', ['array', 'scrub', 'a'], ['all']],
    ['pairs', ['pair', 'split', ''], ['db:db-copy']],
    ['pairs and now, to delete', ['pair', 'delete', 'db:db-copy', ''], ['db:db-copy', 'now']],
    ['auto and volumes, for a secondary', ['pair', 'create', 'db', ''], ['auto', 'db', 'log']],
    ['paces', ['pair', 'split', '--pace', ''], ['fast', 'medium', 'slow']],
    ['volumes, to rotate', ['pair', 'split', '--rotate', ''], ['db', 'log']],
    ['jobs', ['job', 'cancel', '1'], ['12']],
    ['pools as the value of an option', ['volume', 'create', '--pool', ''], ['fast', 'pool0']],
    ['words after an option with a value', ['volume', 'resize', '--mount', '/m', 'd'], ['db']],
    ['words after a flag', ['volume', 'delete', '--snapshots', 'lo'], ['log']],
    ['words after --', ['volume', 'delete', '--', 'lo'], ['log']],
    ['choices of an argument', ['shell', ''], ['bash', 'zsh']],
    ['choices of an option', ['pace', '--pace', 'f'], ['fast']],
    ['status tables', ['status', ''], ['pools', 'volumes']],
    ['nothing for an unknown command', ['nope', 'x', ''], []],
    ['nothing for the value of --mount', ['--mount', ''], []],
    ['nothing from a strange volume name', ['snapshot', 'restore', '../db@'], []],
  ])('are %s', async (_what, words, expected) => {
    expect(await completions(program(), words, lookup)).toEqual(expected);
  });

  it('never offer hidden commands', async () => {
    expect(await completions(program(), ['_'], lookup)).toEqual([]);
  });

  it.each([[['--mount', '/m', 'volume', 'show', '']], [['volume', 'resize', '--mount=/m', '']]])(
    'ask the mount on the line: %j',
    async (words) => {
      const asked: (string | undefined)[] = [];
      await completions(program(), words, async (_kind, _current, given) => {
        asked.push(given.get('--mount'));
        return [];
      });
      expect(asked.every((mount) => mount === '/m')).toBe(true);
    },
  );
});
