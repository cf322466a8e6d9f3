/**
 * What the server was told by people and cannot find again on any array: definitions, clients, and which numbers were
 * given out. One JSON file beside the catalog, replaced as a whole, so that a lost or damaged catalog costs none of it.
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';
import { ArrayError } from '../../base/errors.js';
import { definitionSchema } from '../definition.js';

const OWNER_ONLY = 0o600;

const serverDataSchema = z.strictObject({
  version: z.literal(1),
  definitions: z.array(definitionSchema),
  clients: z.array(
    z.strictObject({ name: z.string(), tokenSha256: z.string().regex(/^[0-9a-f]{64}$/) }),
  ),
  /** The highest job number and errand that were given out, or that somebody told of. */
  lastNumber: z.int().nonnegative(),
  lastErrand: z.int().nonnegative(),
});

export type ServerData = Omit<z.infer<typeof serverDataSchema>, 'version'>;

export class ServerFile {
  private current: ServerData;

  /**
   * `firstErrand` counts for a new file: errands of an earlier server that had the same clients and is lost must not be
   * taken for ours. EINVAL where the file is not ours to read.
   */
  constructor(
    private readonly file: string,
    firstErrand: number,
  ) {
    this.current = existsSync(file)
      ? readData(file)
      : { definitions: [], clients: [], lastNumber: 0, lastErrand: firstErrand };
  }

  get data(): ServerData {
    return this.current;
  }

  /** Durable when it returns. */
  update(change: Partial<ServerData>): void {
    const next = { ...this.current, ...change };
    replaceFile(this.file, `${JSON.stringify({ version: 1, ...next }, undefined, 1)}\n`);
    this.current = next;
  }

  takeNumbers(count: number): number {
    const first = this.current.lastNumber + 1;
    this.update({ lastNumber: first + count - 1 });
    return first;
  }

  takeErrand(): number {
    const id = this.current.lastErrand + 1;
    this.update({ lastErrand: id });
    return id;
  }

  /** Somebody has this number: those given out from now on are above. */
  numberSeen(number: number): void {
    if (number > this.current.lastNumber) this.update({ lastNumber: number });
  }
}

function readData(file: string): ServerData {
  try {
    const { version: _version, ...data } = serverDataSchema.parse(
      JSON.parse(readFileSync(file, 'utf8')),
    );
    return data;
  } catch (error) {
    const reason = error instanceof z.ZodError ? z.prettifyError(error) : String(error);
    throw new ArrayError(
      'EINVAL',
      `${file} is damaged or of another version of arrayfs, and was left as it is: ${reason.replace(/\s+/g, ' ')}`,
    );
  }
}

function replaceFile(file: string, text: string): void {
  const temporary = `${file}.new`;
  const descriptor = openSync(temporary, 'w', OWNER_ONLY);
  try {
    writeSync(descriptor, text);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(temporary, file);
  const directory = openSync(dirname(file), 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}
