/** What a definition names: the volumes to be backed up, all of one array, each with where it is mounted. */
import type { Clock } from '../../base/clock.js';
import { ArrayError } from '../../base/errors.js';
import type { MountEntry } from '../../host/mount-table.js';
import { arrayTable, type VolumeRow } from '../array-tables.js';
import type { BackupDefinition } from '../definition.js';
import { findVolume } from '../volumes/find-volume.js';
import type { KnownArray } from './errand-handler.js';

export interface BackupSource {
  readonly volume: VolumeRow;
  /** Empty where the volume was named. */
  readonly mountPoint: string;
  /** From the file system of the path to the one directly on the volume; empty where the volume was named. */
  readonly mounts: readonly MountEntry[];
}

export interface BackupSources {
  readonly array: KnownArray;
  readonly members: readonly BackupSource[];
}

/** ENOENT, ENODEV, EINVAL: which path or volume is not there, or that they do not belong together. */
export async function backupSources(
  definition: Pick<BackupDefinition, 'paths' | 'volumes' | 'array'>,
  arrays: readonly KnownArray[],
  clock: Clock,
): Promise<BackupSources> {
  const { paths, volumes } = definition;
  const sources =
    paths === null
      ? await namedVolumes(volumes ?? [], chooseArray(definition.array, arrays))
      : await volumesOfPaths(paths, arrays, clock);
  const seen = new Set<string>();
  for (const { volume } of sources.members) {
    if (seen.has(volume.uuid))
      throw new ArrayError('EINVAL', `volume ${volume.name} is named twice`);
    seen.add(volume.uuid);
  }
  return sources;
}

/** By UUID or mount point; the only one where none is named. */
export function chooseArray(wish: string | null, arrays: readonly KnownArray[]): KnownArray {
  const [only, ...others] = arrays;
  if (wish !== null) {
    const named = arrays.find(({ uuid, mountPoint }) => uuid === wish || mountPoint === wish);
    if (named !== undefined) return named;
    throw new ArrayError(
      'ENXIO',
      `the array ${wish} is not mounted here, or not served by this client`,
    );
  }
  if (only === undefined)
    throw new ArrayError('ENXIO', 'no array is mounted that this client serves');
  if (others.length === 0) return only;
  const places = arrays.map(({ mountPoint }) => mountPoint).join(' ');
  throw new ArrayError('EINVAL', `this client serves several arrays, say which: ${places}`);
}

async function namedVolumes(names: readonly string[], array: KnownArray): Promise<BackupSources> {
  const rows = await arrayTable(array.client, 'volumes');
  const members = names.map((name) => {
    const volume = rows.find((row) => row.name === name || `#${row.number}` === name);
    if (volume !== undefined) return { volume, mountPoint: '', mounts: [] };
    throw new ArrayError('ENOENT', `the array at ${array.mountPoint} has no volume '${name}'`);
  });
  return { array, members };
}

async function volumesOfPaths(
  paths: readonly string[],
  arrays: readonly KnownArray[],
  clock: Clock,
): Promise<BackupSources> {
  const found = await Promise.all(
    paths.map(async (path) => ({ path, ...(await findVolume(path, arrays, clock)) })),
  );
  const [first] = found;
  if (first === undefined) throw new ArrayError('EINVAL', 'the definition names no path');
  for (const { path, array, snapshot } of found) {
    if (array.uuid !== first.array.uuid) {
      const reason = `${first.path} and ${path} are on two arrays: they have no common instant, define two backups`;
      throw new ArrayError('EINVAL', reason);
    }
    if (snapshot !== undefined) {
      throw new ArrayError('EINVAL', `${path} is on a snapshot, which does not change`);
    }
  }
  const members = found.map(({ path, volume, mounts }) => ({
    volume,
    mountPoint: mounts[0]?.mountPoint ?? path,
    mounts,
  }));
  return { array: first.array, members };
}
