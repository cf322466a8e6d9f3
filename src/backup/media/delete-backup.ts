/**
 * Deletes a backup ([004] fig. 14): the snapshot with its sector, or the sector alone of a volume, which keeps its content; then the
 * entry. The array goes first: a crash in between leaves an entry without a backup, which the next attempt removes. What is not that
 * backup any more is left as it is, and so is what has a sector that cannot be read: it may be of something else.
 */
import { ArrayError } from '../../base/errors.js';
import { arrayTable } from '../array-tables.js';
import type { BackupEntry } from '../backup-entry.js';
import type { ErrandContext, KnownArray } from '../client/errand-handler.js';
import type { ErrandInput, ErrandOutput } from '../errands.js';
import type { ArrayCopy } from './array-copies.js';
import { absence, arrayOf, locate } from './locate.js';

export async function deleteBackup(
  { entry }: ErrandInput<'delete'>,
  context: ErrandContext,
): Promise<ErrandOutput<'delete'>> {
  const line = await clearBackup(entry, context);
  await context.catalog({ add: [], remove: [entry.id] });
  return { lines: [line] };
}

/** What was done, for people. EBUSY while something uses it. */
async function clearBackup(entry: BackupEntry, context: ErrandContext): Promise<string> {
  const { id, place } = entry;
  if (place.kind === 'tape') {
    const where = place.cartridges.map((name) => `${place.device}/${name}`).join(', ');
    return `backup ${id} stays on ${where} until that is erased or overwritten: it is forgotten, a rescan of tapes finds it again`;
  }
  const array = await arrayOf(entry.arrayUuid, context);
  const now = await locate(array, entry);
  if (now.is === 'unreadable') return forgotten(id, now.copy, now.reason);
  if (now.is !== 'there') return `backup ${id} was not there any more: ${absence(now)}`;
  const { copy, snapshot } = now.copy;
  await refuseCopied(array, copy);
  if (snapshot !== null) {
    await array.client.run({ name: 'delete', words: [copy], options: {} });
    return `deleted snapshot ${copy}`;
  }
  await array.client.run({ name: 'info', words: [copy], options: { clear: 'yes' } });
  return `volume ${copy} holds no backup any more; its content is as it was`;
}

function forgotten(id: string, { copy, snapshot }: ArrayCopy, reason: string): string {
  const command =
    snapshot === null ? `arrayfs info clear ${copy}` : `arrayfs snapshot delete ${copy}`;
  return `backup ${id} is forgotten; ${copy} stays as it is (${reason}): '${command}' removes what is left`;
}

/** Clearing the sector of a volume is no change of the volume to the array: it would let it happen. */
async function refuseCopied({ client }: KnownArray, copy: string): Promise<void> {
  const job = (await arrayTable(client, 'jobs')).find(({ state, kind, subject }) => {
    return state === 'running' && kind === 'ecopy' && subject.split(' ')[0] === copy;
  });
  if (job !== undefined) {
    throw new ArrayError('EBUSY', `${copy} is being copied by job ${job.id}`);
  }
}
