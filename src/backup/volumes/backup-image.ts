/**
 * Where the image of a backup on disk is now: by the UUID of its volume or snapshot, whatever that is called by
 * now, and only where its sector still is that of the backup.
 */
import { ArrayError } from '../../base/errors.js';
import type { BackupEntry } from '../backup-entry.js';
import type { ErrandContext, KnownArray } from '../client/errand-handler.js';
import { type ArrayCopy, readCopies } from '../media/array-copies.js';
import { backupInfo, isOfEntry } from '../sector-entry.js';

export interface BackupImage {
  readonly array: KnownArray;
  readonly copy: ArrayCopy;
}

/** ENOENT where it is gone or holds another backup by now, ENXIO where its array is not mounted here. */
export async function backupImage(
  entry: BackupEntry,
  context: Pick<ErrandContext, 'arrays'>,
): Promise<BackupImage> {
  const array = (await context.arrays()).find(({ uuid }) => uuid === entry.arrayUuid);
  if (array === undefined) {
    throw new ArrayError(
      'ENXIO',
      `backup ${entry.id} is on the array ${entry.arrayUuid}, which is not mounted here`,
    );
  }
  const copy = (await readCopies(array)).copies.find(({ uuid }) => uuid === entry.volumeUuid);
  if (copy === undefined) {
    throw new ArrayError('ENOENT', `backup ${entry.id} is gone: ${placeText(entry)} was deleted`);
  }
  const sector = await array.client.readInfo(copy.copy);
  const held = sector && backupInfo(sector);
  if (held === undefined || !isOfEntry(held, entry)) {
    const now = held === undefined ? 'no backup' : `backup ${held.jobNumber}`;
    throw new ArrayError('ENOENT', `backup ${entry.id} is gone: ${copy.copy} holds ${now} now`);
  }
  return { array, copy };
}

function placeText({ place }: BackupEntry): string {
  switch (place.kind) {
    case 'snapshot':
      return `snapshot ${place.volume}@${place.snapshot}`;
    case 'tape':
      return `what is on ${place.cartridges.join(', ')}`;
    default:
      return `volume ${place.volume}`;
  }
}
