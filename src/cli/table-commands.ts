/**
 * The command groups made from the command table: `arrayfs GROUP VERB WORDS --option value` writes
 * the line to ctl/NAME. A new row of the table appears here, in the help and in the completion
 * without a change.
 */
import { Argument, Command, Option } from 'commander';
import { ArrayError } from '../base/errors.js';
import type { CommandRequest } from '../client/array-client.js';
import {
  type CommandOption,
  type CommandRow,
  type CommandWord,
  optionPlaceholder,
} from '../control/command-row.js';
import { COMMANDS } from '../control/command-table.js';
import { completeWith } from './completion-kinds.js';
import { clientFor, wantsJson } from './global-options.js';
import { waitForJob } from './job-wait.js';
import { note, print, printJson } from './output.js';
import { exampleLine } from './table-examples.js';

/** Where a row of the table also appears, because users look for it there. */
interface Placement {
  readonly row: CommandRow;
  readonly group: string;
  readonly verb: string;
  /** Where only a part of the row has a meaning there. */
  readonly only?: {
    readonly word: CommandWord;
    readonly options: readonly string[];
    readonly summary: string;
    readonly description: readonly string[];
  };
}

/** Runs a request of the command line; a test puts its own in. */
export type Execute = (request: CommandRequest, command: Command) => Promise<void>;

/** The number a result names where its command has started a job. */
const JOB_NUMBER = /^job (\d+)\b/;
/** Rows whose result is a job, and those where it may be: with --at, or a rotation that copies first. */
const STARTS_JOB: ReadonlySet<string> = new Set(['scrub', 'discover', 'ecopy', 'retry']);
const MAY_START_JOB: ReadonlySet<string> = new Set([...STARTS_JOB, 'split', 'copy']);

const GROUP_SUMMARIES: Readonly<Record<string, string>> = {
  array: 'the array as a whole',
  pool: 'add, list and remove pools',
  volume: 'create, change, list and delete volumes',
  snapshot: 'take, restore, clone, list and delete snapshots',
  pair: 'mirror pairs: create, split, resync, watch and wait',
  info: 'volume-information sectors',
  job: 'long-running work',
  ecopy: 'copies of whole images, to and from backup devices',
  san: 'ports, controllers, port groups, hosts, LUNs and backup devices',
  backup: 'the backup manager: definitions, runs, catalog, restore',
  tape: 'tape libraries and cartridges, without any array',
};

/** Adds every group of the table to `program`. */
export function addTableCommands(
  program: Command,
  execute: Execute = runRequest,
  rows: readonly CommandRow[] = COMMANDS,
): void {
  for (const placement of [...rows.map(ownPlacement), ...furtherPlacements(rows)]) {
    groupCommand(program, placement.group).addCommand(verbCommand(placement, execute));
  }
}

/** The command of a group, made at its first use. */
export function groupCommand(program: Command, group: string): Command {
  const existing = program.commands.find((command) => command.name() === group);
  if (existing) return existing;
  return program.command(group).description(GROUP_SUMMARIES[group] ?? `commands on ${group}`);
}

function ownPlacement(row: CommandRow): Placement {
  return { row, group: row.group, verb: row.verb };
}

function furtherPlacements(rows: readonly CommandRow[]): Placement[] {
  return rows.flatMap((row): Placement[] => {
    if (row.name === 'scrub') return [{ row, group: 'array', verb: 'scrub' }];
    return row.name === 'delete' ? [snapshotDelete(row)] : [];
  });
}

function snapshotDelete(row: CommandRow): Placement {
  return {
    row,
    group: 'snapshot',
    verb: 'delete',
    only: {
      word: { name: 'VOLUME@SNAPSHOT', kind: 'snapshot', help: 'a snapshot of a volume' },
      options: ['force'],
      summary: 'delete a snapshot',
      description: [
        'A snapshot that is open, for example loop-mounted, is not deleted (EBUSY) unless --force;',
        'open files go on reading. The space comes back in the background.',
      ],
    },
  };
}

function verbCommand(placement: Placement, execute: Execute): Command {
  const { row, only } = placement;
  const command = new Command(placement.verb).description(only?.summary ?? row.summary);
  const words = only ? [only.word] : row.words;
  const options = row.options.filter((option) => !only || only.options.includes(option.name));
  for (const word of words) command.addArgument(tableArgument(word));
  for (const option of options) command.addOption(tableOption(option));
  if (STARTS_JOB.has(row.name)) command.option('--wait', 'wait for the job to end');
  command.addHelpText('after', helpAfter(placement));
  return command.action(async () => {
    if (only) checkSnapshotName(command.args[0] ?? '');
    const given = givenOptions(options, command);
    await execute({ name: row.name, words: command.args, options: given }, command);
  });
}

function tableArgument(word: CommandWord): Argument {
  const name = word.repeat ? `${word.name}...` : word.name;
  const argument = new Argument(word.optional ? `[${name}]` : `<${name}>`, word.help);
  completeWith(argument, word.kind);
  return argument;
}

function tableOption(option: CommandOption): Option {
  if (option.kind === 'yes') return new Option(`--${option.name}`, option.help);
  const made = new Option(`--${option.name} <${optionPlaceholder(option)}>`, option.help);
  if (option.values) made.choices(option.values);
  completeWith(made, option.kind);
  return made;
}

/** Options as the control language has them; a flag is `yes`. */
function givenOptions(options: readonly CommandOption[], command: Command): Record<string, string> {
  const given: Record<string, string> = {};
  for (const { name } of options) {
    const value: unknown = command.getOptionValue(new Option(`--${name}`).attributeName());
    if (value === true) given[name] = 'yes';
    else if (typeof value === 'string') given[name] = value;
  }
  return given;
}

/** A number could be that of a volume, and deleting the wrong thing is not undone. */
function checkSnapshotName(name: string): void {
  if (!name.includes('@')) {
    throw new ArrayError('EINVAL', `not a snapshot: '${name}'; name it VOLUME@SNAPSHOT`);
  }
}

async function runRequest(request: CommandRequest, command: Command): Promise<void> {
  const client = clientFor(command);
  const json = wantsJson(command);
  const result = await client.run(request);
  const job = MAY_START_JOB.has(request.name) ? JOB_NUMBER.exec(result)?.[1] : undefined;
  if (command.getOptionValue('wait') === true && job !== undefined) {
    if (!json) note(result);
    await waitForJob(client, job, json);
  } else if (json) {
    printJson({ ok: true, command: request.name, result, ...(job ? { job: Number(job) } : {}) });
  } else print(result);
}

function helpAfter({ row, group, verb, only }: Placement): string {
  const program = `arrayfs ${group} ${verb}`;
  const examples = row.examples
    .filter(({ line }) => !only || line.includes('@'))
    .map(({ line, meaning }) => ({ line: exampleLine(program, line, row.options), meaning }));
  const width = Math.max(...examples.map(({ line }) => line.length)) + 2;
  const lines = examples.map(({ line, meaning }) => `  ${line.padEnd(width)} ${meaning}`);
  const description = only?.description ?? row.description.map((text) => asFlags(text, row));
  return ['', ...description, '', 'Examples:', ...lines].join('\n');
}

/** The table speaks the control language: `force=yes` is --force here, `kind=tape` is --kind tape. */
function asFlags(text: string, row: CommandRow): string {
  return row.options.reduce((shown, { name }) => {
    const option = new RegExp(`\\b${name}=(?:yes\\b)?(\\w?)`, 'g');
    return shown.replace(option, (_all, value) => `--${name}${value === '' ? '' : ` ${value}`}`);
  }, text);
}
