/** Runs other programs; a failure carries the command line and what it said. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import type { Cleanup } from './cleanup.js';

/** Runs to the end and returns standard output. Killed with the benchmark. */
export async function run(
  cleanup: Cleanup,
  command: string,
  words: readonly string[],
): Promise<string> {
  const child = spawn(command, words, { stdio: ['ignore', 'pipe', 'pipe'] });
  const stop = cleanup.add(() => child.kill('SIGKILL'));
  let output = '';
  let errors = '';
  child.stdout.on('data', (data) => {
    output += data;
  });
  child.stderr.on('data', (data) => {
    errors += data;
  });
  // `exit`, not `close`: a daemon that the command started may keep the pipes open.
  const status = await exitOf(child);
  stop();
  if (status !== 0) {
    throw new Error(`${command} ${words.join(' ')}: status ${status}\n${errors}${output}`.trim());
  }
  return output;
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
  condition: () => boolean,
  seconds: number,
): Promise<void> {
  const end = Date.now() + seconds * 1000;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`${what}: not within ${seconds} s`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export function killIfAlive(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
