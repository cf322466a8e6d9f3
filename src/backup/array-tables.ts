/**
 * The status tables of a mounted array as the backup programs need them: [004 fig. 7], what is checked of them where
 * it comes in. Columns that nobody here uses are left out.
 */
import { z } from 'zod';
import { ArrayError } from '../base/errors.js';
import type { ArrayClient } from '../client/array-client.js';

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

const poolRow = z.object({ name: z.string(), state: z.string(), freeBytes: z.int() });

const deviceRow = z.object({
  name: z.string(),
  kind: z.string(),
  state: z.string(),
  path: z.string(),
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
  pools: z.array(poolRow),
  devices: z.array(deviceRow),
  array: arrayRecord,
} as const;

export type TableName = keyof typeof TABLES;
export type ArrayTable<T extends TableName> = z.infer<(typeof TABLES)[T]>;
export type VolumeRow = z.infer<typeof volumeRow>;
export type SnapshotRow = z.infer<typeof snapshotRow>;
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
