/** `arrayfs backup-server`: the backup server as a program, in the foreground until SIGTERM or an interrupt. */
import type { Command } from 'commander';
import type { ServerCommandOptions } from './backup-server-run.js';
import { completeWith } from './completion-kinds.js';

const DEFAULT_LISTEN = '127.0.0.1:7070';

export function addBackupServerCommand(program: Command): void {
  const command = program
    .command('backup-server')
    .description('keep the catalog, the definitions and the schedule of backups; ends with SIGTERM')
    .requiredOption('--data <dir>', 'directory of catalog, definitions and tokens; made if needed')
    .option('--listen <host:port>', 'where clients and command lines reach it', DEFAULT_LISTEN)
    .option('--tls-cert <file>', 'certificate chain, PEM: the server speaks HTTPS')
    .option('--tls-key <file>', 'its private key, PEM')
    .option(
      '--on-failure <command>',
      'shell command to run when a run has failed; it reads the run as JSON',
    )
    .addHelpText(
      'after',
      `
It prints one line when it listens; its log goes to stderr, one JSON object in a line.

Examples:
  arrayfs backup-server --data /srv/backup
  arrayfs backup-server --data /srv/backup --listen 0.0.0.0:7070 --tls-cert /etc/ssl/b.pem --tls-key /etc/ssl/b.key
  arrayfs backup-server --data /srv/backup --on-failure 'mail -s "backup $ARRAYFS_BACKUP_DEFINITION failed" root'`,
    )
    .action(async (options: ServerCommandOptions, self: Command) => {
      const { runBackupServer } = await import('./backup-server-run.js');
      await runBackupServer(options, self.parent?.version() ?? '');
    });
  for (const option of command.options) {
    if (option.long === '--data') completeWith(option, 'directory');
    if (option.long?.startsWith('--tls-')) completeWith(option, 'file');
  }
}
