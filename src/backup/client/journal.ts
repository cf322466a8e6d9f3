/**
 * What the client must know after a crash: one file for each errand that is under way, replaced as a whole. A file is
 * there from before the first step of its errand until the server has answered the report of its end.
 */
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { makeDirectories } from '../../base/make-directories.js';
import { ERRANDS, type ErrandKind } from '../errands.js';

const DIRECTORY_MODE = 0o700;
const FILE_MODE = 0o600;
const NEW_SUFFIX = '.new';

const kinds = Object.keys(ERRANDS) as [ErrandKind, ...ErrandKind[]];

const recordSchema = z.strictObject({
  id: z.int().positive(),
  kind: z.enum(kinds),
  input: z.unknown(),
  /** As the handler noted last; absent before the first note. */
  notes: z.unknown().optional(),
  /** Of the last change of the catalog that was, or may have been, sent. */
  sequence: z.int().nonnegative(),
  /** All lines so far: a report counts those that were sent. */
  log: z.array(z.string()),
  /** When the errand is over, until the server knows. */
  outcome: z
    .union([
      z.strictObject({ output: z.unknown() }),
      z.strictObject({ failure: z.strictObject({ error: z.string(), reason: z.string() }) }),
    ])
    .nullable(),
});

export type JournalRecord = Readonly<z.infer<typeof recordSchema>>;
export type ErrandOutcome = NonNullable<JournalRecord['outcome']>;

export class Journal {
  /** Files are replaced one after the other: an older record never overtakes a newer one. */
  private last: Promise<unknown> = Promise.resolve();

  private constructor(private readonly directory: string) {}

  /** Makes the directory where it is missing. */
  static open(directory: string): Journal {
    makeDirectories(directory, DIRECTORY_MODE);
    for (const name of readdirSync(directory)) {
      if (name.endsWith(NEW_SUFFIX)) rmSync(join(directory, name));
    }
    return new Journal(directory);
  }

  /** Of errands that were under way, in the order of their numbers; files that hold none are told of. */
  read(): { readonly records: JournalRecord[]; readonly damaged: string[] } {
    const records: JournalRecord[] = [];
    const damaged: string[] = [];
    for (const name of readdirSync(this.directory).filter((file) => file.endsWith('.json'))) {
      const file = join(this.directory, name);
      const record = recordIn(file);
      if (record === undefined) damaged.push(file);
      else records.push(record);
    }
    return { records: records.sort((a, b) => a.id - b.id), damaged };
  }

  /** Durable when it resolves. */
  write(record: JournalRecord): Promise<void> {
    // As it is now, whatever the caller adds to it meanwhile.
    const text = JSON.stringify(record);
    return this.inTurn(async () => {
      const file = this.fileOf(record.id);
      const handle = await open(`${file}${NEW_SUFFIX}`, 'w', FILE_MODE);
      try {
        await handle.writeFile(text);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(`${file}${NEW_SUFFIX}`, file);
      await this.syncDirectory();
    });
  }

  remove(id: number): Promise<void> {
    return this.inTurn(() => rm(this.fileOf(id), { force: true }));
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.last.then(work);
    this.last = done.catch(() => undefined);
    return done;
  }

  private async syncDirectory(): Promise<void> {
    const handle = await open(this.directory, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  }

  private fileOf(id: number): string {
    return join(this.directory, `${id}.json`);
  }
}

function recordIn(file: string): JournalRecord | undefined {
  try {
    return recordSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    return undefined;
  }
}
