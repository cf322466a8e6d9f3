/**
 * The daemon's log: one line `TIME LEVEL text` for what happens to it as a process. What happens to
 * the array is in /events. A log that cannot be written never stops the daemon.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import { type Clock, isoTime } from '../base/clock.js';
import { asArrayError } from '../base/errors.js';
import { printable } from '../base/names.js';

export type LogLevel = 'info' | 'warning' | 'error';

const STDERR = 2;

export class DaemonLog {
  private descriptor: number;

  /** Without a file the lines go to stderr. Throws where the file cannot be opened. */
  constructor(
    private readonly clock: Clock,
    private readonly file: string | undefined,
  ) {
    this.descriptor = openLog(file);
  }

  write(level: LogLevel, text: string): void {
    try {
      writeSync(this.descriptor, `${isoTime(this.clock.nowMs())} ${level} ${printable(text)}\n`);
    } catch {
      // There is no other place to say so.
    }
  }

  /** For log rotation: goes on in a new file of the same name. */
  reopen(): void {
    if (this.file === undefined) return;
    const old = this.descriptor;
    try {
      this.descriptor = openLog(this.file);
    } catch (error) {
      this.write('error', `cannot reopen the log: ${asArrayError(error).reason}`);
      return;
    }
    closeSync(old);
  }
}

function openLog(file: string | undefined): number {
  return file === undefined ? STDERR : openSync(file, 'a', 0o600);
}
