/** `arrayfs events`: the end of the history, and what happens from now on with --follow. */
import { type Command, InvalidArgumentError } from 'commander';
import { sleep } from '../base/clock.js';
import { ArrayError } from '../base/errors.js';
import type { ArrayClient } from '../client/array-client.js';
import { clientFor, wantsJson } from './global-options.js';
import { print, printJson, printJsonLine } from './output.js';

const LINES_DEFAULT = 20;
/** Between two looks at the history. */
const FOLLOW_MS = 500;

interface EventsOptions {
  readonly lines: number;
  readonly follow?: boolean;
}

/** What is needed of a row of status/events.json. */
interface EventRow {
  readonly sequence: number;
}

export function addEventsCommand(program: Command): void {
  program
    .command('events')
    .description('print the newest events of the array')
    .option('-f, --follow', 'go on with events as they happen')
    .option('-n, --lines <count>', 'how many of the past', lineCount, LINES_DEFAULT)
    .addHelpText(
      'after',
      `
With --json the events are one array, at most the newest 1000; with --follow one object per line.

Examples:
  arrayfs events -n 100
  arrayfs events --follow -n 0   only what happens from now on`,
    )
    .action(async (options: EventsOptions, command: Command) => {
      const client = clientFor(command);
      if (wantsJson(command)) await jsonEvents(client, options);
      else await textEvents(client, options);
    });
}

function lineCount(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('Not a number of lines.');
  return Number(text);
}

async function textEvents(client: ArrayClient, options: EventsOptions): Promise<void> {
  let part = await client.lastEvents(options.lines);
  print(part.text);
  while (options.follow) {
    await sleep(FOLLOW_MS);
    part = await client.eventsSince(part.nextOffset);
    print(part.text);
  }
}

async function jsonEvents(client: ArrayClient, options: EventsOptions): Promise<void> {
  const past = await eventRows(client);
  const shown = past.slice(Math.max(0, past.length - options.lines));
  if (!options.follow) return printJson(shown);
  shown.forEach(printJsonLine);
  let last = past.at(-1)?.sequence ?? -1;
  for (;;) {
    await sleep(FOLLOW_MS);
    const fresh = (await eventRows(client)).filter((event) => event.sequence > last);
    fresh.forEach(printJsonLine);
    last = fresh.at(-1)?.sequence ?? last;
  }
}

async function eventRows(client: ArrayClient): Promise<readonly EventRow[]> {
  const rows = await client.statusJson('events');
  if (!Array.isArray(rows)) throw new ArrayError('EIO', 'status/events.json is not a list');
  return rows as readonly EventRow[];
}
