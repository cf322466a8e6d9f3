/**
 * The log of the recording file system: every change and every sync, in the order in which they were
 * answered. A file of entries, each a line of JSON and, for writes, the raw data after it:
 *
 *   {"kind":"write","node":4,"handle":7,"offset":4096,"bytes":4096}\n DATA
 *
 * Files and directories are named by node number, 1 is the root, never reused.
 */
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';

export type LogEntry =
  | {
      readonly kind: 'create';
      readonly parent: number;
      readonly name: string;
      readonly node: number;
      readonly isDirectory: boolean;
    }
  | { readonly kind: 'remove'; readonly parent: number; readonly name: string }
  | {
      readonly kind: 'rename';
      readonly parent: number;
      readonly name: string;
      readonly newParent: number;
      readonly newName: string;
    }
  | {
      readonly kind: 'write';
      readonly node: number;
      /** The open file it came through; 0 for a page of a mapping, which belongs to none. */
      readonly handle: number;
      readonly offset: number;
      readonly data: Uint8Array;
    }
  | { readonly kind: 'truncate'; readonly node: number; readonly size: number }
  /** Zeros in a range that lies inside the file. */
  | {
      readonly kind: 'zero';
      readonly node: number;
      readonly offset: number;
      readonly size: number;
    }
  /** Answered sync of a file; with a `handle`, of what was written through it alone. */
  | { readonly kind: 'sync'; readonly node: number; readonly handle?: number }
  | { readonly kind: 'syncDirectory'; readonly node: number };

export type LoggedWrite = Extract<LogEntry, { kind: 'write' }>;

export class LogWriter {
  private readonly file: number;

  constructor(path: string) {
    this.file = openSync(path, 'w');
  }

  append(entry: LogEntry): void {
    if (entry.kind !== 'write') {
      this.put(Buffer.from(`${JSON.stringify(entry)}\n`));
      return;
    }
    const { data, ...header } = entry;
    this.put(Buffer.from(`${JSON.stringify({ ...header, bytes: data.length })}\n`));
    this.put(data);
  }

  close(): void {
    closeSync(this.file);
  }

  private put(bytes: Uint8Array): void {
    let done = 0;
    while (done < bytes.length) done += writeSync(this.file, bytes, done);
  }
}

/** All entries; the data of writes are views of one buffer. */
export function readLog(path: string): LogEntry[] {
  const bytes = readFileSync(path);
  const entries: LogEntry[] = [];
  let position = 0;
  while (position < bytes.length) {
    const end = bytes.indexOf(10, position);
    const header = JSON.parse(bytes.toString('utf8', position, end)) as LogEntry & {
      bytes?: number;
    };
    position = end + 1;
    if (header.kind !== 'write') {
      entries.push(header);
      continue;
    }
    const { bytes: size = 0, ...rest } = header;
    entries.push({ ...rest, data: bytes.subarray(position, position + size) });
    position += size;
  }
  return entries;
}
