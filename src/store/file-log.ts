/**
 * The intent log's bytes in a file beside the pool's store, written in whole when it is made, so that
 * appending changes no metadata of the file system; opened for synchronous writes, so that one call
 * on the thread pool appends and makes durable.
 */
import {
  closeSync,
  constants,
  copyFileSync,
  existsSync,
  fstatSync,
  fsyncSync,
  openSync,
  readSync,
  renameSync,
  write,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../base/clock.js';
import { LOG_BYTES_MAX, LOG_BYTES_MIN } from '../base/limits.js';
import { pageAligned } from './aligned-memory.js';
import { DirectFile } from './direct-file.js';
import { storeError } from './lmdb-environment.js';
import type { LogDevice } from './log-device.js';

export const LOG_FILE = 'intent.log';

/** Largest append made on the event loop, the longest time one may take, and what follows a longer one. */
const QUICK_BYTES_MAX = 64 * 1024;
const SLOW_MS = 0.5;
const SLOW_APPENDS = 64;

/** A sixteenth of the capacity, within bounds. */
function logBytes(capacityBytes: number): number {
  const pageAligned = Math.floor(capacityBytes / 16 / 4096) * 4096;
  return Math.min(LOG_BYTES_MAX, Math.max(LOG_BYTES_MIN, pageAligned));
}

export function hasLogFile(directory: string): boolean {
  return existsSync(join(directory, LOG_FILE));
}

/** Makes the log of a new pool, or of one that never had one; an old one is given up. */
export function createLogFile(directory: string, capacityBytes: number): void {
  const file = openSync(join(directory, LOG_FILE), 'w', 0o600);
  try {
    const zeros = new Uint8Array(2 ** 20);
    let left = logBytes(capacityBytes);
    while (left > 0) left -= writeSync(file, zeros, 0, Math.min(left, zeros.length));
    fsyncSync(file);
  } catch (error) {
    throw storeError(error);
  } finally {
    closeSync(file);
  }
}

/** Changes parts of the log at once: after a crash it is the old one or the new one. */
export function patchLogFile(
  directory: string,
  patches: readonly { readonly position: number; readonly bytes: Uint8Array }[],
): void {
  const path = join(directory, LOG_FILE);
  const patched = `${path}.new`;
  try {
    copyFileSync(path, patched);
    const file = openSync(patched, 'r+');
    try {
      for (const { position, bytes } of patches) writeSync(file, bytes, 0, bytes.length, position);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(patched, path);
    syncDirectory(directory);
  } catch (error) {
    throw storeError(error);
  }
}

function syncDirectory(directory: string): void {
  const file = openSync(directory, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

export class FileLog implements LogDevice {
  readonly sizeBytes: number;
  private readonly file: number;
  private readonly direct: DirectFile;
  private readonly aligned = pageAligned(QUICK_BYTES_MAX);
  /** Appends left to be made on the thread pool. */
  private slowLeft = 0;

  /** Opens the log; a missing one reads as a log without a header. */
  constructor(directory: string, capacityBytes: number) {
    if (!hasLogFile(directory)) createLogFile(directory, capacityBytes);
    try {
      this.file = openSync(join(directory, LOG_FILE), constants.O_RDWR | constants.O_DSYNC);
    } catch (error) {
      throw storeError(error);
    }
    this.sizeBytes = fstatSync(this.file).size;
    this.direct = new DirectFile(join(directory, LOG_FILE), constants.O_DSYNC);
  }

  read(position: number, sizeBytes: number): Uint8Array {
    const bytes = new Uint8Array(sizeBytes);
    let done = 0;
    while (done < sizeBytes) {
      const count = readSync(this.file, bytes, done, sizeBytes - done, position + done);
      if (count === 0) break;
      done += count;
    }
    return bytes.subarray(0, done);
  }

  /**
   * Small appends are made on this thread while the disk takes them quickly: the way to the thread
   * pool and back would take as long again. One that was slow sends the next ones there.
   */
  async write(position: number, bytes: Uint8Array): Promise<void> {
    if (this.slowLeft === 0 && bytes.length <= QUICK_BYTES_MAX) {
      this.writeQuickly(position, bytes);
      return;
    }
    this.slowLeft = Math.max(0, this.slowLeft - 1);
    let done = 0;
    while (done < bytes.length) done += await this.writeSome(position + done, bytes.subarray(done));
  }

  async close(): Promise<void> {
    this.direct.close();
    closeSync(this.file);
  }

  private writeQuickly(position: number, bytes: Uint8Array): void {
    const startMs = systemClock.monotonicMs();
    try {
      this.aligned.set(bytes);
      if (!this.direct.write(position, this.aligned.subarray(0, bytes.length))) {
        let done = 0;
        while (done < bytes.length) {
          done += writeSync(this.file, bytes, done, bytes.length - done, position + done);
        }
      }
    } catch (error) {
      throw storeError(error);
    }
    if (systemClock.monotonicMs() - startMs > SLOW_MS) this.slowLeft = SLOW_APPENDS;
  }

  private writeSome(position: number, bytes: Uint8Array): Promise<number> {
    return new Promise((resolve, reject) => {
      write(this.file, bytes, 0, bytes.length, position, (error, count) => {
        if (error === null) resolve(count);
        else reject(storeError(error));
      });
    });
  }
}
