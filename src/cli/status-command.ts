/** `arrayfs status [TABLE]`: a table of the array, or a short overview. */
import { Argument, type Command } from 'commander';
import { completeWith } from './completion-kinds.js';
import { clientFor, wantsJson } from './global-options.js';
import { print, printJson } from './output.js';

/** The tables of the overview, in its order. */
const OVERVIEW: readonly string[] = ['array', 'pools', 'volumes', 'jobs'];

export function addStatusCommand(program: Command): void {
  const table = new Argument('[table]', 'a file of status/; without it an overview');
  completeWith(table, 'status-table');
  program
    .command('status')
    .description('print the state of the array')
    .addArgument(table)
    .addHelpText(
      'after',
      `
Examples:
  arrayfs status                 array, pools, volumes and jobs
  arrayfs status volumes         one table
  arrayfs status volumes --json  the same as JSON`,
    )
    .action(async (name: string | undefined, _options: unknown, command: Command) => {
      const client = clientFor(command);
      const json = wantsJson(command);
      if (name !== undefined) {
        if (json) printJson(await client.statusJson(name));
        else print(await client.statusText(name));
      } else if (json) {
        const tables = OVERVIEW.map(async (title) => [title, await client.statusJson(title)]);
        printJson(Object.fromEntries(await Promise.all(tables)));
      } else {
        const texts = await Promise.all(OVERVIEW.map((title) => client.statusText(title)));
        print(texts.map((text, index) => `${OVERVIEW[index]}\n${indented(text)}`).join('\n\n'));
      }
    });
}

function indented(text: string): string {
  return text.trimEnd().replace(/^(?=.)/gm, '  ');
}
