/** From the command table to a command line and back to the control language. */
import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { addTableCommands } from '../../src/cli/table-commands.js';
import type { CommandRequest } from '../../src/client/array-client.js';
import { commandLine } from '../../src/client/command-line.js';
import { parseCommand } from '../../src/control/command-parser.js';
import type { CommandRow } from '../../src/control/command-row.js';
import { COMMANDS, findCommand } from '../../src/control/command-table.js';

/** What `arrayfs WORDS` asks of the array. */
async function requestOf(words: readonly string[], rows: readonly CommandRow[] = COMMANDS) {
  const requests: CommandRequest[] = [];
  const program = new Command('arrayfs').exitOverride();
  addTableCommands(program, async (request) => void requests.push(request), rows);
  for (const group of program.commands) {
    for (const command of [group, ...group.commands]) {
      command.exitOverride().configureOutput({ writeErr: () => {} });
    }
  }
  await program.parseAsync([...words], { from: 'user' });
  return requests[0];
}

/** The example of a help text as words of a shell. */
function shellWords(line: string): string[] {
  const words = line.match(/(?:[^\s"]|"[^"]*")+/g) ?? [];
  return words.map((word) => word.replaceAll('"', ''));
}

function commandFor(group: string, verb: string): Command {
  const program = new Command('arrayfs');
  addTableCommands(program);
  const found = program.commands
    .find((command) => command.name() === group)
    ?.commands.find((command) => command.name() === verb);
  if (!found) throw new Error(`no command ${group} ${verb}`);
  return found;
}

function helpOf(command: Command): string {
  let text = '';
  command.configureOutput({ writeOut: (part) => (text += part) }).outputHelp();
  return text;
}

describe('table commands', () => {
  it.each<[string, string[], CommandRequest]>([
    [
      'words',
      ['volume', 'create', 'db', '1G'],
      { name: 'create', words: ['db', '1G'], options: {} },
    ],
    [
      'options with values',
      ['volume', 'create', 'db', '1G', '--label', 'a b', '--pool=p2'],
      { name: 'create', words: ['db', '1G'], options: { pool: 'p2', label: 'a b' } },
    ],
    [
      'yes options as flags',
      ['volume', 'delete', 'db', '--snapshots'],
      { name: 'delete', words: ['db'], options: { snapshots: 'yes' } },
    ],
    [
      'repeated words',
      ['snapshot', 'create', 'a', 'b', 'c', '--name', 'x'],
      { name: 'snapshot', words: ['a', 'b', 'c'], options: { name: 'x' } },
    ],
    [
      'an empty value',
      ['volume', 'label', 'db', '--text', ''],
      { name: 'label', words: ['db'], options: { text: '' } },
    ],
    [
      'pairs, each with its own colon',
      ['pair', 'split', 'a:b', 'c:d', '--at', '+5m', '--pace', 'fast'],
      { name: 'split', words: ['a:b', 'c:d'], options: { at: '+5m', pace: 'fast' } },
    ],
    [
      'words that may be left out',
      ['pair', 'split', '--rotate', 'db'],
      { name: 'split', words: [], options: { rotate: 'db' } },
    ],
    ['no words', ['array', 'sync'], { name: 'sync', words: [], options: {} }],
    [
      'a row in a second place',
      ['array', 'scrub', 'all'],
      { name: 'scrub', words: ['all'], options: {} },
    ],
    [
      'the deletion of a snapshot',
      ['snapshot', 'delete', 'db@x', '--force'],
      { name: 'delete', words: ['db@x'], options: { force: 'yes' } },
    ],
  ])('take %s', async (_what, words, request) => {
    expect(await requestOf(words)).toEqual(request);
  });

  it.each([
    ['a missing word', ['volume', 'create', 'db']],
    ['a word too many', ['volume', 'rename', 'a', 'b', 'c']],
    ['an unknown option', ['volume', 'create', 'db', '1G', '--size', '2G']],
    ['an option of the other place', ['snapshot', 'delete', 'db@x', '--snapshots']],
    ['an unknown verb', ['volume', 'destroy', 'db']],
  ])('refuse %s', async (_what, words) => {
    await expect(requestOf(words)).rejects.toThrow();
  });

  it.each(['db', '#12', ''])('never delete %j as a snapshot', async (name) => {
    await expect(requestOf(['snapshot', 'delete', name])).rejects.toThrow(/VOLUME@SNAPSHOT/);
  });

  it('appear for a new row, with its choices, without more', async () => {
    const row: CommandRow = {
      name: 'paircreate',
      group: 'pair' as CommandRow['group'],
      verb: 'create',
      words: [{ name: 'PRIMARY', kind: 'volume', help: 'the primary' }],
      options: [{ name: 'pace', kind: 'text', values: ['slow', 'fast'], help: 'pace' }],
      summary: 'make a pair',
      description: [],
      examples: [{ line: 'db', meaning: 'a pair' }],
      changesArray: true,
    };
    const words = ['pair', 'create', 'db', '--pace'];
    expect(await requestOf([...words, 'fast'], [row])).toEqual({
      name: 'paircreate',
      words: ['db'],
      options: { pace: 'fast' },
    });
    await expect(requestOf([...words, 'medium'], [row])).rejects.toThrow(/slow, fast/);
  });

  const examples = COMMANDS.flatMap((row) => row.examples.map(({ line }) => ({ row, line })));

  it.each(examples)(
    'show "$line" of $row.name so that it means the same',
    async ({ row, line }) => {
      const help = helpOf(commandFor(row.group, row.verb));
      const shown = help.split('\n').filter((text) => text.startsWith('  arrayfs '));
      const meant = parseCommand(row as never, Buffer.from(line));
      const requests = await Promise.all(
        shown.map((text) => requestOf(shellWords(text.trim().split(/ {3,}/)[0] ?? '').slice(1))),
      );
      const lines = requests.map((request) =>
        commandLine(request?.words ?? [], request?.options ?? {}),
      );
      const same = lines.filter((text) => {
        const parsed = parseCommand(row as never, Buffer.from(text));
        return (
          JSON.stringify([parsed.words, [...parsed.options]]) ===
          JSON.stringify([meant.words, [...meant.options]])
        );
      });
      expect(same).toHaveLength(1);
    },
  );

  it('speak of flags in the help, not of the control language', () => {
    expect(helpOf(commandFor('volume', 'delete'))).toContain('unless --snapshots');
    expect(helpOf(commandFor('san', 'device'))).toContain('--kind tape is a directory');
    expect(findCommand('delete')?.description.join(' ')).toContain('snapshots=yes');
  });
});
