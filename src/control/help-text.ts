/** What `cat ctl/NAME` and `cat ctl/help` say, from the command table alone. */
import { type CommandRow, usageLine } from './command-row.js';
import { COMMANDS } from './command-table.js';
import { alignedText } from './table-layout.js';

/** Usage of one command: summary, words, options and examples. */
export function commandHelp(command: CommandRow): string {
  const sections = [
    `${command.name}: ${command.summary}\n`,
    `usage: echo '${usageLine(command)}' > ctl/${command.name}\n` +
      `       arrayfs ${command.group} ${command.verb} ...\n`,
    `${command.description.join('\n')}\n`,
    titled(
      'words',
      command.words.map((word) => [word.name, word.help]),
    ),
    titled(
      'options',
      command.options.map((option) => [`${option.name}=`, option.help]),
    ),
    titled(
      'examples',
      command.examples.map(({ line, meaning }) => [
        `echo '${line}' > ctl/${command.name}`,
        meaning,
      ]),
    ),
  ];
  return sections.filter((section) => section !== '').join('\n');
}

/** All commands in aligned columns, and how to learn more. */
export function allCommandsHelp(): string {
  const lines = COMMANDS.map((command) => [command.name, usageLine(command), command.summary]);
  return `Commands of the array. One write is one command; it has taken effect when the write returns.
Words are separated by blanks; put double quotes around a text with blanks, also after key=.

${alignedText([['FILE', 'WRITE', 'TO'], ...lines])}
  cat ctl/NAME      what a command means, with examples, and the result of the last one
  cat ctl/help      this text
  arrayfs --help    the same commands on the command line
  cat events        what has happened, also why a file operation was refused
`;
}

function titled(title: string, rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return '';
  const lines = alignedText(rows).trimEnd().split('\n');
  return `${title}:\n${lines.map((line) => `  ${line}\n`).join('')}`;
}
