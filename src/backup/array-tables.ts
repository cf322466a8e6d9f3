/**
 * The status tables of a mounted array as the backup programs need them: [004 fig. 7], what is checked of them where
 * it comes in. Columns that nobody here uses are left out.
 */
import { z } from 'zod';
import { ArrayError } from '../base/errors.js';
import type { ArrayClient } from '../client/array-client.js';

/** Of the volume-information sector: `AFSVINF1`, `damaged` or `other`; null where there is none. */
const info = z.object({ format: z.string(), modifiedSinceStored: z.boolean() }).nullable();

const volumeRow = z.object({
  number: z.int(),
  name: z.string(),
  uuid: z.string(),
  /** 32 hexadecimal digits, as INQUIRY tells it. */
  naa: z.string(),
  sizeBytes: z.int(),
  allocatedBytes: z.int(),
  state: z.string(),
  pool: z.string(),
  openCount: z.int(),
  writerCount: z.int(),
  reserved: z.boolean(),
  /** The primary that it is a secondary of. */
  primary: z.string().nullable(),
  info,
  /** Numbers of its snapshots. */
  snapshots: z.array(z.int()),
  label: z.string(),
  createdMs: z.int(),
  modifiedMs: z.int(),
});

const snapshotRow = z.object({
  number: z.int(),
  volume: z.string(),
  volumeNumber: z.int(),
  name: z.string(),
  uuid: z.string(),
  naa: z.string(),
  sizeBytes: z.int(),
  openCount: z.int(),
  info,
  label: z.string(),
  createdMs: z.int(),
});

const pairRow = z.object({
  number: z.int(),
  name: z.string(),
  primary: z.string(),
  secondary: z.string(),
  mode: z.string(),
  /** Of both sides together; `primaryState` and `secondaryState` are what each side shows. */
  state: z.string(),
  primaryState: z.string(),
  secondaryState: z.string(),
  pendingTracks: z.int(),
  unequalTracks: z.int(),
  trackCount: z.int(),
  /** Of the last split. */
  splitMs: z.int().nullable(),
  reason: z.string(),
});

const lunRow = z.object({
  port: z.string(),
  lun: z.int(),
  host: z.string(),
  /** Of the volume or snapshot. */
  number: z.int(),
  name: z.string().nullable(),
});

const hostRow = z.object({ name: z.string(), uids: z.array(z.int()) });

const poolRow = z.object({
  name: z.string(),
  state: z.string(),
  directory: z.string(),
  freeBytes: z.int(),
});

const deviceRow = z.object({
  name: z.string(),
  kind: z.string(),
  state: z.string(),
  path: z.string(),
  /** As the last discovery saw them; `holder`: who has it reserved. */
  media: z
    .array(z.object({ name: z.string(), isProtected: z.boolean(), holder: z.string().optional() }))
    .nullable(),
});

/** Of a backup on a cartridge; where `number` is null, of the cartridge alone. */
const backupRow = z.object({
  device: z.string(),
  medium: z.string(),
  number: z.int().nullable(),
  state: z.string(),
  /** UUID of the backup on tape. */
  backup: z.string().nullable(),
  /** Identifier of its data file: the cartridges on which it goes on begin with the next parts of that. */
  file: z.string().nullable(),
  part: z.int().nullable(),
  partState: z.string().nullable(),
  /** Base64 of the volume-information sector. */
  information: z.string().nullable(),
  manifest: z
    .object({
      /** UUID of the snapshot that the image is; of an increment `base` has that of the one before. */
      image: z.string().nullish(),
      base: z.object({ image: z.string() }).nullish(),
    })
    .nullable(),
  problems: z.array(z.string()),
});

const jobRow = z.object({
  id: z.int(),
  kind: z.string(),
  subject: z.string(),
  state: z.enum(['running', 'done', 'failed', 'cancelled']),
  message: z.string(),
});

const arrayRecord = z.object({
  uuid: z.string(),
  serial: z.string(),
  label: z.string(),
  readOnly: z.boolean(),
});

const TABLES = {
  volumes: z.array(volumeRow),
  snapshots: z.array(snapshotRow),
  pairs: z.array(pairRow),
  luns: z.array(lunRow),
  hosts: z.array(hostRow),
  pools: z.array(poolRow),
  devices: z.array(deviceRow),
  backups: z.array(backupRow),
  jobs: z.array(jobRow),
  array: arrayRecord,
} as const;

export type TableName = keyof typeof TABLES;
export type ArrayTable<T extends TableName> = z.infer<(typeof TABLES)[T]>;
export type VolumeRow = z.infer<typeof volumeRow>;
export type SnapshotRow = z.infer<typeof snapshotRow>;
export type BackupRow = z.infer<typeof backupRow>;
export type JobRow = z.infer<typeof jobRow>;
export type PairRow = z.infer<typeof pairRow>;

/** EIO where the array's program is of another version and has another table. */
export async function arrayTable<T extends TableName>(
  client: ArrayClient,
  name: T,
): Promise<ArrayTable<T>> {
  const parsed = TABLES[name].safeParse(await client.statusJson(name));
  if (parsed.success) return parsed.data as ArrayTable<T>;
  const [issue] = parsed.error.issues;
  const place = [name, ...(issue?.path ?? [])].join('.');
  throw new ArrayError('EIO', `not the table of an array: ${place}: ${issue?.message ?? ''}`);
}

/** ENOENT where the array at that mount has no such volume. */
export async function volumeNamed(client: ArrayClient, name: string): Promise<VolumeRow> {
  const row = (await arrayTable(client, 'volumes')).find((volume) => volume.name === name);
  if (row !== undefined) return row;
  throw new ArrayError('ENOENT', `the array at ${client.mountPoint} has no volume '${name}'`);
}
