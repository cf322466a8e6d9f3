/** What a backup notes of itself, so that the next client process can go on: JSON in the journal of its errand. */
import { z } from 'zod';
import { ArrayError } from '../../base/errors.js';
import { backupEntrySchema } from '../backup-entry.js';
import { BACKUP_STEPS, type BackupState, FIRST_STATE } from '../backup-steps.js';

const memberSchema = z.strictObject({
  uuid: z.string(),
  number: z.int(),
  name: z.string(),
  sizeBytes: z.int(),
  /** Empty where the volume was named. */
  mountPoint: z.string(),
  /** Of a mirror; else empty. */
  secondary: z.string(),
});

const sourcesSchema = z.strictObject({
  arrayUuid: z.string(),
  arrayMountPoint: z.string(),
  members: z.array(memberSchema).min(1),
  /** What is frozen, the uppermost first: that is frozen first and thawed last. */
  frozen: z.array(z.string()),
});

const notesSchema = z.strictObject({
  state: z.strictObject({
    at: z.enum([...BACKUP_STEPS, 'complete', 'failed']),
    failure: z.strictObject({ error: z.string(), reason: z.string() }).nullable(),
    isSafe: z.boolean(),
  }),
  startedMs: z.int(),
  sources: sourcesSchema.nullable(),
  /** Of the first images, when they are sealed. */
  entries: z.array(backupEntrySchema),
  /** Of the step copy, which goes on with them. */
  copy: z.unknown(),
});

export type NotedMember = Readonly<z.infer<typeof memberSchema>>;
export type NotedSources = Readonly<z.infer<typeof sourcesSchema>>;
export type BackupNotes = Readonly<z.infer<typeof notesSchema>> & { readonly state: BackupState };

export function firstNotes(startedMs: number): BackupNotes {
  return { state: FIRST_STATE, startedMs, sources: null, entries: [], copy: null };
}

/** EIO where they are of another version of this program. */
export function notesFrom(noted: unknown): BackupNotes {
  const parsed = notesSchema.safeParse(noted);
  if (parsed.success) return parsed.data;
  throw new ArrayError('EIO', 'the notes of the backup are of another version of arrayfs');
}
