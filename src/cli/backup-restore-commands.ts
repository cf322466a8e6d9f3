/** Back from a backup: files, restore-file, restore. */
import type { Command } from 'commander';
import { formatSize } from '../base/sizes.js';
import { backupArgument } from './backup-catalog-commands.js';
import {
  addHookOptions,
  arrayOption,
  type HookOptions,
  hookOf,
} from './backup-definition-options.js';
import { withServer } from './backup-server-option.js';
import { filesText } from './backup-tables.js';
import { absolutePath, namedOption, nameOrPath } from './backup-words.js';
import { wantsJson } from './global-options.js';
import { note, print, printJson, printLines } from './output.js';

interface RestoreFileOptions {
  readonly to: string;
}

interface RestoreOptions extends HookOptions {
  readonly to?: string;
  readonly array?: string;
  readonly force?: boolean;
}

export function addBackupRestoreCommands(group: Command): void {
  addFiles(group);
  addRestoreFile(group);
  addRestore(group);
}

function addFiles(group: Command): void {
  group
    .command('files')
    .description('look into a backup without restoring it')
    .addArgument(backupArgument())
    .argument('[path]', 'a file or directory in the backup', '/')
    .addHelpText(
      'after',
      `
Examples:
  arrayfs backup files 12
  arrayfs backup files 12 /var/lib`,
    )
    .action(async (id: string, path: string, _options: unknown, command: Command) => {
      await withServer(command, async ({ server, outcome }) => {
        const errand = await server.act(id, 'files', { path });
        const result = await outcome('files', { errand, label: `files of ${id}` });
        if (wantsJson(command)) printJson(result);
        else print(filesText(result.rows));
        if (result.isTruncated) note('there are more files than are shown');
      });
    });
}

function addRestoreFile(group: Command): void {
  group
    .command('restore-file')
    .description('copy files and directories out of a backup, with owners, modes and attributes')
    .addArgument(backupArgument())
    .argument('<path...>', 'files or directories in the backup')
    .addOption(
      namedOption(
        '--to <dir>',
        'directory',
        'where to, on the client; it must allow it',
      ).makeOptionMandatory(),
    )
    .addHelpText(
      'after',
      `
Examples:
  arrayfs backup restore-file 12 /var/lib/orders --to /tmp/x`,
    )
    .action(async (id: string, paths: string[], { to }: RestoreFileOptions, command: Command) => {
      await withServer(command, async ({ server, outcome }) => {
        const errand = await server.act(id, 'restore-files', { paths, to: absolutePath(to) });
        const label = `restore from ${id}`;
        const result = await outcome('restoreFiles', { errand, label });
        if (wantsJson(command)) return printJson(result);
        const sum = `${amountText(result)} restored to ${absolutePath(to)}`;
        print([...result.lines, sum].join('\n'));
      });
    });
}

/** `1 file (6 bytes)`, `3 files (2.9M)`. */
function amountText({ files, bytes }: { readonly files: number; readonly bytes: number }): string {
  const size = bytes < 1024 ? `${bytes} bytes` : formatSize(bytes);
  return `${files} ${files === 1 ? 'file' : 'files'} (${size})`;
}

function addRestore(group: Command): void {
  const command = group
    .command('restore')
    .description('put a whole volume back: unmount, restore, check, mount')
    .addArgument(backupArgument())
    .addOption(
      namedOption(
        '--to <volume>',
        'volume',
        'overwrite or make this volume; default: the one that was backed up',
      ),
    )
    .addOption(arrayOption('that --to is on; default: that of the source'))
    .option('--force', 'also while the volume is in use');
  addHookOptions(command, 'the restore');
  command
    .addHelpText(
      'after',
      `
The backup is verified before the first byte is overwritten, and a snapshot keeps the present state.

Examples:
  arrayfs backup restore 12
  arrayfs backup restore 12 --to db2
  arrayfs backup restore 12 --pre 'systemctl stop orders' --post 'systemctl start orders'`,
    )
    .action(async (id: string, options: RestoreOptions, command: Command) => {
      await withServer(command, async ({ server, outcome }) => {
        const errand = await server.act(id, 'restore', {
          target: options.to ?? null,
          array: options.array === undefined ? null : nameOrPath(options.array),
          force: options.force === true,
          pre: hookOf(options.pre, options.preTimeout),
          post: hookOf(options.post, options.postTimeout),
        });
        const label = `restore of ${id}`;
        const { lines } = await outcome('restore', { errand, label });
        printLines(lines, `restored ${id}`, wantsJson(command));
      });
    });
}
