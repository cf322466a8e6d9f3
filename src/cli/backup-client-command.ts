/** `arrayfs backup-client`: its options. The program is loaded when it runs. */
import type { Command } from 'commander';
import type { ClientCommandOptions } from './backup-client-program.js';
import { completeWith } from './completion-kinds.js';

/** Where backups are looked into: LUNs from here on, which hosts seldom have. */
const DEFAULT_RESTORE_PORT = 'CL1-A';
const DEFAULT_RESTORE_LUN = '255';

export function addBackupClientCommand(program: Command): void {
  const command = program
    .command('backup-client')
    .description('carry out backups on the arrays mounted here; ends with SIGTERM')
    .option(
      '--server <url>',
      'the backup server; default: ARRAYFS_BACKUP_SERVER, or that of this machine',
    )
    .option(
      '--token-file <file>',
      'its token; default: ARRAYFS_BACKUP_TOKEN_FILE, or that of this machine',
    )
    .option('--ca <file>', 'certificate authority of the server, PEM')
    .option(
      '--array <mount...>',
      'mount points of the arrays it serves; default: all of this machine',
    )
    .option('--name <name>', 'its name at the server; default: the name of this machine')
    .option('--state <dir>', 'what it must know after a crash')
    .option(
      '--allow <command|dir...>',
      'pre and post commands that may run: texts, or directories of programs',
    )
    .option('--allow-target <dir...>', 'where restored files may be written')
    .option('--restore-port <port>', 'where backups are looked into', DEFAULT_RESTORE_PORT)
    .option('--restore-lun <number>', 'the first LUN for that', DEFAULT_RESTORE_LUN)
    .addHelpText(
      'after',
      `
It prints one line when the server knows it; its log goes to stderr, one JSON object in a line. A server
that is away is waited for.

Examples:
  arrayfs backup-client --array /mnt/array
  arrayfs backup-client --array /mnt/array --allow /etc/arrayfs/hooks --allow-target /restore
  arrayfs backup-client --server https://backup:7070 --token-file /etc/arrayfs/token --ca /etc/arrayfs/ca.pem --name db1`,
    )
    .action(async (options: ClientCommandOptions, self: Command) => {
      const { runClientProgram } = await import('./backup-client-program.js');
      await runClientProgram(options, self.parent?.version() ?? '');
    });
  for (const option of command.options) {
    if (['--state', '--allow-target', '--array'].includes(option.long ?? ''))
      completeWith(option, 'directory');
    if (['--ca', '--token-file'].includes(option.long ?? '')) completeWith(option, 'file');
  }
}
