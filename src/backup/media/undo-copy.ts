/**
 * What a copy to a volume leaves when it fails: a volume that was made for it and holds half a copy goes; a backup that the volume still holds, as
 * nothing was overwritten, comes back to the catalog.
 */
import { ArrayError, asArrayError } from '../../base/errors.js';
import { arrayTable } from '../array-tables.js';
import type { BackupEntry } from '../backup-entry.js';
import type { ErrandContext } from '../client/errand-handler.js';
import { AWAY_MS_MAX, untilMounted } from '../client/until-mounted.js';
import { entryAt } from './array-copies.js';
import { type CopyDestination, replacedId } from './copy-destination.js';
import { ignoring } from './image-of.js';

/** The copy has failed already: what goes wrong here is only told. */
export async function undoCopy(
  to: CopyDestination,
  isNew: boolean,
  source: BackupEntry,
  context: ErrandContext,
): Promise<void> {
  try {
    if (!isNew && replacedId(to) === undefined) return;
    const { uuid, mountPoint } = to.array;
    const array = await untilMounted(uuid, context, (waitedMs) => waitedMs > AWAY_MS_MAX);
    if (array === undefined) throw new ArrayError('ENXIO', `the array at ${mountPoint} is away`);
    const now = { ...to, array };
    if (isNew) await dropHalf(now, source.imageBytes);
    else await keepReplaced(now, context);
  } catch (error) {
    context.log(`volume ${to.volume} was left as it is: ${asArrayError(error).reason}`);
  }
}

/** Half a copy the array calls failed; on another array it is shorter than the image. */
async function dropHalf({ array, volume }: CopyDestination, imageBytes: number): Promise<void> {
  const row = (await arrayTable(array.client, 'volumes')).find(({ name }) => name === volume);
  if (row === undefined || row.info !== null) return;
  if (row.state !== 'failed' && row.sizeBytes === imageBytes) return;
  await ignoring(['ENOENT'], () =>
    array.client.run({ name: 'delete', words: [volume], options: {} }),
  );
}

async function keepReplaced(to: CopyDestination, context: ErrandContext): Promise<void> {
  const replaced = replacedId(to);
  if (replaced === undefined) return;
  const { name } = context.configuration;
  await ignoring(['ENOENT'], async () => {
    const entry = await entryAt(to.array, to.volume, name, await context.arrays());
    if (entry.id === replaced) await context.catalog({ add: [entry], remove: [] });
  });
}
