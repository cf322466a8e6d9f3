/**
 * One backup as the catalog has it ([004] fig. 6, backup data table): the fields of its volume-information
 * sector, and where it was found. A backup is one volume's image; a run over several volumes makes one for each, with one
 * job number.
 */
import { z } from 'zod';
import { ENTRY_STATES } from './choices.js';

const timeMs = z.int().nonnegative();
const uuid = z.string().regex(/^[0-9a-f-]{36}$/);

/** Where the image is. */
const placeSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('snapshot'), volume: z.string(), snapshot: z.string() }),
  /** The secondary of a pair, after its split. */
  z.strictObject({ kind: z.literal('mirror'), volume: z.string() }),
  /** A volume that a backup was copied to, on whichever array. */
  z.strictObject({ kind: z.literal('array'), volume: z.string() }),
  z.strictObject({
    kind: z.literal('tape'),
    device: z.string(),
    /** Labels, in the order of the image's parts. */
    cartridges: z.array(z.string()).min(1),
    /** The backup whose blocks are left out here: it and what it is based on are needed for a restore. */
    since: z.string().nullable(),
  }),
]);

export const backupEntrySchema = z.strictObject({
  /** `12`, of a run over several volumes `12.1`, `12.2`, ...: what users call it. */
  id: z.string().regex(/^[1-9]\d*(\.[1-9]\d*)?$/),
  jobNumber: z.int().positive(),
  memberNumber: z.int().positive(),
  memberCount: z.int().positive(),
  /** Id of the backup that this is a copy of. */
  copyOf: z.string().nullable(),
  state: z.enum(ENTRY_STATES),
  /** Why it is not good, and since when: for people. */
  stateReason: z.string(),
  /** Name of the backup client that reaches it. */
  client: z.string(),
  /** Host name and mount point of what was backed up; the mount point is empty where a volume was named. */
  hostName: z.string(),
  mountPoint: z.string(),
  definition: z.string(),
  label: z.string(),
  arrayUuid: uuid,
  place: placeSchema,
  /** Of the volume or snapshot that holds the image; 0 and zeros on tape. */
  volumeNumber: z.int().nonnegative(),
  volumeUuid: uuid,
  /** Of the volume that was backed up. */
  sourceName: z.string(),
  sourceNumber: z.int().nonnegative(),
  sourceUuid: uuid,
  /** 1, 2, ... of the definition and source. */
  generation: z.int().positive(),
  imageBytes: z.int().nonnegative(),
  /** Hexadecimal, null where it was not computed. */
  sha256: z.string().nullable(),
  /** The instant of the image. */
  takenMs: timeMs,
  /** 0 where it was started by hand. */
  scheduledMs: timeMs,
  startedMs: timeMs,
  endedMs: timeMs,
});

export type BackupEntry = z.infer<typeof backupEntrySchema>;
export type BackupPlace = BackupEntry['place'];
export type EntryState = BackupEntry['state'];

/** The id of a member: the number alone where the run has one member. */
export function entryId(jobNumber: number, memberNumber: number, memberCount: number): string {
  return memberCount === 1 ? `${jobNumber}` : `${jobNumber}.${memberNumber}`;
}
