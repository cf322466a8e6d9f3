/**
 * The volumes and snapshots of a mounted array with what backups need of them, from its tables, and the backups whose sectors they
 * have ([004] fig. 15, volume number list). All that is read at once is of one moment or so: a sector may be gone when it is read.
 */
import { ArrayError } from '../../base/errors.js';
import { arrayTable, type SnapshotRow, type VolumeRow } from '../array-tables.js';
import type { BackupEntry, BackupPlace } from '../backup-entry.js';
import type { KnownArray } from '../client/errand-handler.js';
import { backupInfo, entryOfInfo, type FoundAt } from '../sector-entry.js';

/** `copy`: VOLUME or VOLUME@SNAPSHOT, as commands name it; `snapshot` null: a volume. */
export interface ArrayCopy {
  readonly copy: string;
  readonly volume: string;
  readonly snapshot: string | null;
  readonly number: number;
  readonly uuid: string;
  readonly sizeBytes: number;
  readonly openCount: number;
  /** `AFSVINF1`, `damaged`, `other`; null: no sector. */
  readonly format: string | null;
  readonly isModified: boolean;
}

export interface ArrayCopies {
  readonly volumes: readonly VolumeRow[];
  /** Volumes first, each kind in the order of its table. */
  readonly copies: readonly ArrayCopy[];
}

export async function readCopies({ client }: KnownArray): Promise<ArrayCopies> {
  const [volumes, snapshots] = await Promise.all([
    arrayTable(client, 'volumes'),
    arrayTable(client, 'snapshots'),
  ]);
  const copies = [
    ...volumes.map((row) => copyOf(row, row.name, null)),
    ...snapshots.map((row) => copyOf(row, row.volume, row.name)),
  ];
  return { volumes, copies };
}

function copyOf(row: VolumeRow | SnapshotRow, volume: string, snapshot: string | null): ArrayCopy {
  const { number, uuid, sizeBytes, openCount } = row;
  const copy = snapshot === null ? volume : `${volume}@${snapshot}`;
  const isModified = row.info?.modifiedSinceStored ?? false;
  const format = row.info?.format ?? null;
  return { copy, volume, snapshot, number, uuid, sizeBytes, openCount, format, isModified };
}

/** The name of the volume with this UUID, in any of these arrays. */
export function sourceNames(arrays: readonly ArrayCopies[]): (uuid: string) => string | undefined {
  const names = new Map(
    arrays.flatMap(({ volumes }) => volumes.map(({ uuid, name }) => [uuid, name])),
  );
  return (uuid) => names.get(uuid);
}

/** Where the sector of a copy was found; the kind of a volume's backup is what its sector says. */
export function foundAt(
  client: string,
  arrayUuid: string,
  copy: ArrayCopy,
  kind: 'mirror' | 'array',
): FoundAt {
  const { volume, snapshot, number, uuid, isModified } = copy;
  const place: BackupPlace =
    snapshot === null ? { kind, volume } : { kind: 'snapshot', volume, snapshot };
  return { client, arrayUuid, place, volumeNumber: number, volumeUuid: uuid, isModified };
}

/**
 * The entry of the backup that `copy` (VOLUME or VOLUME@SNAPSHOT) holds by its sector: what a rescan of these arrays would find. ENOENT where it
 * is not there or holds none. For who has just made it.
 */
export async function entryAt(
  array: KnownArray,
  copy: string,
  client: string,
  arrays: readonly KnownArray[] = [array],
): Promise<BackupEntry> {
  const all = await Promise.all(arrays.map(readCopies));
  const { copies } = await readCopies(array);
  const found = copies.find((one) => one.copy === copy);
  const sector = found && (await array.client.readInfo(copy));
  const held = sector && backupInfo(sector);
  if (found === undefined || held === undefined) {
    throw new ArrayError('ENOENT', `${copy} of the array at ${array.mountPoint} holds no backup`);
  }
  const kind = held.kind === 'array' ? 'array' : 'mirror';
  return entryOfInfo(held, foundAt(client, array.uuid, found, kind), sourceNames(all));
}
