/** `arrayfs backup`: the commands of the backup manager, each a request to its server. */
import type { Command } from 'commander';
import { addBackupCatalogCommands } from './backup-catalog-commands.js';
import { addBackupClientCommands } from './backup-clients.js';
import { addBackupCopyCommands } from './backup-copy-commands.js';
import { addBackupDefinitionCommands } from './backup-definition-commands.js';
import { addBackupRestoreCommands } from './backup-restore-commands.js';
import { addBackupRetentionCommands } from './backup-retention-commands.js';
import { addBackupRunCommands } from './backup-run-commands.js';
import { addServerOptions } from './backup-server-option.js';
import { groupCommand } from './table-commands.js';

export function addBackupCommands(program: Command): void {
  const group = groupCommand(program, 'backup');
  addServerOptions(group);
  addBackupDefinitionCommands(group);
  addBackupRunCommands(group);
  addBackupCatalogCommands(group);
  addBackupRestoreCommands(group);
  addBackupCopyCommands(group);
  addBackupRetentionCommands(group);
  addBackupClientCommands(group);
}
