/** What is kept and why: retention, prune. */
import type { Command } from 'commander';
import type { RetentionRow } from '../backup/api.js';
import type { ServerClient } from '../backup/server-client.js';
import { asArrayError } from '../base/errors.js';
import { printable } from '../base/names.js';
import { withServer } from './backup-server-option.js';
import { retentionText } from './backup-tables.js';
import { namedArgument } from './backup-words.js';
import { wantsJson } from './global-options.js';
import { EXIT_FAILED, note, print, printJson } from './output.js';

interface PruneOptions {
  readonly dryRun?: boolean;
}

export function addBackupRetentionCommands(group: Command): void {
  group
    .command('retention')
    .description('show which backups of a definition are kept, and why')
    .addArgument(definitionArgument())
    .action(async (name: string, _options: unknown, command: Command) => {
      await withServer(command, async ({ server }) => {
        await show(server, name, await server.retention(name), wantsJson(command));
      });
    });
  group
    .command('prune')
    .description('delete the backups of a definition that its rule does not keep')
    .addArgument(definitionArgument())
    .option('--dry-run', 'only show what would be deleted')
    .addHelpText(
      'after',
      `
Examples:
  arrayfs backup prune nightly --dry-run
  arrayfs backup prune nightly`,
    )
    .action(async (name: string, { dryRun }: PruneOptions, command: Command) => {
      await withServer(command, async ({ server, outcome }) => {
        if (dryRun) return show(server, name, await server.retention(name), wantsJson(command));
        const taken = await takenTimes(server, name);
        const { rows, errands } = await server.prune(name);
        const doomed = rows.filter(({ isKept }) => !isKept).length;
        if (errands.length < doomed) note(`${doomed - errands.length} are in use and stay for now`);
        for (const errand of errands) {
          await outcome('delete', { errand, label: `prune of ${name}` }).catch(reported);
        }
        if (wantsJson(command)) printJson(rows);
        else print(retentionText(rows, taken));
      });
    });
}

/** One that cannot be deleted does not keep the others. */
function reported(error: unknown): void {
  note(printable(asArrayError(error).reason));
  process.exitCode = EXIT_FAILED;
}

async function show(
  server: ServerClient,
  name: string,
  rows: readonly RetentionRow[],
  json: boolean,
): Promise<void> {
  if (json) printJson(rows);
  else print(retentionText(rows, await takenTimes(server, name)));
}

async function takenTimes(server: ServerClient, definition: string): Promise<Map<string, number>> {
  const entries = await server.backups({ definition });
  return new Map(entries.map(({ id, takenMs }) => [id, takenMs]));
}

function definitionArgument() {
  return namedArgument('<name>', 'backup-definition', 'a definition');
}
