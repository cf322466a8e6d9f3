/**
 * The errands that look into a backup ([004] fig. 13): `files` lists a directory, `restoreFiles` copies files out.
 * The backup is connected, looked into and released in each errand; what a crash has left is released by the notes, and the
 * errand begins again.
 */
import type { ErrandContext, ErrandHandler } from '../client/errand-handler.js';
import type { ErrandInput } from '../errands.js';
import { dropImage, imageOf } from '../media/image-of.js';
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
  perform: (input, context) =>
    lookingInto(input, context, ({ root }) => listFiles(root, input.path)),
});

export const restoreFilesHandler: ErrandHandler<'restoreFiles'> = againAfterCrash({
  async perform(input, context) {
    const { paths, to } = input;
    const { files, bytes } = await lookingInto(input, context, ({ root }) => {
      context.report({ step: 'copy', text: `copying to ${to}`, done: 0, total: 0 });
      return copyFiles(root, paths, to, context);
    });
    return { lines: [], files, bytes };
  },
});

/** What a crash leaves. */
interface LookNotes {
  /** A volume that one on tape was brought back to. */
  readonly volume?: string;
  readonly connection?: ConnectionNotes;
}

/** `look` at the mounted backup; afterwards nothing of the connection is left, however it ends. */
async function lookingInto<T>(
  { entry, chain }: Pick<ErrandInput<'files'>, 'entry' | 'chain'>,
  context: ErrandContext,
  look: (connected: ConnectedBackup) => Promise<T>,
): Promise<T> {
  let notes: LookNotes = {};
  const note = async (change: LookNotes) => {
    notes = { ...notes, ...change };
    await context.note(notes);
  };
  const image = await imageOf(entry, chain, context, (volume) => note({ volume }));
  try {
    const planned = planConnection(image, entry.id, context);
    context.report({ step: 'connect', text: `connecting backup ${entry.id}`, done: 0, total: 0 });
    const connected = await connectBackup(image, planned, context, (connection) =>
      note({ connection }),
    );
    return await look(connected);
  } finally {
    if (notes.connection !== undefined) await releaseBackup(notes.connection, context);
    await image.release();
  }
}

function againAfterCrash<K extends 'files' | 'restoreFiles'>(
  handler: ErrandHandler<K>,
): ErrandHandler<K> {
  return {
    ...handler,
    async recover(input, context) {
      const { connection, volume } = (context.noted ?? {}) as LookNotes;
      if (connection !== undefined) await releaseBackup(connection, context);
      if (volume !== undefined) await dropImage(input.entry.arrayUuid, volume, context);
      return handler.perform(input, context);
    },
  };
}
