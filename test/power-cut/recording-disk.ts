/** The recording file system of a test: starts its process, and reads the log when it has ended. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { builtProgram } from '../support/built-program.js';
import { run, start, until } from '../support/programs.js';
import { subdirectory } from '../support/scratch-directory.js';
import { type LogEntry, readLog } from './programs/operation-log.js';

export class RecordingDisk {
  private constructor(
    readonly directory: string,
    private readonly logPath: string,
    private readonly process: ReturnType<typeof start>,
  ) {}

  /** Mounts one below `scratch`, which unmounts it when the test fails. */
  static async mount(scratch: string): Promise<RecordingDisk> {
    const directory = subdirectory(scratch, 'recorded');
    const logPath = join(scratch, 'log');
    const words = [logPath, subdirectory(scratch, 'backing'), directory];
    const process = start('node', builtProgram('power-cut', 'recorder'), ...words);
    await until(() => {
      if (process.child.exitCode !== null) {
        throw new Error(`the recording file system has ended: ${process.texts.errors}`);
      }
      return readFileSync('/proc/self/mountinfo', 'utf8').includes(` ${directory} `);
    });
    return new RecordingDisk(directory, logPath, process);
  }

  /** Unmounts it; resolves with all it has logged. */
  async finish(): Promise<LogEntry[]> {
    // The last threads of a daemon that has ended may still hold its files.
    await until(() => {
      const { status, errors } = run('umount', this.directory);
      if (status !== 0 && !errors.includes('busy')) throw new Error(errors);
      return status === 0;
    });
    const { status, errors } = await this.process.result;
    if (status !== 0) throw new Error(`the recording file system ended with ${status}: ${errors}`);
    return readLog(this.logPath);
  }
}
