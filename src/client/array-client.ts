/**
 * How a program outside the daemon drives a mounted array: through the files of the mount and
 * nothing else, like any user. Failures are ArrayErrors with a reason for people; a mount whose
 * daemon has ended is told apart from a directory that never was an array.
 */
import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ArrayError, asArrayError } from '../base/errors.js';
import { commandLine } from './command-line.js';
import { exchange, type OpenControl, openControlFile, readAll } from './control-file.js';
import { type EventPart, lastLines, linesSince } from './event-tail.js';
import { exchangeScsi, scsiRefusal } from './scsi-file.js';

/** Names of tables, commands and jobs as the array makes them; keeps `..` and `/` out of paths. */
const FILE_NAME = /^[A-Za-z0-9_][A-Za-z0-9_-]*$/;

export interface CommandRequest {
  /** The file in ctl/. */
  readonly name: string;
  readonly words: readonly string[];
  readonly options: Readonly<Record<string, string>>;
}

export class ArrayClient {
  constructor(
    /** Absolute path of the mount. */
    readonly mountPoint: string,
    private readonly openControl: OpenControl = openControlFile,
  ) {}

  /** Runs a command; returns its result without the leading `ok`. */
  run(request: CommandRequest): Promise<string> {
    return this.runLine(request.name, commandLine(request.words, request.options));
  }

  /** Runs a command given as the line that is written to ctl/NAME. */
  async runLine(name: string, line: string): Promise<string> {
    const path = this.pathOf('ctl', checkedName(name, 'command'));
    return this.explain(() => exchange(this.openControl, path, line), `no such command: '${name}'`);
  }

  /** A status table as aligned text. */
  async statusText(table: string): Promise<string> {
    return this.readText('status', checkedName(table, 'status table'));
  }

  /** The same table as its rows (or, for a table of one row, as the array defines it). */
  async statusJson(table: string): Promise<unknown> {
    return this.readJson('status', `${checkedName(table, 'status table')}.json`);
  }

  async jobText(id: string): Promise<string> {
    return this.readText('jobs', checkedName(id, 'job'));
  }

  async jobJson(id: string): Promise<unknown> {
    return this.readJson('jobs', `${checkedName(id, 'job')}.json`);
  }

  /** A pair, named `PRIMARY:SECONDARY`. */
  async pairText(name: string): Promise<string> {
    return this.readText('pairs', checkedPair(name));
  }

  async pairJson(name: string): Promise<unknown> {
    return this.readJson('pairs', `${checkedPair(name)}.json`);
  }

  /** The volume-information sector of `VOLUME` or `VOLUME@SNAPSHOT`; undefined where none is stored. */
  async readInfo(copy: string): Promise<Uint8Array | undefined> {
    const path = this.pathOf('info', checkedCopy(copy));
    const bytes = await this.explain(
      () => readBytes(path),
      `no such volume or snapshot: '${copy}'`,
    );
    return bytes.length === 0 ? undefined : bytes;
  }

  /** Sends a SCSI command to a target port, as `ecopy/scsi-frame` has it; the bytes of its answer. */
  async sendScsi(port: string, command: Uint8Array): Promise<Uint8Array> {
    const path = this.pathOf('targets', checkedName(port, 'port'), 'scsi');
    return this.explain(
      () =>
        exchangeScsi(path, command).catch((error: NodeJS.ErrnoException) => {
          throw scsiRefusal(port, error.code) ?? error;
        }),
      `there is no target port ${port}`,
    );
  }

  /** Names in a directory of the mount, such as `volumes` or `snapshots/db`, without .json twins. */
  async names(...directory: string[]): Promise<string[]> {
    const path = this.pathOf(...directory);
    const entries = await this.explain(() => readdir(path), `no such file: '${path}'`);
    return entries.filter((entry) => !entry.endsWith('.json'));
  }

  async readText(...path: string[]): Promise<string> {
    const bytes = await this.explain(
      () => readBytes(this.pathOf(...path)),
      `no such file: '${path.join('/')}'`,
    );
    return Buffer.from(bytes).toString('utf8');
  }

  /** The newest `count` lines of the history, and where the next part begins. */
  lastEvents(count: number): Promise<EventPart> {
    return this.explain(() => lastLines(this.pathOf('events'), count), 'the array has no events');
  }

  eventsSince(offset: number): Promise<EventPart> {
    return this.explain(() => linesSince(this.pathOf('events'), offset), 'the array has no events');
  }

  private async readJson(...path: string[]): Promise<unknown> {
    const text = await this.readText(...path);
    try {
      return JSON.parse(text);
    } catch {
      throw new ArrayError('EIO', `${path.join('/')} is not JSON`);
    }
  }

  pathOf(...names: string[]): string {
    return join(this.mountPoint, ...names);
  }

  /** Turns the host's errno into a reason; `missing` is what ENOENT means if the array is there. */
  private async explain<T>(action: () => Promise<T>, missing: string): Promise<T> {
    try {
      return await action();
    } catch (error) {
      if (error instanceof ArrayError) throw error;
      const code = (error as NodeJS.ErrnoException).code;
      if (code === 'ENOENT') throw new ArrayError('ENOENT', await this.absence(missing));
      throw this.reasonFor(code) ?? asArrayError(error);
    }
  }

  private async absence(missing: string): Promise<string> {
    const isArray = await stat(this.pathOf('ctl')).then(
      (found) => found.isDirectory(),
      () => false,
    );
    return isArray ? missing : `${this.mountPoint} is not a mounted array`;
  }

  private reasonFor(code: string | undefined): ArrayError | undefined {
    switch (code) {
      case 'ENOTCONN':
      case 'ECONNABORTED':
        return new ArrayError(
          'EIO',
          `the daemon of the array at ${this.mountPoint} has ended: mount it again with arrayfs mount`,
        );
      case 'ENOTDIR':
        return new ArrayError('ENOTDIR', `${this.mountPoint} is not a mounted array`);
      case 'EROFS':
        return new ArrayError('EROFS', `the array at ${this.mountPoint} is mounted read-only`);
      case 'EACCES':
      case 'EPERM':
        return new ArrayError('EACCES', `the array at ${this.mountPoint} belongs to another user`);
      default:
        return undefined;
    }
  }
}

async function readBytes(path: string): Promise<Uint8Array> {
  const handle = await open(path, 'r');
  try {
    return await readAll(handle);
  } finally {
    await handle.close();
  }
}

function checkedName(name: string, what: string): string {
  if (!FILE_NAME.test(name)) throw new ArrayError('EINVAL', `not the name of a ${what}: '${name}'`);
  return name;
}

function checkedPair(name: string): string {
  if (!/^[\w.-]+:[\w.-]+$/.test(name) || name.startsWith('.')) {
    throw new ArrayError('EINVAL', `not the name of a pair: '${name}'; name it PRIMARY:SECONDARY`);
  }
  return name;
}

/** A copy's name becomes one path element; the array checks the rest. */
function checkedCopy(copy: string): string {
  if (copy === '' || copy.startsWith('.') || copy.includes('/') || copy.includes('\0')) {
    throw new ArrayError('EINVAL', `not the name of a volume or snapshot: '${copy}'`);
  }
  return copy;
}
