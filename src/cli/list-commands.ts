/** The commands that look at volumes and snapshots: list and show, from the status tables. */
import { Argument, type Command } from 'commander';
import { ArrayError } from '../base/errors.js';
import type { ArrayClient } from '../client/array-client.js';
import type { WordKind } from '../control/command-row.js';
import { completeWith } from './completion-kinds.js';
import { clientFor, wantsJson } from './global-options.js';
import { fieldLines, print, printJson } from './output.js';
import { groupCommand } from './table-commands.js';

/** What is needed of a row of status/volumes.json or status/snapshots.json. */
export interface CopyRow {
  readonly number: number;
  readonly name: string;
  /** Only in the rows of snapshots. */
  readonly volume?: string;
}

export function addListCommands(program: Command): void {
  for (const kind of ['pool', 'volume']) {
    groupCommand(program, kind)
      .command('list')
      .description(`list the ${kind}s`)
      .action(async (_options: unknown, command: Command) => {
        const client = clientFor(command);
        if (wantsJson(command)) printJson(await client.statusJson(`${kind}s`));
        else print(await client.statusText(`${kind}s`));
      });
  }
  groupCommand(program, 'snapshot')
    .command('list')
    .description('list the snapshots of all volumes or of one')
    .addArgument(copyArgument('[VOLUME]', 'volume', 'only those of this volume'))
    .action(async (volume: string | undefined, _options: unknown, command: Command) => {
      await listSnapshots(clientFor(command), volume, wantsJson(command));
    });
  addShowCommand(program, 'volume', copyArgument('<VOLUME>', 'volume', 'a volume, or #NUMBER'));
  addShowCommand(
    program,
    'snapshot',
    copyArgument('<VOLUME@SNAPSHOT>', 'snapshot', 'a snapshot, or #NUMBER'),
  );
}

function copyArgument(name: string, kind: WordKind, help: string): Argument {
  const argument = new Argument(name, help);
  completeWith(argument, kind);
  return argument;
}

function addShowCommand(program: Command, kind: 'volume' | 'snapshot', argument: Argument): void {
  groupCommand(program, kind)
    .command('show')
    .description(`show all that is known of a ${kind}`)
    .addArgument(argument)
    .action(async (name: string, _options: unknown, command: Command) => {
      const row = findCopy(await copyRows(clientFor(command), `${kind}s`), name, kind);
      if (wantsJson(command)) printJson(row);
      else print(fieldLines({ ...row }));
    });
}

async function listSnapshots(
  client: ArrayClient,
  volume: string | undefined,
  json: boolean,
): Promise<void> {
  const name = volume && findCopy(await copyRows(client, 'volumes'), volume, 'volume').name;
  if (json) {
    const rows = await copyRows(client, 'snapshots');
    printJson(name ? rows.filter((row) => row.volume === name) : rows);
  } else {
    const text = await client.statusText('snapshots');
    print(name ? linesOf(text, 'VOLUME', name) : text);
  }
}

/** The header and the lines whose column `header` is `value`; no column up to it contains blanks. */
export function linesOf(table: string, header: string, value: string): string {
  const [head = '', ...lines] = table.trimEnd().split('\n');
  const column = head.trim().split(/\s+/).indexOf(header);
  return [head, ...lines.filter((line) => line.trim().split(/\s+/)[column] === value)].join('\n');
}

export async function copyRows(client: ArrayClient, table: string): Promise<readonly CopyRow[]> {
  const rows = await client.statusJson(table);
  if (!Array.isArray(rows)) throw new ArrayError('EIO', `status/${table}.json is not a list`);
  return rows as readonly CopyRow[];
}

/** The row of `NAME`, `VOLUME@SNAPSHOT` or `#NUMBER`; ENOENT where there is none. */
export function findCopy(rows: readonly CopyRow[], name: string, kind: string): CopyRow {
  const found = rows.find((row) => referenceOf(row) === name || `#${row.number}` === name);
  if (found === undefined) throw new ArrayError('ENOENT', `no such ${kind}: '${name}'`);
  return found;
}

/** The name of a copy given as `#NUMBER`; any other reference as it is. */
export async function namedReference(client: ArrayClient, reference: string): Promise<string> {
  if (!reference.startsWith('#')) return reference;
  const rows = [...(await copyRows(client, 'volumes')), ...(await copyRows(client, 'snapshots'))];
  return referenceOf(findCopy(rows, reference, 'volume or snapshot'));
}

function referenceOf({ volume, name }: CopyRow): string {
  return volume === undefined ? name : `${volume}@${name}`;
}
