/**
 * What the backup server asks a backup client to do, one row for each kind of errand: what goes in, what comes
 * out. The client polls for errands, carries them out on its mounted arrays and reports; the server touches no array.
 * A server or client of another version sees it at its first message (PROTOCOL_VERSION).
 */
import { z } from 'zod';
import { backupEntrySchema } from './backup-entry.js';
import { definitionSchema } from './definition.js';

/** Changes with every change of a message that an older program would not understand. */
export const PROTOCOL_VERSION = 1;

/** The port correspondence table ([004] fig. 3): where a mounted file system has its volume. */
const pathRowSchema = z.strictObject({
  mountPoint: z.string(),
  deviceFile: z.string(),
  fileSystem: z.string(),
  arrayUuid: z.string(),
  arrayMountPoint: z.string(),
  volume: z.string(),
  volumeNumber: z.int(),
  /** Empty and null where the volume is not reached through a target port. */
  port: z.string(),
  lun: z.int().nullable(),
});

/** The backup volume table ([004] fig. 4): where a mirror of a volume could be. */
const destinationRowSchema = z.strictObject({
  hostName: z.string(),
  mountPoint: z.string(),
  arrayUuid: z.string(),
  volume: z.string(),
  destination: z.string(),
  destinationNumber: z.int(),
  /** `paired`, `reserved` or `free`. */
  use: z.enum(['paired', 'reserved', 'free']),
});

const fileRowSchema = z.strictObject({
  /** Bytes of one that is not UTF-8 are `\xff` each. */
  name: z.string(),
  type: z.enum(['file', 'directory', 'link', 'pipe', 'socket', 'block', 'character']),
  sizeBytes: z.int(),
  mode: z.int(),
  owner: z.int(),
  group: z.int(),
  modifiedMs: z.number(),
  /** Where a link leads. */
  target: z.string().nullable(),
});

const entries = z.array(backupEntrySchema);
const lines = z.array(z.string());
const hook = definitionSchema.shape.pre;

export const ERRANDS = {
  paths: { input: z.strictObject({}), output: z.strictObject({ rows: z.array(pathRowSchema) }) },
  destinations: {
    /** Of one path or volume; null: of all that are mounted. */
    input: z.strictObject({ path: z.string().nullable() }),
    output: z.strictObject({ rows: z.array(destinationRowSchema) }),
  },
  /** The dry run: what a run would do, or why it cannot. */
  check: {
    input: z.strictObject({ definition: definitionSchema }),
    output: z.strictObject({ lines }),
  },
  backup: {
    input: z.strictObject({
      runNumber: z.int().positive(),
      /** The job number that copies on a second medium get: one for all members. */
      copyRunNumber: z.int().positive(),
      definition: definitionSchema,
      scheduledMs: z.int(),
      /** What the catalog has of this definition, and of any on the secondaries that it names, oldest first. */
      earlier: entries,
    }),
    /** What was made is in the catalog already. */
    output: z.strictObject({ lines }),
  },
  verify: {
    input: z.strictObject({ entry: backupEntrySchema, chain: entries }),
    /** `sha256` of the image as it is now. The handler itself tells the catalog that the backup is damaged, or good again. */
    output: z.strictObject({ sha256: z.string(), matches: z.boolean(), lines }),
  },
  files: {
    input: z.strictObject({ entry: backupEntrySchema, chain: entries, path: z.string() }),
    output: z.strictObject({ rows: z.array(fileRowSchema), isTruncated: z.boolean() }),
  },
  restoreFiles: {
    input: z.strictObject({
      entry: backupEntrySchema,
      chain: entries,
      paths: z.array(z.string()).min(1),
      /** Absolute, on the client. */
      to: z.string(),
    }),
    output: z.strictObject({ lines, files: z.int(), bytes: z.int() }),
  },
  restore: {
    input: z.strictObject({
      entry: backupEntrySchema,
      /** Of an incremental copy: what it is based on, oldest first; else empty. */
      chain: entries,
      /** Name of the volume that is overwritten or made; null: the one that was backed up. */
      target: z.string().nullable(),
      /** UUID or mount point of the array of `target`; null: that of the source, or the only one. */
      array: z.string().nullable(),
      force: z.boolean(),
      pre: hook,
      post: hook,
    }),
    output: z.strictObject({ lines }),
  },
  /** Clears the sector, deletes the snapshot ([004] fig. 14). A volume keeps its content. */
  delete: {
    input: z.strictObject({ entry: backupEntrySchema }),
    output: z.strictObject({ lines }),
  },
  /** All backups that can be found ([004] fig. 15), whoever made them. */
  rescan: {
    input: z.strictObject({ tapes: z.boolean() }),
    output: z.strictObject({
      entries,
      lines,
      /** UUIDs of the arrays that were looked through: what is said to be there and is not among the entries is missing. */
      arrays: z.array(z.string()),
      /** Cartridges that could not be looked at, '' for all of a device: what is on them may be there. */
      unread: z.array(
        z.strictObject({ arrayUuid: z.string(), device: z.string(), cartridge: z.string() }),
      ),
    }),
  },
  tapeCopy: {
    input: z.strictObject({
      entry: backupEntrySchema,
      chain: entries,
      runNumber: z.int().positive(),
      /** `tape0` or `tape0/AFS001`. */
      device: z.string(),
      /** The copy on tape that this one leaves out the unchanged blocks of; null: a full one. */
      since: backupEntrySchema.nullable(),
      /** The backup is deleted when the copy is made ([004] fig. 16). */
      move: z.boolean(),
    }),
    output: z.strictObject({ lines }),
  },
  /** To a volume of this or another array ([004] fig. 19). */
  copy: {
    input: z.strictObject({
      entry: backupEntrySchema,
      chain: entries,
      runNumber: z.int().positive(),
      /** A volume's name, or the path of one in a mounted array. */
      destination: z.string(),
      incremental: z.boolean(),
      force: z.boolean(),
    }),
    output: z.strictObject({ lines }),
  },
} as const;

export type ErrandKind = keyof typeof ERRANDS;
export type ErrandInput<K extends ErrandKind> = z.infer<(typeof ERRANDS)[K]['input']>;
export type ErrandOutput<K extends ErrandKind> = z.infer<(typeof ERRANDS)[K]['output']>;
export type PathRow = z.infer<typeof pathRowSchema>;
export type DestinationRow = z.infer<typeof destinationRowSchema>;
export type FileRow = z.infer<typeof fileRowSchema>;
