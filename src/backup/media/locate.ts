/**
 * Where a backup of the catalog is now. The array decides, by the sector: a volume may have been renamed, deleted, overwritten or
 * given to another backup behind the server's back.
 */
import { ArrayError, asArrayError } from '../../base/errors.js';
import type { BackupEntry } from '../backup-entry.js';
import type { ErrandContext, KnownArray } from '../client/errand-handler.js';
import { backupInfo, isOfEntry } from '../sector-entry.js';
import { type ArrayCopy, readCopies } from './array-copies.js';

export type Located =
  | { readonly is: 'there'; readonly copy: ArrayCopy }
  /** Volume or snapshot are there, and hold something else: why. */
  | { readonly is: 'other'; readonly copy: ArrayCopy; readonly reason: string }
  /** They hold a sector that is damaged or of a newer version: what it says is not known. */
  | { readonly is: 'unreadable'; readonly copy: ArrayCopy; readonly reason: string }
  | { readonly is: 'gone' };

/** ENXIO where the array is not mounted here. */
export async function arrayOf(uuid: string, context: ErrandContext): Promise<KnownArray> {
  const array = (await context.arrays()).find((one) => one.uuid === uuid);
  if (array !== undefined) return array;
  const { name } = context.configuration;
  throw new ArrayError('ENXIO', `array ${uuid} is not mounted at backup client ${name}`);
}

/** Waits for it; for what is to be brought to its end after an abort it must be there (ENXIO). */
export function reachedArray(uuid: string, context: ErrandContext): Promise<KnownArray> {
  return context.signal.aborted ? arrayOf(uuid, context) : context.untilArray(uuid);
}

/** Of a backup that is on an array. */
export async function locate(array: KnownArray, entry: BackupEntry): Promise<Located> {
  const { place } = entry;
  if (place.kind === 'tape') throw new ArrayError('EINVAL', `backup ${entry.id} is on tape`);
  const { copies } = await readCopies(array);
  const name = place.kind === 'snapshot' ? `${place.volume}@${place.snapshot}` : place.volume;
  const copy =
    copies.find(({ uuid }) => uuid === entry.volumeUuid) ?? copies.find((one) => one.copy === name);
  if (copy === undefined) return { is: 'gone' };
  const sector = await array.client.readInfo(copy.copy);
  try {
    const reason = otherContent(sector, entry);
    return reason === undefined ? { is: 'there', copy } : { is: 'other', copy, reason };
  } catch (error) {
    return { is: 'unreadable', copy, reason: asArrayError(error).reason };
  }
}

/** As above, where it must be there: ENOENT with the reason, EINVAL where its sector cannot be read. */
export async function located(array: KnownArray, entry: BackupEntry): Promise<ArrayCopy> {
  const now = await locate(array, entry);
  if (now.is === 'there') return now.copy;
  if (now.is === 'unreadable') throw new ArrayError('EINVAL', now.reason);
  throw new ArrayError('ENOENT', `backup ${entry.id} is not there any more: ${absence(now)}`);
}

export function absence(now: Extract<Located, { is: 'gone' | 'other' }>): string {
  return now.is === 'gone' ? 'it was deleted' : `${now.copy.copy} ${now.reason}`;
}

/** EINVAL where the sector cannot be read. */
function otherContent(sector: Uint8Array | undefined, entry: BackupEntry): string | undefined {
  if (sector === undefined) return 'has no volume information any more';
  const info = backupInfo(sector);
  if (info === undefined) return 'has volume information of something else';
  return isOfEntry(info, entry) ? undefined : `holds backup ${info.jobNumber} now`;
}
