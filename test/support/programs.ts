/** Runs the programs that mounted tests need, and ends at the latest with the test what was started. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { sleep } from '../../src/base/clock.js';

export const ARRAYFS = resolve(import.meta.dirname, '../../scripts/arrayfs');
const OUTPUT_BYTES_MAX = 2 ** 27;
/** Between two looks at a condition. */
const LOOK_MS = 5;

export interface ProgramResult {
  readonly status: number;
  readonly out: string;
  readonly errors: string;
}

const environment = () => ({ ...process.env, LC_ALL: 'C' });
const children = new Set<ChildProcess>();

/** Runs a program to its end; its failure is a result. */
export function run(program: string, ...words: string[]): ProgramResult {
  const { status, stdout, stderr, error } = spawnSync(program, words, {
    encoding: 'utf8',
    cwd: '/',
    env: environment(),
    maxBuffer: OUTPUT_BYTES_MAX,
  });
  if (error) throw error;
  return { status: status ?? 255, out: stdout.trimEnd(), errors: stderr.trimEnd() };
}

/** The output of a program that must succeed. */
export function done(program: string, ...words: string[]): string {
  return outputOf(run(program, ...words), [program, ...words]);
}

/** The output of a shell script that must succeed; every command in it must. */
export function shell(script: string): string {
  return done('bash', '-euo', 'pipefail', '-c', script);
}

/** Starts a program that must succeed; resolves with its output at its end. */
export async function doneLater(program: string, ...words: string[]): Promise<string> {
  const { result } = start(program, ...words);
  return outputOf(await result, [program, ...words]);
}

/** Starts a program; `result` resolves when it has ended. */
export function start(program: string, ...words: string[]) {
  const child = spawn(program, words, { cwd: '/', env: environment() });
  children.add(child);
  const texts = { out: '', errors: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    texts.out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    texts.errors += text;
  });
  const result = new Promise<ProgramResult>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status) => {
      children.delete(child);
      resolve({ status: status ?? 255, out: texts.out.trimEnd(), errors: texts.errors.trimEnd() });
    });
  });
  return { child, texts, result };
}

/** Kills what `start` has started and still runs. */
export function killStarted(): void {
  for (const child of children) child.kill('SIGKILL');
}

/** Waits for something that another process does; rejects where `isOver` is so before: then it never comes. */
export async function until(condition: () => boolean, isOver = () => false): Promise<void> {
  while (!condition()) {
    if (isOver()) throw new Error('what is waited for has ended before');
    await sleep(LOOK_MS);
  }
}

function outputOf(result: ProgramResult, words: readonly string[]): string {
  if (result.status === 0) return result.out;
  const { status, out, errors } = result;
  throw new Error(`status ${status} of: ${words.join(' ')}\n${out}\n${errors}`);
}
