/** The commands on pairs that are not in the command table: list, show, wait. */
import { Argument, type Command, InvalidArgumentError } from 'commander';
import { sleep } from '../base/clock.js';
import type { ArrayClient } from '../client/array-client.js';
import { completeWith } from './completion-kinds.js';
import { clientFor, wantsJson } from './global-options.js';
import { print, printJson, printJsonLine } from './output.js';
import { pairName } from './pair-name.js';
import { PAIR_WAIT_STATES, waitForPair } from './pair-wait.js';
import { groupCommand } from './table-commands.js';

/** Between two looks at the table. */
const WATCH_MS = 1_000;
const CLEAR_SCREEN = '\u001b[H\u001b[J';

interface ListOptions {
  readonly watch?: boolean;
}

interface WaitOptions {
  readonly timeout?: number;
}

export function addPairCommands(program: Command): void {
  const group = groupCommand(program, 'pair');
  group
    .command('list')
    .description('list the pairs: states, progress, rate and time left')
    .option('-w, --watch', 'go on, and show each change')
    .addHelpText(
      'after',
      `
Examples:
  arrayfs pair list
  arrayfs pair list --watch          a live table, until Ctrl-C
  arrayfs pair list --watch --json   one line for each change`,
    )
    .action(async (options: ListOptions, command: Command) => {
      const client = clientFor(command);
      const json = wantsJson(command);
      if (options.watch) await watchPairs(client, json);
      else if (json) printJson(await client.statusJson('pairs'));
      else print(await client.statusText('pairs'));
    });
  group
    .command('show')
    .description('show all that is known of a pair')
    .addArgument(pairArgument())
    .action(async (reference: string, _options: unknown, command: Command) => {
      const client = clientFor(command);
      const name = await pairName(client, reference);
      if (wantsJson(command)) printJson(await client.pairJson(name));
      else print(await client.pairText(name));
    });
  group
    .command('wait')
    .description('wait until the secondary of a pair is in a state')
    .addArgument(pairArgument())
    .addArgument(new Argument('<STATE>', 'the state').choices(PAIR_WAIT_STATES))
    .option('--timeout <seconds>', 'how long at most; default as long as it takes', seconds)
    .addHelpText(
      'after',
      `
The state is that of the secondary: after a split, split-pending becomes split when all is copied.
Exit status 0 when the state is reached; 1 after the timeout, when the pair is deleted, or when it
is suspended (for equal also split), as nothing is copied then. simplex waits for the end of the pair. On a terminal a bar
shows the progress, the rate and the time left. equal waits until no track differs: a duplex pair is
that when all updates are copied, which writes to the primary put off.

Examples:
  arrayfs pair wait db:db-copy duplex
  arrayfs pair wait db:db-copy equal
  arrayfs pair wait db:db-copy split --timeout 600`,
    )
    .action(async (reference: string, state: string, options: WaitOptions, command: Command) => {
      const client = clientFor(command);
      await waitForPair(client, reference, { state, ...options, json: wantsJson(command) });
    });
}

function pairArgument(): Argument {
  const argument = new Argument('<PAIR>', 'PRIMARY:SECONDARY, or #NUMBER of one of its volumes');
  completeWith(argument, 'pair');
  return argument;
}

function seconds(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('Not a number of seconds.');
  return Number(text);
}

/** On a terminal the table stays where it is; elsewhere each change is printed after the last one. */
async function watchPairs(client: ArrayClient, json: boolean): Promise<never> {
  for (let shown: string | undefined; ; await sleep(WATCH_MS)) {
    const text = json
      ? JSON.stringify(await client.statusJson('pairs'))
      : await client.statusText('pairs');
    if (text === shown) continue;
    shown = text;
    if (json) printJsonLine(JSON.parse(text));
    else print(process.stdout.isTTY ? `${CLEAR_SCREEN}${text}` : `${text}\n`);
  }
}
