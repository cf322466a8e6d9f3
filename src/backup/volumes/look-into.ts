/**
 * The errands that look into a backup ([004] fig. 13): `files` lists a directory, `restoreFiles` copies files out.
 * The backup is connected, looked into and released in each errand; what a crash has left is released by the notes, and the
 * errand begins again.
 */
import type { BackupEntry } from '../backup-entry.js';
import type { ErrandContext, ErrandHandler } from '../client/errand-handler.js';
import { backupImage } from './backup-image.js';
import {
  type ConnectedBackup,
  type ConnectionNotes,
  connectBackup,
  planConnection,
  releaseBackup,
} from './connected-backup.js';
import { copyFiles } from './copy-files.js';
import { listFiles } from './list-files.js';

export const filesHandler: ErrandHandler<'files'> = againAfterCrash({
  perform: ({ entry, path }, context) =>
    lookingInto(entry, context, ({ root }) => listFiles(root, path)),
});

export const restoreFilesHandler: ErrandHandler<'restoreFiles'> = againAfterCrash({
  async perform({ entry, paths, to }, context) {
    const { files, bytes } = await lookingInto(entry, context, ({ root }) => {
      context.report({ step: 'copy', text: `copying to ${to}`, done: 0, total: 0 });
      return copyFiles(root, paths, to, context);
    });
    return { lines: [`${paths.join(', ')} of backup ${entry.id} restored to ${to}`], files, bytes };
  },
});

/** `look` at the mounted backup; afterwards nothing of the connection is left, however it ends. */
async function lookingInto<T>(
  entry: BackupEntry,
  context: ErrandContext,
  look: (connected: ConnectedBackup) => Promise<T>,
): Promise<T> {
  const image = await backupImage(entry, context);
  let notes = planConnection(image, entry.id, context);
  const note = async (changed: ConnectionNotes) => {
    notes = changed;
    await context.note(changed);
  };
  context.report({ step: 'connect', text: `connecting backup ${entry.id}`, done: 0, total: 0 });
  try {
    return await look(await connectBackup(image, notes, context, note));
  } finally {
    await releaseBackup(notes, context);
  }
}

function againAfterCrash<K extends 'files' | 'restoreFiles'>(
  handler: ErrandHandler<K>,
): ErrandHandler<K> {
  return {
    ...handler,
    async recover(input, context) {
      if (context.noted !== undefined) {
        await releaseBackup(context.noted as ConnectionNotes, context);
      }
      return handler.perform(input, context);
    },
  };
}
