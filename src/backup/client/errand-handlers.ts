/** Who carries out which kind of errand: one row each. */
import { ArrayError } from '../../base/errors.js';
import { copyHandler, tapeCopyHandler } from '../media/copy-handlers.js';
import { deleteBackup } from '../media/delete-backup.js';
import { rescan } from '../media/rescan.js';
import { recoverVerify, verifyBackup } from '../media/verify-backup.js';
import { filesHandler, restoreFilesHandler } from '../volumes/look-into.js';
import { pathsHandler } from '../volumes/paths.js';
import { backupHandler } from './backup-handler.js';
import type { ErrandHandlers } from './errand-handler.js';

export const ERRAND_HANDLERS: ErrandHandlers = {
  paths: pathsHandler,
  destinations: { perform: notYet },
  check: { perform: notYet },
  backup: backupHandler,
  verify: { perform: verifyBackup, recover: recoverVerify },
  files: filesHandler,
  restoreFiles: restoreFilesHandler,
  restore: { perform: notYet },
  delete: { perform: deleteBackup, recover: deleteBackup },
  rescan: { perform: rescan, recover: rescan },
  tapeCopy: tapeCopyHandler,
  copy: copyHandler,
};

/** Until the handler of the row is there. */
async function notYet(): Promise<never> {
  throw new ArrayError('EOPNOTSUPP', 'this backup client cannot do that');
}
