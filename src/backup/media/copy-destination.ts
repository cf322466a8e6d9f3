/**
 * The volume that a backup is to be copied to ([004] fig. 19, steps 3640 and 3641): of which array, by which way, and whether it may be overwritten. A
 * copy of an earlier generation may; another backup, or content that nobody has said anything about, only by force.
 */
import { ArrayError } from '../../base/errors.js';
import { formatSize } from '../../base/sizes.js';
import { arrayTable, type VolumeRow } from '../array-tables.js';
import { type BackupEntry, entryId } from '../backup-entry.js';
import type { KnownArray } from '../client/errand-handler.js';
import { type BackupInfo, backupInfo } from '../sector-entry.js';

export interface CopyDestination {
  readonly array: KnownArray;
  readonly volume: string;
  /** Undefined where it is to be made. */
  readonly row: VolumeRow | undefined;
  /** What it holds now. */
  readonly held: BackupInfo | undefined;
}

const VOLUMES = '/volumes/';
const DEVICE_SERIAL_CHARACTERS = 16;

/** ENOENT where the path is in no mounted array. `own`: where a name alone is. */
export async function copyDestination(
  text: string,
  own: KnownArray,
  arrays: readonly KnownArray[],
): Promise<CopyDestination> {
  const array = text.startsWith('/')
    ? arrays.find(({ mountPoint }) => text.startsWith(`${mountPoint}${VOLUMES}`))
    : own;
  if (array === undefined) {
    const points = arrays.map(({ mountPoint }) => mountPoint).join(' ');
    throw new ArrayError('ENOENT', `${text} is no volume of a mounted array (${points})`);
  }
  const isPath = text.startsWith('/');
  const volume = isPath ? text.slice(array.mountPoint.length + VOLUMES.length) : text;
  const row = (await arrayTable(array.client, 'volumes')).find(({ name }) => name === volume);
  return { array, volume, row, held: row && (await heldBy(array, row)) };
}

/** EINVAL where the sizes are not equal or it is the backup itself, EBUSY where overwriting it would lose something. */
export function checkOverwrite(to: CopyDestination, entry: BackupEntry, force: boolean): void {
  const { volume, row } = to;
  if (row === undefined) return;
  if (row.uuid === entry.volumeUuid || row.uuid === entry.sourceUuid) {
    const what = row.uuid === entry.sourceUuid ? 'what was backed up' : 'the backup itself';
    throw new ArrayError('EINVAL', `volume ${volume} is ${what}`);
  }
  if (row.sizeBytes !== entry.imageBytes) {
    const sizes = `${formatSize(row.sizeBytes)} and not ${formatSize(entry.imageBytes)}`;
    throw new ArrayError('EINVAL', `volume ${volume} has ${sizes}, as backup ${entry.id} has`);
  }
  if (force) return;
  const reason = lossReason(to, entry);
  if (reason !== undefined) throw new ArrayError('EBUSY', reason);
}

/** The id of the backup that goes; undefined where there is none. */
export function replacedId({ held }: CopyDestination): string | undefined {
  return held && entryId(held.jobNumber, held.memberNumber, held.memberCount);
}

/** Why a copy of what `entry` says would lose something, if it would. */
export function lossReason(
  { volume, row, held }: CopyDestination,
  entry: Pick<BackupEntry, 'definition' | 'sourceUuid'>,
): string | undefined {
  if (row === undefined) return undefined;
  const goes = (what: string) => {
    return `volume ${volume} ${what}, which would go: arrayfs backup copy --force overwrites it`;
  };
  if (row.writerCount > 0) return `volume ${volume} is open for writing`;
  const isEarlier =
    held?.kind === 'array' &&
    held.definitionName === entry.definition &&
    held.sourceUuid === entry.sourceUuid;
  if (isEarlier) return undefined;
  if (held !== undefined) return goes(`holds backup ${held.jobNumber}`);
  return row.allocatedBytes > 0 ? goes('has content') : undefined;
}

/** A sector that cannot be read is none of a backup that somebody could still restore by it. */
async function heldBy(
  { client }: KnownArray,
  { name, info }: VolumeRow,
): Promise<BackupInfo | undefined> {
  if (info?.format !== 'AFSVINF1') return undefined;
  const sector = await client.readInfo(name);
  return sector && backupInfo(sector);
}

/** The name by which `array` reaches `other` as a backup device; it is defined where nobody has done so. */
export async function deviceOf(array: KnownArray, other: KnownArray): Promise<string> {
  const devices = await arrayTable(array.client, 'devices');
  const known = devices.find(({ kind, path }) => kind === 'array' && path === other.mountPoint);
  if (known !== undefined) return known.name;
  const name = `array-${other.serial.toLowerCase().slice(0, DEVICE_SERIAL_CHARACTERS)}`;
  if (devices.some((device) => device.name === name)) {
    await array.client.run({ name: 'device', words: [name], options: { delete: 'yes' } });
  }
  const options = { kind: 'array', path: other.mountPoint };
  await array.client.run({ name: 'device', words: [name], options });
  return name;
}
