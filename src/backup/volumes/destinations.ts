/**
 * The backup volume table ([004] fig. 4, acquired as in fig. 8): where a mirror of a volume could be. A secondary has the
 * size of its primary and is in no other pair; nobody has it open, unless it is the volume's own secondary.
 */
import type { PairRow, VolumeRow } from '../array-tables.js';
import { arrayTable, volumeNamed } from '../array-tables.js';
import { chooseArray } from '../client/backup-sources.js';
import type { ErrandContext, ErrandHandler, KnownArray } from '../client/errand-handler.js';
import type { DestinationRow } from '../errands.js';
import { findVolume } from './find-volume.js';
import { mountedVolumes } from './paths.js';

interface Source {
  readonly array: KnownArray;
  readonly volume: VolumeRow;
  readonly mountPoint: string;
}

export const destinationsHandler: ErrandHandler<'destinations'> = {
  async perform({ path }, context) {
    const sources = path === null ? await mountedSources(context) : [await sourceOf(path, context)];
    const rows: DestinationRow[] = [];
    for (const source of sources) rows.push(...(await rowsOf(source, context)));
    return { rows };
  },
};

/** Each volume once, at the first place where it is mounted. */
async function mountedSources(context: ErrandContext): Promise<Source[]> {
  const sources = new Map<string, Source>();
  for (const { mount, found } of await mountedVolumes(context)) {
    const { array, volume, snapshot } = found;
    if (snapshot !== undefined || sources.has(volume.uuid)) continue;
    sources.set(volume.uuid, { array, volume, mountPoint: mount.mountPoint });
  }
  return [...sources.values()];
}

/** A path, or the name of a volume of the only array. */
async function sourceOf(path: string, context: ErrandContext): Promise<Source> {
  const arrays = await context.arrays();
  if (!path.startsWith('/')) {
    const array = chooseArray(null, arrays);
    return { array, volume: await volumeNamed(array.client, path), mountPoint: '' };
  }
  const { array, volume, mounts } = await findVolume(path, arrays, context.clock);
  return { array, volume, mountPoint: mounts[0]?.mountPoint ?? '' };
}

async function rowsOf(
  { array, volume, mountPoint }: Source,
  { configuration }: ErrandContext,
): Promise<DestinationRow[]> {
  const [volumes, pairs] = await Promise.all([
    arrayTable(array.client, 'volumes'),
    arrayTable(array.client, 'pairs'),
  ]);
  return volumes.flatMap((candidate): DestinationRow[] => {
    const use = useAsSecondary(volume, candidate, pairs);
    if (use === undefined) return [];
    return [
      {
        hostName: configuration.hostName,
        mountPoint,
        arrayUuid: array.uuid,
        volume: volume.name,
        destination: candidate.name,
        destinationNumber: candidate.number,
        use,
      },
    ];
  });
}

/** Undefined where `candidate` cannot be a secondary of `volume` as it is now. */
export function useAsSecondary(
  volume: Pick<VolumeRow, 'number' | 'name' | 'sizeBytes'>,
  candidate: Pick<VolumeRow, 'number' | 'name' | 'sizeBytes' | 'reserved' | 'openCount'>,
  pairs: readonly Pick<PairRow, 'primary' | 'secondary'>[],
): DestinationRow['use'] | undefined {
  const own = pairs.some((pair) => {
    return pair.primary === volume.name && pair.secondary === candidate.name;
  });
  if (own) return 'paired';
  const isPaired = pairs.some(({ primary, secondary }) => {
    return [primary, secondary].includes(candidate.name);
  });
  const fits = candidate.sizeBytes === volume.sizeBytes && candidate.number !== volume.number;
  if (!fits || isPaired || candidate.openCount > 0) return undefined;
  return candidate.reserved ? 'reserved' : 'free';
}
