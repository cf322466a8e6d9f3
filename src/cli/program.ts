/** The whole command line as one commander program; the completion reads the same object. */
import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { addBackupClientCommand } from './backup-client-command.js';
import { addBackupCommands } from './backup-commands.js';
import { addBackupServerCommand } from './backup-server-command.js';
import { addCheckCommand } from './check-command.js';
import { addCompletionCommand } from './completion-command.js';
import { addEventsCommand } from './events-command.js';
import { addGlobalOptions } from './global-options.js';
import { addInfoCommands } from './info-commands.js';
import { addInitCommand } from './init.js';
import { addJobCommands } from './job-commands.js';
import { addListCommands } from './list-commands.js';
import { addMountCommand } from './mount-command.js';
import { oneLine } from './output.js';
import { addPairCommands } from './pair-commands.js';
import { addScsiCommand } from './scsi-command.js';
import { addStatusCommand } from './status-command.js';
import { addTableCommands } from './table-commands.js';
import { addTapeCommands } from './tape-commands.js';
import { addUmountCommand } from './umount-command.js';

const HELP_AFTER = `
Exit status: 0 done, 1 refused, failed or a wrong command line; check has its own.

Examples:
  arrayfs init /srv/array --capacity 200G
  arrayfs mount /srv/array /mnt/array
  arrayfs volume create db 10G
  arrayfs snapshot create db --name monday
  arrayfs pair create db db-copy
  arrayfs status volumes

Each command is also a file: see cat /mnt/array/ctl/help.`;

export function buildProgram(): Command {
  const program = new Command('arrayfs')
    .description('A virtual disk array that you mount: volumes, snapshots and commands are files.')
    .version(packageVersion(), '-V, --version', 'print the version')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      outputError: (text, write) => write(`arrayfs: ${oneLine(text)}\n`),
    })
    .exitOverride()
    .addHelpText('after', HELP_AFTER);
  addGlobalOptions(program);
  addInitCommand(program);
  addMountCommand(program);
  addUmountCommand(program);
  addStatusCommand(program);
  addTableCommands(program);
  addListCommands(program);
  addPairCommands(program);
  addInfoCommands(program);
  addJobCommands(program);
  addEventsCommand(program);
  addTapeCommands(program);
  addScsiCommand(program);
  addBackupClientCommand(program);
  addBackupCommands(program);
  addBackupServerCommand(program);
  addCheckCommand(program);
  addCompletionCommand(program);
  shareSettings(program);
  return program;
}

/** Commands that were not made by their parent have not taken over its settings. */
function shareSettings(parent: Command): void {
  for (const command of parent.commands) {
    command.copyInheritedSettings(parent);
    shareSettings(command);
  }
}

function packageVersion(): string {
  const text = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
