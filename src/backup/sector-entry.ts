/**
 * A backup's volume-information sector and its entry in the catalog are twins: the sector says what was backed up, when and
 * by whom, the place where it was found says the rest. Who has made a backup takes its entry from here, too, so that a
 * catalog that is made anew from the sectors is equal to the one that was lost.
 */
import { ArrayError } from '../base/errors.js';
import {
  decodeVolumeInfo,
  encodeVolumeInfo,
  isVolumeInfo,
  type VolumeInfo,
} from '../volume/volume-info.js';
import { type BackupEntry, type BackupPlace, backupEntrySchema, entryId } from './backup-entry.js';

/** Of what is on tape, and of a volume or snapshot that is about to be made. */
export const NO_UUID = '00000000-0000-0000-0000-000000000000';
export const MODIFIED_REASON = 'written to after the backup was stored';

/** Where a sector was found. */
export interface FoundAt {
  /** Name of the backup client that reaches it. */
  readonly client: string;
  readonly arrayUuid: string;
  readonly place: BackupPlace;
  /** 0 and zeros on tape. */
  readonly volumeNumber: number;
  readonly volumeUuid: string;
  /** Whether the image was written to since the sector was stored. */
  readonly isModified: boolean;
}

/** What a sector is, before anybody asks where it was. */
export type BackupInfo = VolumeInfo & { readonly holdsBackup: true };

/** Undefined where the sector is of another program, or holds no backup; EINVAL where it is damaged or of a newer version. */
export function backupInfo(sector: Uint8Array): BackupInfo | undefined {
  if (!isVolumeInfo(sector)) return undefined;
  const info = decodeVolumeInfo(sector);
  return info.holdsBackup ? { ...info, holdsBackup: true } : undefined;
}

/** The same also of an image that is no backup any more: an incremental copy may be based on it. */
export function sectorInfo(sector: Uint8Array | undefined): VolumeInfo | undefined {
  return sector !== undefined && isVolumeInfo(sector) ? decodeVolumeInfo(sector) : undefined;
}

/** `sourceNameOf`: the volume that has this UUID now; EINVAL where a number in the sector cannot be. */
export function entryOfInfo(
  info: BackupInfo,
  found: FoundAt,
  sourceNameOf: (uuid: string) => string | undefined,
): BackupEntry {
  const { jobNumber, memberNumber, memberCount, copyOfJobNumber } = info;
  const { client, arrayUuid, place, volumeNumber, volumeUuid, isModified } = found;
  const entry: BackupEntry = {
    id: entryId(jobNumber, memberNumber, memberCount),
    jobNumber,
    memberNumber,
    memberCount,
    copyOf: copyOfJobNumber === 0 ? null : entryId(copyOfJobNumber, memberNumber, memberCount),
    state: isModified ? 'modified' : 'good',
    stateReason: isModified ? MODIFIED_REASON : '',
    client,
    hostName: info.hostName,
    mountPoint: info.mountPoint,
    definition: info.definitionName,
    label: info.label,
    arrayUuid,
    place,
    volumeNumber,
    volumeUuid,
    sourceName: sourceNameOf(info.sourceUuid) ?? `#${info.sourceNumber}`,
    sourceNumber: info.sourceNumber,
    sourceUuid: info.sourceUuid,
    generation: info.generation,
    imageBytes: info.imageBytes,
    sha256: info.imageSha256 ? Buffer.from(info.imageSha256).toString('hex') : null,
    takenMs: info.timeStampMs,
    scheduledMs: info.scheduledMs,
    startedMs: info.startedMs,
    endedMs: info.endedMs,
  };
  const checked = backupEntrySchema.safeParse(entry);
  if (checked.success) return checked.data;
  const field = checked.error.issues[0]?.path.join('.') ?? '';
  throw new ArrayError('EINVAL', `the volume-information sector has a ${field} that cannot be`);
}

/** As above, from the sector itself. */
export function entryFromSector(
  sector: Uint8Array,
  found: FoundAt,
  sourceNameOf: (uuid: string) => string | undefined,
): BackupEntry | undefined {
  const info = backupInfo(sector);
  return info && entryOfInfo(info, found, sourceNameOf);
}

/** The twin: the sector to be stored with the backup. EINVAL where a text of it is too long. */
export function sectorOfEntry(entry: BackupEntry): Uint8Array {
  return encodeVolumeInfo({
    holdsBackup: true,
    volumeUuid: entry.volumeUuid,
    timeStampMs: entry.takenMs,
    scheduledMs: entry.scheduledMs,
    startedMs: entry.startedMs,
    endedMs: entry.endedMs,
    volumeNumber: entry.volumeNumber,
    sourceNumber: entry.sourceNumber,
    sourceUuid: entry.sourceUuid,
    generation: entry.generation,
    kind: entry.place.kind,
    label: entry.label,
    hostName: entry.hostName,
    mountPoint: entry.mountPoint,
    imageSha256: entry.sha256 === null ? undefined : Buffer.from(entry.sha256, 'hex'),
    definitionName: entry.definition,
    jobNumber: entry.jobNumber,
    copyOfJobNumber: entry.copyOf === null ? 0 : Number.parseInt(entry.copyOf, 10),
    imageBytes: entry.imageBytes,
    arrayUuid: entry.arrayUuid,
    memberNumber: entry.memberNumber,
    memberCount: entry.memberCount,
  });
}

/**
 * Whether the sector is that of the backup: by job, member, definition and start. Everything else may differ from what the
 * catalog says, and the backup is still the same one.
 */
export function isOfEntry(info: BackupInfo, entry: BackupEntry): boolean {
  return (
    info.jobNumber === entry.jobNumber &&
    info.memberNumber === entry.memberNumber &&
    info.memberCount === entry.memberCount &&
    info.definitionName === entry.definition &&
    info.startedMs === entry.startedMs &&
    info.sourceUuid === entry.sourceUuid
  );
}
