/**
 * The messages between backup server, backup clients and the command line: HTTP and JSON, each path with what goes in and
 * comes out. Users' paths need the token of an administrator, clients' paths that of the client. A refusal is
 * `{ error, reason }` with the HTTP status of its code in base/errors.
 *
 * For users:
 *   GET    /about
 *   GET    /definitions                 rows          PUT /definitions/NAME (a definition), DELETE /definitions/NAME
 *   POST   /definitions/NAME/check      an errand: the dry run
 *   POST   /definitions/NAME/run        a run
 *   GET    /definitions/NAME/retention  rows, newest first
 *   POST   /definitions/NAME/prune      the same rows; what is not kept is deleted by errands: { rows, errands }
 *   GET    /runs?definition=&limit=     runs          GET /runs/N       POST /runs/N/cancel
 *   GET    /backups?FILTER              entries       GET /backups/ID
 *   POST   /backups/ID/ACTION           an errand; ACTION and body: a row of ENTRY_ACTIONS
 *   POST   /rescan { tapes }            errands, one for each connected client
 *   GET    /clients                     rows          PUT /clients/NAME (answers { token }), DELETE /clients/NAME
 *   POST   /clients/NAME/paths, /clients/NAME/destinations   an errand; the body is its input
 *   GET    /destinations                rows: the last answers of destinations are kept
 *   GET    /errands/ID?after=REVISION&wait=MS   the errand, when its revision is above     POST /errands/ID/cancel
 * For clients:
 *   POST   /client/hello     answers what /about does
 *   POST   /client/poll, /client/report, /client/catalog
 * For monitoring, with a user's token: GET /metrics
 */
import { z } from 'zod';
import { backupEntrySchema } from './backup-entry.js';
import { ENTRY_STATES, PLACE_KINDS } from './choices.js';
import { definitionSchema } from './definition.js';
import { ERRANDS, type ErrandKind } from './errands.js';

export const API_PREFIX = '/v1';
/** Each request and answer says which protocol its sender speaks. */
export const PROTOCOL_HEADER = 'arrayfs-backup-protocol';

const errandKinds = Object.keys(ERRANDS) as [ErrandKind, ...ErrandKind[]];
const progressSchema = z.strictObject({
  step: z.string(),
  text: z.string(),
  done: z.number(),
  total: z.number(),
  unit: z.enum(['bytes', 'pieces']).default('bytes'),
});
const failureSchema = z.strictObject({ error: z.string(), reason: z.string() });

/**
 * What users can have done with a backup: the kind of errand, and the body of the request, which is the errand's input
 * without what the server knows itself.
 */
export const ENTRY_ACTIONS = {
  verify: { kind: 'verify', body: ERRANDS.verify.input.omit({ entry: true, chain: true }) },
  files: { kind: 'files', body: ERRANDS.files.input.omit({ entry: true, chain: true }) },
  'restore-files': {
    kind: 'restoreFiles',
    body: ERRANDS.restoreFiles.input.omit({ entry: true, chain: true }),
  },
  restore: { kind: 'restore', body: ERRANDS.restore.input.omit({ entry: true, chain: true }) },
  delete: { kind: 'delete', body: ERRANDS.delete.input.omit({ entry: true }) },
  'tape-copy': {
    kind: 'tapeCopy',
    body: ERRANDS.tapeCopy.input
      .omit({ entry: true, chain: true, runNumber: true, since: true })
      /** `since` is the newest copy of this definition and source on that device, where there is one. */
      .extend({ incremental: z.boolean() }),
  },
  copy: {
    kind: 'copy',
    body: ERRANDS.copy.input.omit({ entry: true, chain: true, runNumber: true }),
  },
} as const satisfies Record<string, { kind: ErrandKind; body: z.ZodType }>;

/** A piece of work at a client, as those see it who wait for it. */
export const errandViewSchema = z.strictObject({
  id: z.int(),
  kind: z.enum(errandKinds),
  client: z.string(),
  state: z.enum(['waiting', 'running', 'done', 'failed', 'cancelled']),
  /** Counts changes, for who waits for the next. */
  revision: z.int(),
  progress: progressSchema.nullable(),
  log: z.array(z.string()),
  /** By the kind's schema. */
  output: z.unknown(),
  failure: failureSchema.nullable(),
});

/** One execution of a definition, kept. Complete or failed when it is over, never in between. */
export const runSchema = z.strictObject({
  number: z.int(),
  definition: z.string(),
  client: z.string(),
  state: z.enum(['waiting', 'running', 'complete', 'failed', 'cancelled']),
  reason: z.string(),
  scheduledMs: z.int(),
  startedMs: z.int(),
  endedMs: z.int(),
  errand: z.int(),
  /** Ids of what it added to the catalog and is still there. */
  entries: z.array(z.string()),
  log: z.array(z.string()),
});

export const entryFilterSchema = z.strictObject({
  definition: z.string().optional(),
  client: z.string().optional(),
  label: z.string().optional(),
  kind: z.enum(PLACE_KINDS).optional(),
  state: z.enum(ENTRY_STATES).optional(),
  /** The newest so many. */
  limit: z.coerce.number().int().positive().optional(),
});

export const aboutSchema = z.strictObject({
  version: z.string(),
  protocol: z.int(),
  dataDirectory: z.string(),
  /** Of the machine the server runs on: /proc/sys/kernel/random/boot_id. */
  bootId: z.string(),
});

/** From a client at its start and whenever its arrays change. What it adds to the catalog has its name: refused where the token is another's. */
export const helloSchema = z.strictObject({
  name: z.string(),
  version: z.string(),
  hostName: z.string(),
  arrays: z.array(z.strictObject({ uuid: z.string(), mountPoint: z.string() })),
  /** The highest job number in any sector of these arrays: other servers' backups keep theirs. */
  highestJobNumber: z.int().nonnegative(),
});

/** Waits up to `waitMs` for errands that are not among those the client has. */
export const pollSchema = z.strictObject({
  has: z.array(z.int()),
  waitMs: z.int().nonnegative().max(60_000),
});
export const pollAnswerSchema = z.strictObject({
  errands: z.array(z.strictObject({ id: z.int(), kind: z.enum(errandKinds), input: z.unknown() })),
  /** To be given up. */
  cancelled: z.array(z.int()),
});

export const reportSchema = z.strictObject({
  errand: z.int(),
  progress: progressSchema.nullable(),
  /** Lines since the last report that was answered; `firstLine` counts those before. */
  firstLine: z.int(),
  log: z.array(z.string()),
  /** When the errand is over: one of the two. */
  output: z.unknown().optional(),
  failure: failureSchema.optional(),
});

/** In one transaction. Repeated after a lost answer: `sequence` of the errand tells. */
export const catalogChangeSchema = z.strictObject({
  errand: z.int(),
  sequence: z.int().positive(),
  add: z.array(backupEntrySchema),
  remove: z.array(z.string()),
});

export const clientRowSchema = z.strictObject({
  name: z.string(),
  /** When it was heard of last, 0: never. */
  seenMs: z.int(),
  isConnected: z.boolean(),
  version: z.string(),
  hostName: z.string(),
  arrays: helloSchema.shape.arrays,
});

export const definitionRowSchema = z.strictObject({
  definition: definitionSchema,
  nextMs: z.int().nullable(),
  lastRun: z.int().nullable(),
  /** Scheduled times that passed while the server was down: one run catches up. */
  missed: z.int(),
});

export const retentionRowSchema = z.strictObject({
  id: z.string(),
  isKept: z.boolean(),
  reasons: z.array(z.string()),
});

export type EntryAction = keyof typeof ENTRY_ACTIONS;
export type EntryActionBody<A extends EntryAction> = z.infer<(typeof ENTRY_ACTIONS)[A]['body']>;
export type ErrandView = z.infer<typeof errandViewSchema>;
export type Run = z.infer<typeof runSchema>;
export type EntryFilter = z.infer<typeof entryFilterSchema>;
export type ClientRow = z.infer<typeof clientRowSchema>;
export type DefinitionRow = z.infer<typeof definitionRowSchema>;
export type RetentionRow = z.infer<typeof retentionRowSchema>;
export type Hello = z.infer<typeof helloSchema>;
export type PollAnswer = z.infer<typeof pollAnswerSchema>;
export type Report = z.infer<typeof reportSchema>;
export type CatalogChangeMessage = z.infer<typeof catalogChangeSchema>;
