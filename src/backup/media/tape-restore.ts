/**
 * Brings an image from tape back to a volume of the array that reaches the tape: whole, or as a chain, each increment onto what it
 * is based on. The array needs to know nothing of the volume that was backed up.
 */
import { ArrayError, asArrayError } from '../../base/errors.js';
import { arrayTable } from '../array-tables.js';
import type { BackupEntry } from '../backup-entry.js';
import type { ErrandContext, KnownArray } from '../client/errand-handler.js';
import { backupInfo, isOfEntry } from '../sector-entry.js';
import { runJob } from './array-job.js';
import { reachedArray } from './locate.js';

export interface RestoreTarget {
  readonly volume: string;
  /** It may be open for writing. */
  readonly force?: boolean;
  /** Where it is made, if it is not there. */
  readonly pool?: string;
  /** Base64 of the volume information that it gets; absent: none. */
  readonly information?: string;
}

/**
 * Overwrites or makes the volume; afterwards it has the image. Where it fails the array calls the volume
 * failed, as it holds half a copy. ENODEV where a cartridge is missing, ENOENT where the backup is not on it any more.
 */
export async function restoreTape(
  array: KnownArray,
  entry: BackupEntry,
  chain: readonly BackupEntry[],
  target: RestoreTarget,
  context: ErrandContext,
): Promise<void> {
  const { volume, force = false, pool, information } = target;
  // All of them are looked for before the first byte is overwritten.
  const parts: { readonly source: string; readonly backup: string }[] = [];
  for (const part of [...chain, entry]) parts.push(await findOnTape(array, part, context));
  for (const [index, { source, backup }] of parts.entries()) {
    const isFirst = index === 0;
    const isLast = index + 1 === parts.length;
    const options = {
      backup,
      ...(force && { force: 'yes' }),
      ...(isFirst && pool !== undefined && { pool }),
      ...(isLast && information !== undefined && { info: information }),
    };
    const step = parts.length === 1 ? 'restore' : `restore ${index + 1}`;
    await runJob(array, { name: 'ecopy', words: [source, volume], options }, context, step);
  }
  if (information !== undefined) return;
  // It came along, and is that of the backup on tape.
  const now = await reachedArray(array.uuid, context);
  await now.client.run({ name: 'info', words: [volume], options: { clear: 'yes' } });
}

/** The cartridge where it begins, and its UUID on tape. */
async function findOnTape(array: KnownArray, entry: BackupEntry, context: ErrandContext) {
  const { id, place } = entry;
  if (place.kind !== 'tape') throw new ArrayError('EINVAL', `backup ${id} is not on tape`);
  const { device, cartridges } = place;
  const [cartridge = ''] = cartridges;
  await listCartridge(array, device, cartridge, context);
  const state = (await arrayTable(array.client, 'devices')).find(({ name }) => name === device);
  if (state?.state !== 'available') {
    const why = state === undefined ? 'is not defined' : `is not available: ${state.state}`;
    throw new ArrayError('ENODEV', `device ${device} ${why}`);
  }
  const missing = cartridges.filter((name) => !state.media?.some((medium) => medium.name === name));
  if (missing.length > 0) {
    const which = `${missing.join(', ')} of backup ${id}`;
    throw new ArrayError('ENODEV', `cartridge ${which} is not in a slot of ${device}`);
  }
  const rows = (await arrayTable(array.client, 'backups')).filter((row) => {
    return row.device === device && row.medium === cartridge;
  });
  const mine = rows.find(({ information }) => information !== null && isOf(information, entry));
  if (mine?.backup) return { source: `${device}/${cartridge}`, backup: mine.backup };
  const problem = rows.find(({ problems }) => problems.length > 0)?.problems[0];
  if (problem !== undefined) throw new ArrayError('EIO', `${device}/${cartridge}: ${problem}`);
  throw new ArrayError('ENOENT', `backup ${id} is not on cartridge ${cartridge} any more`);
}

async function listCartridge(
  array: KnownArray,
  device: string,
  cartridge: string,
  context: ErrandContext,
): Promise<void> {
  const options = { backups: 'yes', medium: cartridge };
  await runJob(array, { name: 'discover', words: [device], options }, context, 'tapes');
}

/** One that cannot be read is another backup's. */
function isOf(information: string, entry: BackupEntry): boolean {
  try {
    const info = backupInfo(Buffer.from(information, 'base64'));
    return info !== undefined && isOfEntry(info, entry);
  } catch (error) {
    if (asArrayError(error).code !== 'EINVAL') throw error;
    return false;
  }
}
