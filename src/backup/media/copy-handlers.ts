/**
 * The errands that copy a backup: to tape ([004] fig. 16), also moving it there, and to a volume of this or another array (fig. 19). Each goes
 * on where its notes say: the copy as far as the array has it, then the catalog, then, of a move, the original.
 */
import type { BackupEntry } from '../backup-entry.js';
import type { ErrandContext, ErrandHandler } from '../client/errand-handler.js';
import type { ErrandInput, ErrandOutput } from '../errands.js';
import { type ArrayCopyNotes, copyToVolume } from './copy-backup.js';
import { deleteBackup } from './delete-backup.js';
import { copyToTape, type MadeCopy, type TapeCopyNotes } from './tape-copy.js';

/** What comes first, while it lasts; then what came of it. */
interface CopyNotes<Notes> {
  readonly copy?: Notes;
  readonly made?: MadeCopy;
}

export const tapeCopyHandler: ErrandHandler<'tapeCopy'> = { perform: tapeCopy, recover: tapeCopy };
export const copyHandler: ErrandHandler<'copy'> = { perform: copy, recover: copy };

async function tapeCopy(
  { move, ...order }: ErrandInput<'tapeCopy'>,
  context: ErrandContext,
): Promise<ErrandOutput<'tapeCopy'>> {
  const made = await once<TapeCopyNotes>(context, (earlier, note) => {
    return copyToTape(order, context, earlier, note);
  });
  if (!move) return { lines: [...made.lines] };
  const { lines } = await deleteBackup({ entry: order.entry }, context);
  return { lines: [...made.lines, ...lines] };
}

async function copy(
  order: ErrandInput<'copy'>,
  context: ErrandContext,
): Promise<ErrandOutput<'copy'>> {
  const made = await once<ArrayCopyNotes>(context, (earlier, note) => {
    return copyToVolume(order, context, earlier, note);
  });
  return { lines: [...made.lines] };
}

/** The copy is made once, and is in the catalog then. */
async function once<Notes>(
  context: ErrandContext,
  work: (earlier: Notes | undefined, note: (notes: Notes) => Promise<void>) => Promise<MadeCopy>,
): Promise<MadeCopy> {
  const noted = (context.noted ?? {}) as CopyNotes<Notes>;
  const made =
    noted.made ?? (await work(noted.copy, (copyNotes) => context.note({ copy: copyNotes })));
  await context.note({ made });
  const add: BackupEntry[] = [made.entry];
  await context.catalog({ add, remove: [] });
  return made;
}
