/**
 * What a restore of a volume overwrites, and how ([004] fig. 12). The way that moves least and is true at one instant wins:
 * back to a snapshot, the other direction of a pair, a clone, a new name for what came from tape, a copy inside the array, a
 * copy to another array.
 */
import { ArrayError } from '../../base/errors.js';
import { formatSize } from '../../base/sizes.js';
import { arrayTable, type PairRow, type VolumeRow } from '../array-tables.js';
import type { BackupEntry } from '../backup-entry.js';
import { chooseArray } from '../client/backup-sources.js';
import type { ErrandContext, KnownArray } from '../client/errand-handler.js';
import type { ErrandInput } from '../errands.js';
import type { BackupImage } from '../media/image-of.js';

export type RestoreMethod = 'restore' | 'resync' | 'clone' | 'rename' | 'copy' | 'transfer';

export interface RestoreTarget {
  readonly array: KnownArray;
  readonly name: string;
  /** Undefined where the restore makes it. */
  readonly volume: VolumeRow | undefined;
}

/** Plain: it is noted. */
export interface RestorePlan {
  readonly method: RestoreMethod;
  readonly arrayUuid: string;
  readonly target: string;
  /** Null where the restore makes it. */
  readonly targetUuid: string | null;
  /** A paired volume is written to as hosts do it: it cannot go back to a snapshot. */
  readonly isPaired: boolean;
  readonly sourceArrayUuid: string;
  /** VOLUME or VOLUME@SNAPSHOT. */
  readonly source: string;
  readonly imageBytes: number;
  readonly targetBytes: number;
  /** Of the way `resync`: what the pair was, and the sector that its secondary keeps. */
  readonly pair: { readonly name: string; readonly splitMs: number; readonly info: string } | null;
}

/** ENXIO, ENOENT, EINVAL: which array or volume is not there, or not named. */
export async function restoreTarget(
  { entry, target, array }: Pick<ErrandInput<'restore'>, 'entry' | 'target' | 'array'>,
  context: Pick<ErrandContext, 'arrays'>,
): Promise<RestoreTarget> {
  const arrays = await context.arrays();
  const where = array === null ? await arrayOfSource(entry, arrays) : chooseArray(array, arrays);
  const volumes = await arrayTable(where.client, 'volumes');
  const source = volumes.find(({ uuid }) => uuid === entry.sourceUuid);
  const name = target ?? source?.name ?? entry.sourceName;
  const volume = volumes.find((row) => row.name === name || `#${row.number}` === name);
  if (volume === undefined && name.startsWith('#')) {
    const why = `the array at ${where.mountPoint} has no volume ${name}`;
    throw new ArrayError('ENOENT', `${why}: say to which volume backup ${entry.id} is restored`);
  }
  return { array: where, name: volume?.name ?? name, volume };
}

/** The array that has the volume that was backed up, else that of the backup, else the only one. */
async function arrayOfSource(
  entry: BackupEntry,
  arrays: readonly KnownArray[],
): Promise<KnownArray> {
  for (const array of arrays) {
    const volumes = await arrayTable(array.client, 'volumes');
    if (volumes.some(({ uuid }) => uuid === entry.sourceUuid)) return array;
  }
  return arrays.find(({ uuid }) => uuid === entry.arrayUuid) ?? chooseArray(null, arrays);
}

export async function planRestore(target: RestoreTarget, image: BackupImage): Promise<RestorePlan> {
  const { array, name, volume } = target;
  const { client } = image.array;
  const pairs = await arrayTable(array.client, 'pairs');
  const [volumes, snapshots] = await Promise.all([
    arrayTable(client, 'volumes'),
    arrayTable(client, 'snapshots'),
  ]);
  const source = [
    ...volumes.map((row) => ({ copy: row.name, sizeBytes: row.sizeBytes })),
    ...snapshots.map((row) => ({ copy: `${row.volume}@${row.name}`, sizeBytes: row.sizeBytes })),
  ].find(({ copy }) => copy === image.copy);
  if (source === undefined) throw new ArrayError('ENOENT', `${image.copy} is gone`);
  const pair = pairs.find((row) => row.primary === name && row.secondary === image.copy);
  const method = methodOf(target, image, pairs, pair);
  checkTarget(target, image, source.sizeBytes, method, pairs);
  const info = method === 'resync' ? await array.client.readInfo(image.copy) : undefined;
  return {
    method,
    arrayUuid: array.uuid,
    target: name,
    targetUuid: volume?.uuid ?? null,
    isPaired: isPaired(name, pairs),
    sourceArrayUuid: image.array.uuid,
    source: image.copy,
    imageBytes: source.sizeBytes,
    targetBytes: volume?.sizeBytes ?? 0,
    pair:
      pair === undefined || info === undefined
        ? null
        : { ...pairFacts(pair), info: Buffer.from(info).toString('base64') },
  };
}

function methodOf(
  { array, name, volume }: RestoreTarget,
  image: BackupImage,
  pairs: readonly PairRow[],
  pair: PairRow | undefined,
): RestoreMethod {
  if (image.array.uuid !== array.uuid) return 'transfer';
  const isSnapshot = image.copy.includes('@');
  if (volume === undefined) return isSnapshot ? 'clone' : image.isTemporary ? 'rename' : 'copy';
  if (isSnapshot && image.copy.startsWith(`${name}@`) && !isPaired(name, pairs)) return 'restore';
  if (pair?.mode === 'mirror' && pair.state === 'split') return 'resync';
  return 'copy';
}

/** EINVAL, EBUSY, ENOSPC: why this volume cannot be overwritten with this image, whatever it holds. */
function checkTarget(
  { array, name, volume }: RestoreTarget,
  image: BackupImage,
  imageBytes: number,
  method: RestoreMethod,
  pairs: readonly PairRow[],
): void {
  if (volume === undefined) return;
  const paired = pairs.find(({ primary }) => primary === name);
  const keepsSize = method !== 'transfer' && volume.sizeBytes === imageBytes;
  if (paired !== undefined && !keepsSize && method !== 'resync') {
    const why = method === 'transfer' ? 'from another array' : 'of another size';
    const way = 'delete the pair, or restore to another volume';
    throw new ArrayError(
      'EBUSY',
      `${name} is in pair ${paired.name}, and the backup ${why}: ${way}`,
    );
  }
  if (image.array.uuid === array.uuid && image.copy === name) {
    throw new ArrayError('EINVAL', `${name} is the backup itself: name another volume`);
  }
  if (volume.primary !== null) {
    throw new ArrayError('EBUSY', `${name} is the secondary of ${volume.primary}: delete the pair`);
  }
  if (volume.sizeBytes < imageBytes && method !== 'restore') {
    const sizes = `${formatSize(volume.sizeBytes)}, and the backup ${formatSize(imageBytes)}`;
    throw new ArrayError('ENOSPC', `${name} is too small: it has ${sizes}; resize it before`);
  }
}

function isPaired(name: string, pairs: readonly PairRow[]): boolean {
  return pairs.some(({ primary, secondary }) => primary === name || secondary === name);
}

function pairFacts({ name, splitMs }: PairRow) {
  return { name, splitMs: splitMs ?? 0 };
}
