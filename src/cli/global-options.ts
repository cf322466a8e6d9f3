/**
 * The options every command has, and the mounted array they lead to.
 */
import type { Command } from 'commander';
import { ArrayClient } from '../client/array-client.js';
import { chooseMount } from '../client/mount-choice.js';
import { arrayMounts } from '../host/mount-table.js';

export interface GlobalOptions {
  readonly mount?: string;
  readonly json?: boolean;
}

export function addGlobalOptions(program: Command): void {
  program
    .option(
      '--mount <dir>',
      'the mounted array; default: ARRAYFS_MOUNT, that of the current directory, or the only one',
    )
    .option('--json', 'print one JSON value');
}

export function wantsJson(command: Command): boolean {
  return command.optsWithGlobals<GlobalOptions>().json === true;
}

/** The array a command is for; decided without touching any mount. */
export function clientFor(command: Command): ArrayClient {
  return clientAt(command.optsWithGlobals<GlobalOptions>().mount);
}

export function clientAt(mountOption: string | undefined): ArrayClient {
  const wish = {
    option: mountOption,
    environment: process.env.ARRAYFS_MOUNT,
    currentDirectory: currentDirectory(),
  };
  return new ArrayClient(chooseMount(wish, arrayMounts()));
}

function currentDirectory(): string | undefined {
  try {
    return process.cwd();
  } catch {
    return undefined;
  }
}
