/** Starts the daemon of an array as a process of its own and waits until its mount is usable. */
import { type ChildProcess, fork, type StdioOptions } from 'node:child_process';
import { closeSync, existsSync, openSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ArrayError } from '../base/errors.js';
import { HEAP_GROWTH_PERCENT, HEAP_NURSERY_BYTES } from '../base/limits.js';
import {
  type DaemonOptions,
  type DaemonReport,
  encodeDaemonOptions,
  isDaemonReport,
} from '../host/daemon-options.js';

const DAEMON_PROGRAM = fileURLToPath(new URL('../main.js', import.meta.url));

export type ReadyReport = Extract<DaemonReport, { kind: 'ready' }>;

/**
 * In the background: a session of its own, stdout and stderr to the log. Resolves when the mount is
 * usable and then lets go of the process; throws why it is not.
 */
export async function startDaemon(
  options: DaemonOptions & { readonly logFile: string },
): Promise<ReadyReport> {
  const isNewLog = !existsSync(options.logFile);
  const log = openLog(options.logFile);
  const child = forkDaemon(options, { detached: true, stdio: ['ignore', log, log, 'ipc'] });
  closeSync(log);
  const undo = endOnInterrupt(child);
  try {
    const report = await firstReport(child, `see ${options.logFile}`);
    if (child.connected) child.disconnect();
    child.unref();
    return report;
  } catch (error) {
    // What was no store gets no log either.
    if (isNewLog && statSync(options.logFile, { throwIfNoEntry: false })?.size === 0) {
      rmSync(options.logFile);
    }
    throw error;
  } finally {
    undo();
  }
}

/** In the foreground: on this terminal, until its mount ends. Returns the daemon's exit status. */
export async function runDaemonHere(
  options: DaemonOptions,
  onReady: (report: ReadyReport) => void,
): Promise<number> {
  const child = forkDaemon(options, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const exited = new Promise<number>((resolve) => {
    child.once('exit', (code) => resolve(code ?? 1));
  });
  // An interrupt from the terminal reaches both; one sent to this process alone is passed on.
  const ignore = () => {};
  const passOn = () => void child.kill('SIGTERM');
  process.on('SIGINT', ignore);
  process.on('SIGTERM', passOn);
  try {
    onReady(await firstReport(child, 'see the messages above'));
    return await exited;
  } finally {
    process.off('SIGINT', ignore);
    process.off('SIGTERM', passOn);
  }
}

function openLog(file: string): number {
  if (!existsSync(dirname(file))) {
    throw new ArrayError('ENOENT', `there is no directory ${dirname(file)}`);
  }
  return openSync(file, 'a', 0o600);
}

function forkDaemon(
  options: DaemonOptions,
  how: { detached?: boolean; stdio: StdioOptions },
): ChildProcess {
  // Cold blocks are fetched on the thread pool, as many at a time as it has threads.
  const env = { UV_THREADPOOL_SIZE: '16', ...process.env };
  // Both hold for its threads, too. What they save is in native-notes/performance.md.
  const execArgv = [
    `--max-semi-space-size=${HEAP_NURSERY_BYTES / 2 ** 20}`,
    `--heap-growing-percent=${HEAP_GROWTH_PERCENT}`,
  ];
  return fork(DAEMON_PROGRAM, [encodeDaemonOptions(options)], { ...how, env, execArgv });
}

function endOnInterrupt(child: ChildProcess): () => void {
  const end = () => void child.kill('SIGTERM');
  process.on('SIGINT', end);
  process.on('SIGTERM', end);
  return () => {
    process.off('SIGINT', end);
    process.off('SIGTERM', end);
  };
}

function firstReport(child: ChildProcess, whereMore: string): Promise<ReadyReport> {
  return new Promise((resolve, reject) => {
    child.on('message', (message) => {
      if (!isDaemonReport(message)) return;
      if (message.kind === 'ready') resolve(message);
      else reject(new ArrayError(message.code, message.reason));
    });
    child.once('error', (error) => reject(new ArrayError('EIO', error.message)));
    child.once('exit', (status, signal) => {
      const how = signal ?? `status ${status}`;
      reject(new ArrayError('EIO', `the daemon ended early (${how}): ${whereMore}`));
    });
  });
}
