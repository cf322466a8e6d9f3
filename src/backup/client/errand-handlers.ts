/** Who carries out which kind of errand: one row each. */
import { copyHandler, tapeCopyHandler } from '../media/copy-handlers.js';
import { deleteBackup } from '../media/delete-backup.js';
import { rescan } from '../media/rescan.js';
import { recoverVerify, verifyBackup } from '../media/verify-backup.js';
import { checkHandler } from '../volumes/check-definition.js';
import { destinationsHandler } from '../volumes/destinations.js';
import { filesHandler, restoreFilesHandler } from '../volumes/look-into.js';
import { pathsHandler } from '../volumes/paths.js';
import { restoreHandler } from '../volumes/restore-volume.js';
import { backupHandler } from './backup-handler.js';
import type { ErrandHandlers } from './errand-handler.js';

export const ERRAND_HANDLERS: ErrandHandlers = {
  paths: pathsHandler,
  destinations: destinationsHandler,
  check: checkHandler,
  backup: backupHandler,
  verify: { perform: verifyBackup, recover: recoverVerify },
  files: filesHandler,
  restoreFiles: restoreFilesHandler,
  restore: restoreHandler,
  delete: { perform: deleteBackup, recover: deleteBackup },
  rescan: { perform: rescan, recover: rescan },
  tapeCopy: tapeCopyHandler,
  copy: copyHandler,
};
