/**
 * A file that is open a second time, for writes past the page cache (O_DIRECT), which save a copy.
 * Not every file system does them, nor all of them: what is refused is left to the usual way.
 */
import { closeSync, constants, openSync, writeSync } from 'node:fs';

export class DirectFile {
  /** Undefined where the file system refuses. */
  private file: number | undefined;

  /** `flags`: more of how to open it. */
  constructor(path: string, flags = 0) {
    try {
      this.file = openSync(path, constants.O_WRONLY | constants.O_DIRECT | flags);
    } catch {
      this.file = undefined;
    }
  }

  /** False where not all was written. `bytes` begins at a page of memory (pageAligned). */
  write(position: number, bytes: Uint8Array): boolean {
    if (this.file === undefined) return false;
    try {
      return writeSync(this.file, bytes, 0, bytes.length, position) === bytes.length;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EINVAL') throw error;
      this.close();
      return false;
    }
  }

  close(): void {
    if (this.file !== undefined) closeSync(this.file);
    this.file = undefined;
  }
}
