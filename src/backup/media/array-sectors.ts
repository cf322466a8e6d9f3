/**
 * The backups that the volumes and snapshots of an array hold by their sectors ([004] fig. 15, steps 2421 to 2424). A snapshot takes the
 * sector of its volume along, and a copy that of its source: what a sector says it is must be what it is found on. What cannot
 * be read is told, and ends nothing.
 */
import { asArrayError } from '../../base/errors.js';
import type { KnownArray } from '../client/errand-handler.js';
import { type BackupInfo, backupInfo, type FoundAt } from '../sector-entry.js';
import { type ArrayCopies, type ArrayCopy, foundAt } from './array-copies.js';
import { severalAtOnce } from './several-at-once.js';

/** A backup by its sector, not yet compared with the others. */
export interface FoundBackup {
  readonly info: BackupInfo;
  readonly at: FoundAt;
  /** For people. */
  readonly where: string;
  /** The sector names this volume: of two with one number it is the right one. */
  readonly isNamed: boolean;
  /** Of one on tape, its UUID there: two arrays may reach it. */
  readonly onTape?: string;
}

export interface FoundBackups {
  readonly found: readonly FoundBackup[];
  readonly lines: readonly string[];
}

/** Requests to one array: more do not make it faster. */
const READS_AT_ONCE = 32;

export async function sectorsOf(
  array: KnownArray,
  copies: ArrayCopies,
  client: string,
  onRead: (done: number, total: number) => void,
): Promise<FoundBackups> {
  const withSector = copies.copies.filter(({ format }) => format !== null && format !== 'other');
  const volumes = new Map(copies.volumes.map(({ name, uuid }) => [name, uuid]));
  let done = 0;
  const read = await severalAtOnce(withSector, READS_AT_ONCE, async (copy) => {
    const result = await readSector(array, copy);
    done += 1;
    onRead(done, withSector.length);
    if (typeof result === 'string') return `${array.mountPoint}: ${copy.copy}: ${result}`;
    if (result === undefined) return undefined;
    const problem = foreignProblem(result, copy, volumes.get(copy.volume));
    if (problem !== undefined) return `${array.mountPoint}: ${copy.copy}: ${problem}`;
    const kind = result.kind === 'array' ? 'array' : 'mirror';
    return {
      info: result,
      at: foundAt(client, array.uuid, copy, kind),
      where: `${copy.copy} of the array at ${array.mountPoint}`,
      isNamed: result.volumeUuid === copy.uuid,
    };
  });
  return {
    found: read.filter((one) => typeof one === 'object'),
    lines: read.filter((one) => typeof one === 'string'),
  };
}

/** Why it could not be read; undefined where it holds no backup any more. */
async function readSector(
  { client }: KnownArray,
  { copy }: ArrayCopy,
): Promise<BackupInfo | string | undefined> {
  try {
    const sector = await client.readInfo(copy);
    return sector && backupInfo(sector);
  } catch (error) {
    const { code, reason } = asArrayError(error);
    // It was deleted since the table was read.
    return code === 'ENOENT' ? undefined : reason;
  }
}

/** Why a sector is not that of a backup which this volume or snapshot is. */
function foreignProblem(
  { kind, sourceUuid, jobNumber }: BackupInfo,
  { snapshot }: ArrayCopy,
  volumeUuid: string | undefined,
): string | undefined {
  const isItsOwn =
    kind === 'snapshot'
      ? snapshot !== null && sourceUuid === volumeUuid
      : snapshot === null && kind !== 'tape';
  if (isItsOwn) return undefined;
  return `its sector is that of backup ${jobNumber} (${kind}) and came with a copy or a snapshot: passed over`;
}
