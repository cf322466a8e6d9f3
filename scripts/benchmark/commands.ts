/** Runs other programs; a failure carries the command line and what it said. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import type { Cleanup } from './cleanup.js';

/** A command that takes longer hangs: it is ended, and the row fails. */
const SECONDS_MAX = 1_800;

/** For what a command wrote before its end and is still in the pipe. */
const OUTPUT_MS_MAX = 1_000;

export interface RunWords {
  readonly secondsMax?: number;
  /** Exit statuses that are no failure, besides 0. */
  readonly allowed?: readonly number[];
  /** The command starts a process that holds its output: the output is not waited for. */
  readonly leavesDaemon?: boolean;
}

export interface Running {
  /** Standard output; rejects where the command failed. */
  readonly output: Promise<string>;
  readonly hasEnded: () => boolean;
  signal(name: NodeJS.Signals): void;
}

/** Runs to the end and returns standard output. Killed with the benchmark. */
export function run(
  cleanup: Cleanup,
  command: string,
  words: readonly string[],
  how: RunWords = {},
): Promise<string> {
  return start(cleanup, command, words, how).output;
}

/** Starts a command that the caller ends by a signal, or waits for. */
export function start(
  cleanup: Cleanup,
  command: string,
  words: readonly string[],
  { secondsMax = SECONDS_MAX, allowed = [], leavesDaemon = false }: RunWords = {},
): Running {
  const child = spawn(command, words, { stdio: ['ignore', 'pipe', 'pipe'] });
  const stop = cleanup.add(() => child.kill('SIGKILL'));
  const timer = setTimeout(() => child.kill('SIGKILL'), secondsMax * 1000);
  const text = { output: '', errors: '' };
  child.stdout.on('data', (data) => {
    text.output += data;
  });
  child.stderr.on('data', (data) => {
    text.errors += data;
  });
  const exited = exitOf(child);
  const closed = closedOrLate(child);
  const end = async () => {
    try {
      const status = await exited;
      if (status !== 0 || !leavesDaemon) await closed;
      if (status === 0 || allowed.includes(Number(status))) return text.output;
      throw new Error(failureText(command, words, status, `${text.errors}${text.output}`));
    } finally {
      clearTimeout(timer);
      stop();
    }
  };
  const output = end();
  // Whoever started it waits for it later; until then a failure is not an unhandled one.
  output.catch(() => {});
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null;
  return { output, hasEnded, signal: (name) => void child.kill(name) };
}

/** One line that says most, then everything. */
function failureText(
  command: string,
  words: readonly string[],
  status: number | string,
  said: string,
): string {
  const lastLine = said.trim().split('\n').at(-1) ?? '';
  return `${command}: ${lastLine} (status ${status})\n${command} ${words.join(' ')}\n${said}`.trim();
}

/**
 * All output has been read. Not for ever: a process that the command left behind may hold the pipes.
 */
function closedOrLate(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once('close', () => resolve());
    child.once('exit', () => setTimeout(resolve, OUTPUT_MS_MAX).unref());
  });
}

/** Exit status, or the signal that ended it. */
export function exitOf(child: ChildProcess): Promise<number | string> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(code ?? signal ?? 'unknown'));
  });
}

/** Whether a command exists, asked by running it. */
export function commandVersion(command: string, words: readonly string[]): string | undefined {
  try {
    return execFileSync(command, words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
      .split('\n')[0]
      ?.trim();
  } catch {
    return undefined;
  }
}

export function isMounted(point: string): boolean {
  return readFileSync('/proc/self/mountinfo', 'utf8').includes(` ${point} `);
}

/** For cleaning up: whoever still uses the mount loses it. */
export function unmountLazily(point: string): void {
  if (!isMounted(point)) return;
  const command = process.getuid?.() === 0 ? ['umount', '-l'] : ['fusermount', '-uz'];
  execFileSync(command[0] as string, [...command.slice(1), point], { stdio: 'inherit' });
}

/** Other processes with `text` in their command line. */
export function processesWith(text: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => commandLineOf(pid).includes(text))
    .map(Number);
}

function commandLineOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

/** Polls until `condition` holds; an Error with `what` after `seconds`. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  seconds: number,
): Promise<void> {
  const end = Date.now() + seconds * 1000;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`${what}: not within ${seconds} s`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** The result of `promise`, or an Error where a file system does not answer for so long. */
export async function within<T>(what: string, seconds: number, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not within ${seconds} s`)), seconds * 1000);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** fsync. */
export async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await within(`fsync of ${path}`, SECONDS_MAX, file.sync());
  } finally {
    await file.close();
  }
}

export function killIfAlive(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
