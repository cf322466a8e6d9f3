/** The catalog: list, show, verify, delete, rescan. */
import { type Command, Option } from 'commander';
import type { EntryFilter } from '../backup/api.js';
import { ENTRY_STATES, PLACE_KINDS } from '../backup/choices.js';
import type { ErrandOutput } from '../backup/errands.js';
import { asArrayError } from '../base/errors.js';
import { printable } from '../base/names.js';
import { clientOption } from './backup-definition-options.js';
import { withServer } from './backup-server-option.js';
import type { BackupSession } from './backup-session.js';
import { arrayPlaces, entriesText, entryFields } from './backup-tables.js';
import { namedArgument, namedOption, wholeNumber } from './backup-words.js';
import { wantsJson } from './global-options.js';
import { EXIT_FAILED, fieldLines, note, print, printJson, printLines } from './output.js';

interface RescanOptions {
  readonly tapes?: boolean;
}

interface Deletion {
  readonly id: string;
  readonly ok: boolean;
  readonly error?: string;
  readonly reason?: string;
}

export function addBackupCatalogCommands(group: Command): void {
  addList(group);
  group
    .command('show')
    .description('show all that is known of a backup')
    .addArgument(backupArgument())
    .action(async (id: string, _options: unknown, command: Command) => {
      await withServer(command, async ({ server }) => {
        const entry = await server.backup(id);
        if (wantsJson(command)) printJson(entry);
        else print(fieldLines(entryFields(entry, arrayPlaces(await server.clients()))));
      });
    });
  addVerify(group);
  addDelete(group);
  addRescan(group);
}

export function backupArgument(name = '<id>') {
  return namedArgument(name, 'backup', 'a backup, as list shows it');
}

function addList(group: Command): void {
  group
    .command('list')
    .description('list the backups of the catalog')
    .addOption(namedOption('--definition <name>', 'backup-definition', 'only those of this one'))
    .addOption(clientOption('that reaches them'))
    .option('--label <text>', 'only those with this label')
    .addOption(new Option('--kind <kind>', 'only those of this kind').choices(PLACE_KINDS))
    .addOption(new Option('--state <state>', 'only those in this state').choices(ENTRY_STATES))
    .option('--limit <count>', 'only the newest so many', wholeNumber)
    .addHelpText(
      'after',
      `
Examples:
  arrayfs backup list --limit 20
  arrayfs backup list --definition nightly --state missing
  arrayfs backup list --kind tape --json`,
    )
    .action(async (filter: EntryFilter, command: Command) => {
      await withServer(command, async ({ server }) => {
        const entries = await server.backups(filter);
        if (wantsJson(command)) printJson(entries);
        else print(entriesText(entries, arrayPlaces(await server.clients())));
      });
    });
}

function addVerify(group: Command): void {
  group
    .command('verify')
    .description('read all of a backup and compare it with its checksums')
    .addArgument(backupArgument())
    .addHelpText(
      'after',
      `
Exit status: 0 it is as it was made, 1 it is not.

Examples:
  arrayfs backup verify 12`,
    )
    .action(async (id: string, _options: unknown, command: Command) => {
      await withServer(command, async ({ server, outcome }) => {
        const errand = await server.act(id, 'verify', {});
        const result = await outcome('verify', { errand, label: `verify of ${id}` });
        if (wantsJson(command)) printJson(result);
        else print(result.lines.join('\n'));
        if (!result.matches) process.exitCode = EXIT_FAILED;
      });
    });
}

function addDelete(group: Command): void {
  group
    .command('delete')
    .description('delete backups: sector, snapshot and entry; a volume keeps its content')
    .addArgument(backupArgument('<id...>'))
    .action(async (ids: string[], _options: unknown, command: Command) => {
      await withServer(command, async (session) => {
        const json = wantsJson(command);
        const deletions: Deletion[] = [];
        for (const id of ids) deletions.push(await deleteOne(session, id, json));
        if (json) printJson(deletions);
        if (deletions.some(({ ok }) => !ok)) process.exitCode = EXIT_FAILED;
      });
    });
}

/** One that cannot be deleted does not keep the others. */
async function deleteOne(
  { server, outcome }: BackupSession,
  id: string,
  json: boolean,
): Promise<Deletion> {
  try {
    const errand = await server.act(id, 'delete', {});
    const { lines } = await outcome('delete', { errand, label: `deletion of ${id}` });
    if (!json) printLines(lines, `deleted ${id}`, false);
    return { id, ok: true };
  } catch (error) {
    const { code, reason } = asArrayError(error);
    note(`${id} is not deleted: ${printable(reason)}`);
    return { id, ok: false, error: code, reason };
  }
}

function addRescan(group: Command): void {
  group
    .command('rescan')
    .description('find all backups on the mounted arrays and take them into the catalog')
    .option('--tapes', 'also read the labels of the tapes')
    .addHelpText(
      'after',
      `
The volume-information sectors are the truth, the catalog is made from them: also an empty one.

Examples:
  arrayfs backup rescan
  arrayfs backup rescan --tapes`,
    )
    .action(async ({ tapes }: RescanOptions, command: Command) => {
      await withServer(command, async ({ server, outcome }) => {
        const errands = await server.rescan({ tapes: tapes === true });
        const found: ({ client: string } & ErrandOutput<'rescan'>)[] = [];
        for (const errand of errands) {
          const label = `rescan by ${errand.client}`;
          const result = await outcome('rescan', { errand, label });
          found.push({ client: errand.client, ...result });
        }
        if (wantsJson(command)) printJson(found);
        else
          for (const { client, entries, lines } of found) {
            print(
              [
                ...lines,
                `${client}: ${entries.length} ${entries.length === 1 ? 'backup' : 'backups'} found`,
              ].join('\n'),
            );
          }
        if (found.length === 0) note('no client is connected');
      });
    });
}
