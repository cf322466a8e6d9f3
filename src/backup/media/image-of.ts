/**
 * A backup as an image that can be read, wherever it is: a snapshot or volume is that image itself, one on tape is brought back to a
 * temporary volume. Who asks for it notes the name of that volume before it is made (`noteVolume`), and after a crash gives it to
 * `dropImage`.
 */
import { type ArrayError, asArrayError } from '../../base/errors.js';
import { arrayTable } from '../array-tables.js';
import type { BackupEntry } from '../backup-entry.js';
import type { ErrandContext, KnownArray } from '../client/errand-handler.js';
import { followJob } from './array-job.js';
import { arrayOf, located, reachedArray } from './locate.js';
import { restoreTape } from './tape-restore.js';

export interface BackupImage {
  readonly array: KnownArray;
  /** VOLUME or VOLUME@SNAPSHOT. */
  readonly copy: string;
  /** Of the image, in the mount. */
  readonly path: string;
  /** It was made for this, and is gone after `release`. */
  readonly isTemporary: boolean;
  release(): Promise<void>;
}

const NAME_BYTES = 4;

/** ENOENT where the backup is not there any more, ENXIO where its array is not mounted here, ENODEV where a cartridge is missing. */
export async function imageOf(
  entry: BackupEntry,
  chain: readonly BackupEntry[],
  context: ErrandContext,
  noteVolume: (volume: string) => Promise<void>,
): Promise<BackupImage> {
  const array = await arrayOf(entry.arrayUuid, context);
  if (entry.place.kind === 'tape') return temporaryImage(array, entry, chain, context, noteVolume);
  const { copy, volume, snapshot } = await located(array, entry);
  const path =
    snapshot === null
      ? array.client.pathOf('volumes', volume)
      : array.client.pathOf('snapshots', volume, snapshot);
  return { array, copy, path, isTemporary: false, release: async () => undefined };
}

async function temporaryImage(
  array: KnownArray,
  entry: BackupEntry,
  chain: readonly BackupEntry[],
  context: ErrandContext,
  noteVolume: (volume: string) => Promise<void>,
): Promise<BackupImage> {
  const random = Buffer.from(context.clock.randomBytes(NAME_BYTES)).toString('hex');
  const volume = `backup-${entry.id}-${random}`;
  await noteVolume(volume);
  const release = () => dropImage(array.uuid, volume, context);
  try {
    await restoreTape(array, entry, chain, { volume }, context);
  } catch (error) {
    await release();
    throw error;
  }
  const path = array.client.pathOf('volumes', volume);
  return { array, copy: volume, path, isTemporary: true, release };
}

/** Deletes the temporary volume, if it is there; a job that still writes to it is cancelled before. */
export async function dropImage(
  arrayUuid: string,
  volume: string,
  context: ErrandContext,
): Promise<void> {
  const array = await reachedArray(arrayUuid, context);
  for (const { id, state, subject } of await arrayTable(array.client, 'jobs')) {
    if (state !== 'running' || subject.split(' ')[1] !== volume) continue;
    await ignoring(['ENOENT', 'EBUSY'], () =>
      array.client.run({ name: 'cancel', words: [`${id}`], options: {} }),
    );
    await ignoring(['EINTR', 'EIO'], () => followJob(array, id, context, 'clean-up'));
  }
  await ignoring(['ENOENT'], () =>
    array.client.run({ name: 'delete', words: [volume], options: {} }),
  );
}

/** Errors with these codes are no failure. */
export async function ignoring(
  codes: readonly string[],
  work: () => Promise<unknown>,
): Promise<void> {
  try {
    await work();
  } catch (error) {
    const known: ArrayError = asArrayError(error);
    if (!codes.includes(known.code)) throw error;
  }
}
