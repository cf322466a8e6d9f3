/** A backup onto another medium: tape-copy, copy. */
import type { Command } from 'commander';
import { backupArgument } from './backup-catalog-commands.js';
import { withServer } from './backup-server-option.js';
import { namedArgument, nameOrPath } from './backup-words.js';
import { wantsJson } from './global-options.js';
import { printLines } from './output.js';

interface TapeCopyOptions {
  readonly move?: boolean;
  readonly incremental?: boolean;
}

interface CopyOptions {
  readonly incremental?: boolean;
  readonly force?: boolean;
}

export function addBackupCopyCommands(group: Command): void {
  group
    .command('tape-copy')
    .description('copy a backup to a backup device, with all that is known of it')
    .addArgument(backupArgument())
    .addArgument(namedArgument('<device>', 'device', 'such as tape0, or tape0/AFS001'))
    .option('--move', 'delete the backup when the copy is made')
    .option('--incremental', 'only what has changed since the last copy there')
    .addHelpText(
      'after',
      `
Examples:
  arrayfs backup tape-copy 12 tape0
  arrayfs backup tape-copy 12 tape0/AFS001 --move`,
    )
    .action(async (id: string, device: string, options: TapeCopyOptions, command: Command) => {
      await withServer(command, async ({ server, outcome }) => {
        const errand = await server.act(id, 'tape-copy', {
          device,
          move: options.move === true,
          incremental: options.incremental === true,
        });
        const label = `copy of ${id} to ${device}`;
        const { lines } = await outcome('tapeCopy', { errand, label });
        printLines(lines, `copied ${id} to ${device}`, wantsJson(command));
      });
    });
  group
    .command('copy')
    .description('copy a backup to a volume of this or another array')
    .addArgument(backupArgument())
    .addArgument(
      namedArgument('<destination>', 'volume', "a volume's name, or its path in a mounted array"),
    )
    .option('--incremental', 'only what has changed since the last copy there')
    .option('--force', 'overwrite a volume that is open for writing')
    .addHelpText(
      'after',
      `
Examples:
  arrayfs backup copy 12 /mnt/array2/volumes/db
  arrayfs backup copy 13 /mnt/array2/volumes/db --incremental`,
    )
    .action(async (id: string, given: string, options: CopyOptions, command: Command) => {
      const destination = nameOrPath(given);
      await withServer(command, async ({ server, outcome }) => {
        const errand = await server.act(id, 'copy', {
          destination,
          incremental: options.incremental === true,
          force: options.force === true,
        });
        const label = `copy of ${id} to ${destination}`;
        const { lines } = await outcome('copy', { errand, label });
        printLines(lines, `copied ${id} to ${destination}`, wantsJson(command));
      });
    });
}
