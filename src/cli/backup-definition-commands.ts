/** What is to be backed up: define, undefine, definitions, check. */
import type { Command } from 'commander';
import { CANNOT } from '../backup/choices.js';
import type { BackupDefinition } from '../backup/definition.js';
import type { ServerClient } from '../backup/server-client.js';
import { ArrayError, asArrayError } from '../base/errors.js';
import { addDefineOptions, type DefineOptions } from './backup-definition-options.js';
import { clientName, withServer } from './backup-server-option.js';
import type { BackupSession } from './backup-session.js';
import { definitionFields, definitionsText } from './backup-tables.js';
import { namedArgument } from './backup-words.js';
import { wantsJson } from './global-options.js';
import { EXIT_FAILED, fieldLines, note, print, printJson, printLines } from './output.js';

export function addBackupDefinitionCommands(group: Command): void {
  addDefine(group);
  group
    .command('undefine')
    .description('forget a definition; its backups stay')
    .addArgument(definitionArgument())
    .action(async (name: string, _options: unknown, command: Command) => {
      await withServer(command, ({ server }) => server.deleteDefinition(name));
      if (wantsJson(command)) printJson({ ok: true, undefined: name });
      else print(`${name} is undefined; its backups stay`);
    });
  group
    .command('definitions')
    .description('list the definitions, or show one')
    .addArgument(namedArgument('[name]', 'backup-definition', 'show all of this definition'))
    .action(async (name: string | undefined, _options: unknown, command: Command) => {
      const rows = await withServer(command, ({ server }) => server.definitions());
      if (name === undefined) {
        if (wantsJson(command)) printJson(rows);
        else print(definitionsText(rows));
        return;
      }
      const row = rows.find(({ definition }) => definition.name === name);
      if (row === undefined) throw new ArrayError('ENOENT', `no such definition: '${name}'`);
      if (wantsJson(command)) printJson(row);
      else print(fieldLines(definitionFields(row)));
    });
  group
    .command('check')
    .description('say what a run would do, or why it cannot; nothing is changed')
    .addArgument(definitionArgument())
    .addHelpText(
      'after',
      `
Exit status: 0 a run would succeed, 1 a line begins with 'cannot:'.`,
    )
    .action(async (name: string, _options: unknown, command: Command) => {
      await withServer(command, async ({ server, outcome }) => {
        const errand = await server.checkDefinition(name);
        const { lines } = await outcome('check', { errand, label: `check of ${name}` });
        printLines(lines, `${name} can run`, wantsJson(command));
        if (lines.some((line) => line.startsWith(CANNOT))) process.exitCode = EXIT_FAILED;
      });
    });
}

function addDefine(group: Command): void {
  const command = group
    .command('define')
    .description('say what is to be backed up, how and when')
    .addArgument(namedArgument('<name>', 'backup-definition', 'name of the definition'));
  addDefineOptions(command);
  command
    .option('--replace', 'change a definition that exists; all options are given again')
    .addHelpText(
      'after',
      `
Several --path or --volume of one array are backed up at one instant.

Examples:
  arrayfs backup define nightly --path /srv/db --freeze --schedule '30 2 * * *' --keep daily=7,weekly=4
  arrayfs backup define weekly --path /srv/db --method mirror --to db-copy --then tape0
  arrayfs backup define both --volume db --volume log --label 'orders db'`,
    )
    .action(async (name: string, options: DefineOptions, command: Command) => {
      await withServer(command, async (session) => {
        const { server } = session;
        const client = await clientName(server, options.client);
        const { definitionOf } = await import('./backup-definition-of.js');
        const definition = definitionOf(name, client, options);
        if (options.replace !== true) await refuseExisting(server, name);
        await server.putDefinition(definition);
        for (const problem of await problemsNow(session, definition)) note(problem);
        if (wantsJson(command)) printJson({ ok: true, definition });
        else print(`${name} is defined for client ${client}`);
      });
    });
}

/** Why a run would fail now, where the client is there: what is missing may come before the first run. */
async function problemsNow(
  { server, outcome }: BackupSession,
  { name, client }: BackupDefinition,
): Promise<readonly string[]> {
  const row = (await server.clients()).find((one) => one.name === client);
  if (row?.isConnected !== true) return [];
  try {
    const errand = await server.checkDefinition(name);
    const { lines } = await outcome('check', { errand, label: `check of ${name}` });
    return lines.filter((line) => line.startsWith(CANNOT));
  } catch (error) {
    return [`not checked: ${asArrayError(error).reason}`];
  }
}

async function refuseExisting(server: ServerClient, name: string): Promise<void> {
  const rows = await server.definitions();
  if (rows.some(({ definition }) => definition.name === name)) {
    throw new ArrayError('EEXIST', `'${name}' is defined already: --replace changes it`);
  }
}

function definitionArgument() {
  return namedArgument('<name>', 'backup-definition', 'a definition');
}
