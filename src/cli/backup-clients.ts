/** Machines that back up, and what they see: clients, client-add, client-remove, paths, destinations. */
import { chmodSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { ServerClient } from '../backup/server-client.js';
import { ArrayError } from '../base/errors.js';
import { clientOption } from './backup-definition-options.js';
import { clientName, withServer } from './backup-server-option.js';
import { clientsText, destinationsText, pathsText } from './backup-tables.js';
import { namedArgument, namedOption, nameOrPath } from './backup-words.js';
import { wantsJson } from './global-options.js';
import { print, printJson } from './output.js';

const OWNER_ONLY = 0o600;
/** As the value of --out: print it. */
const TERMINAL = '-';

interface ClientOption {
  readonly client?: string;
}

interface AddOptions {
  readonly out?: string;
  readonly replace?: boolean;
}

export function addBackupClientCommands(group: Command): void {
  group
    .command('clients')
    .description('list the clients the server knows, and their arrays')
    .action(async (_options: unknown, command: Command) => {
      const rows = await withServer(command, ({ server }) => server.clients());
      if (wantsJson(command)) printJson(rows);
      else print(clientsText(rows));
    });
  addClientAdd(group);
  group
    .command('client-remove')
    .description('forget a client; its token is worth nothing any more')
    .addArgument(namedArgument('<name>', 'backup-client', 'a client'))
    .action(async (name: string, _options: unknown, command: Command) => {
      await withServer(command, ({ server }) => server.deleteClient(name));
      if (wantsJson(command)) printJson({ ok: true, removed: name });
      else print(`client ${name} is removed`);
    });
  addPaths(group);
  addDestinations(group);
}

function addClientAdd(group: Command): void {
  group
    .command('client-add')
    .description('let a client in: its token is written to a file, for its --token-file')
    .argument('<name>', 'name of the client')
    .addOption(
      namedOption('--out <file>', 'file', 'where to; default: ./NAME.token; -: print the token'),
    )
    .option('--replace', 'a new token for a client that exists; the old one is worth nothing')
    .addHelpText(
      'after',
      `
Examples:
  arrayfs backup client-add alpha                   writes alpha.token, mode 0600
  arrayfs backup client-add alpha --out - --replace | ssh alpha 'umask 077; cat > /etc/arrayfs.token'`,
    )
    .action(async (name: string, options: AddOptions, command: Command) => {
      await withServer(command, async ({ server }) => {
        if (options.replace !== true) await refuseExisting(server, name);
        const json = wantsJson(command);
        if (options.out === TERMINAL) {
          const token = await server.putClient(name);
          return json ? printJson({ ok: true, client: name, token }) : print(token);
        }
        const file = resolve(options.out ?? `${name}.token`);
        // Before the server makes the token: it is told once.
        makeTokenFile(file, options.replace === true);
        writeFileSync(file, `${await server.putClient(name)}\n`);
        if (json) printJson({ ok: true, client: name, file });
        else print(`the token of client ${name} is in ${file}`);
      });
    });
}

async function refuseExisting(server: ServerClient, name: string): Promise<void> {
  if ((await server.clients()).some((row) => row.name === name)) {
    throw new ArrayError('EEXIST', `client '${name}' exists already: --replace gives a new token`);
  }
}

/** Empty, for its owner alone. */
function makeTokenFile(file: string, replace: boolean): void {
  writeFileSync(file, '', { mode: OWNER_ONLY, flag: replace ? 'w' : 'wx' });
  chmodSync(file, OWNER_ONLY);
}

function addPaths(group: Command): void {
  group
    .command('paths')
    .description('show on which array, port, LUN and volume a client has its file systems')
    .addOption(clientOption('that is asked; default: the only one'))
    .action(async (options: ClientOption, command: Command) => {
      await withServer(command, async ({ server, outcome }) => {
        const client = await clientName(server, options.client);
        const errand = await server.paths(client);
        const { rows } = await outcome('paths', { errand, label: `paths of ${client}` });
        if (wantsJson(command)) printJson(rows);
        else print(pathsText(rows));
      });
    });
}

function addDestinations(group: Command): void {
  group
    .command('destinations')
    .description('list the volumes that can be mirrors of a file system or volume')
    .addArgument(
      namedArgument('[path]', 'directory', 'a path or volume; default: all that are mounted'),
    )
    .addOption(clientOption('that is asked; default: the only one'))
    .action(async (given: string | undefined, options: ClientOption, command: Command) => {
      await withServer(command, async ({ server, outcome }) => {
        const client = await clientName(server, options.client);
        const path = given === undefined ? null : nameOrPath(given);
        const errand = await server.destinations(client, { path });
        const label = `destinations of ${client}`;
        const { rows } = await outcome('destinations', { errand, label });
        if (wantsJson(command)) printJson(rows);
        else print(destinationsText(rows));
      });
    });
}
