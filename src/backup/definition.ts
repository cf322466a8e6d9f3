/**
 * What a user wants to be backed up, how and when ([004] fig. 5, backup definition table). Checked where it enters: by the
 * command line, by the server, and again by the client that carries it out.
 */
import { z } from 'zod';
import { BACKUP_CLASSES, BACKUP_METHODS, BACKUP_POLICIES } from './choices.js';

/** Of definitions and clients. */
export const BACKUP_NAME = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$/;
const COMMAND_TIMEOUT_MS = 600_000;

const commandSchema = z.strictObject({
  /** Given to /bin/sh -c on the client, if that allows it. */
  command: z.string().min(1).max(4096),
  timeoutMs: z.int().positive().default(COMMAND_TIMEOUT_MS),
});

/** How many of each period are kept: the newest of each hour, day, week, month, year; 0: none for this reason. */
export const keepSchema = z.strictObject({
  last: z.int().nonnegative().default(0),
  hourly: z.int().nonnegative().default(0),
  daily: z.int().nonnegative().default(0),
  weekly: z.int().nonnegative().default(0),
  monthly: z.int().nonnegative().default(0),
  yearly: z.int().nonnegative().default(0),
});

export const definitionSchema = z.strictObject({
  name: z.string().regex(BACKUP_NAME, 'not a name of 1 to 64 characters of A-Z a-z 0-9 . _ -'),
  client: z.string().regex(BACKUP_NAME),
  /** Mount points, or directories below; null where volumes are named. All of one array, at one instant. */
  paths: z.array(z.string().startsWith('/')).min(1).nullable(),
  /** Names of volumes; null where paths are named. */
  volumes: z.array(z.string()).min(1).nullable(),
  /** UUID or mount point of the array of `volumes`; null: the only one the client has. */
  array: z.string().nullable(),
  method: z.enum(BACKUP_METHODS),
  /** Of a mirror: one secondary for each volume, in their order, already paired or reserved; else empty. */
  to: z.array(z.string()),
  /** The second medium: a device (`tape0`, `tape0/AFS001`) or volumes of another array (`/mnt/array2/volumes/db`). */
  secondMedium: z.array(z.string()),
  class: z.enum(BACKUP_CLASSES),
  policy: z.enum(BACKUP_POLICIES),
  /** To the second medium only what has changed since the last copy there, and all where there is none. */
  incremental: z.boolean(),
  pre: commandSchema.nullable(),
  /** Runs also when the backup has failed. */
  post: commandSchema.nullable(),
  /** Mounted file systems of `paths` are synced and frozen around the instant. */
  freeze: z.boolean(),
  /** Of a mirror: the pair is resynchronised when the copy on the second medium is made, not before the next run. */
  resyncAfter: z.boolean(),
  /** The SHA-256 of the image is computed and stored with it. */
  sha256: z.boolean(),
  label: z.string(),
  schedule: z
    .strictObject({
      /** Five or six fields of cron. */
      cron: z.string(),
      /** IANA name; null: that of the server. */
      timeZone: z.string().nullable(),
    })
    .nullable(),
  /** Null: nothing is removed by itself. */
  keep: keepSchema.nullable(),
});

export type BackupDefinition = z.infer<typeof definitionSchema>;
export type KeepRule = z.infer<typeof keepSchema>;
export type HookCommand = z.infer<typeof commandSchema>;
