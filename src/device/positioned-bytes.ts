/** A file with synchronous calls, read and written at positions: for worker threads and programs. */
import {
  closeSync,
  constants,
  fdatasyncSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  writevSync,
} from 'node:fs';
import { asArrayError } from '../base/errors.js';

export type OpenMode = 'read' | 'write' | 'create';
const FLAGS: Readonly<Record<OpenMode, number>> = {
  read: constants.O_RDONLY,
  write: constants.O_RDWR,
  /** The file must not be there. */
  create: constants.O_RDWR | constants.O_CREAT | constants.O_EXCL,
};
const NEW_FILE_MODE = 0o600;

export class PositionedBytes {
  private constructor(
    private readonly descriptor: number,
    private size: number,
  ) {}

  /** Throws the ArrayError of the system's errno. */
  static open(path: string, mode: OpenMode): PositionedBytes {
    return withArrayErrors(() => {
      const descriptor = openSync(path, FLAGS[mode], NEW_FILE_MODE);
      return new PositionedBytes(descriptor, fstatSync(descriptor).size);
    });
  }

  get bytes(): number {
    return this.size;
  }

  /** Up to `count` bytes; fewer at the end of the file alone. */
  read(position: number, count: number): Buffer {
    const buffer = Buffer.allocUnsafe(Math.max(0, Math.min(count, this.size - position)));
    let done = 0;
    while (done < buffer.length) {
      const got = withArrayErrors(() =>
        readSync(this.descriptor, buffer, done, buffer.length - done, position + done),
      );
      if (got === 0) break;
      done += got;
    }
    return buffer.subarray(0, done);
  }

  /** Writes all pieces, or none: what was written before an error is cut off again. */
  append(pieces: readonly Uint8Array[]): void {
    const start = this.size;
    const total = pieces.reduce((sum, piece) => sum + piece.length, 0);
    try {
      const done = withArrayErrors(() => writevSync(this.descriptor, [...pieces], start));
      this.size = start + done;
      if (done < total) this.append([Buffer.concat(pieces).subarray(done)]);
    } catch (error) {
      this.cutBack(start);
      throw error;
    }
  }

  truncate(size: number): void {
    withArrayErrors(() => ftruncateSync(this.descriptor, size));
    this.size = size;
  }

  sync(): void {
    withArrayErrors(() => fdatasyncSync(this.descriptor));
  }

  close(): void {
    closeSync(this.descriptor);
  }

  /** The error that led here is told, not one of this. */
  private cutBack(size: number): void {
    this.size = size;
    try {
      ftruncateSync(this.descriptor, size);
    } catch {
      // The file keeps a torn end, as after a crash.
    }
  }
}

function withArrayErrors<T>(action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw asArrayError(error);
  }
}
