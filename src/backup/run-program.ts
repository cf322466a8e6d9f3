/**
 * Runs a program of the system, never through a shell, so no text becomes a command. Its failure is an ArrayError
 * with the first line of what it said.
 */
import { spawn } from 'node:child_process';
import type { Clock } from '../base/clock.js';
import { ArrayError } from '../base/errors.js';

/** Kept of each stream, from its beginning. */
const OUTPUT_BYTES_MAX = 4 * 2 ** 20;

export interface ProgramRun {
  readonly clock: Clock;
  /** It is killed after so long, and the run fails; undefined: it may take as long as it likes. */
  readonly timeoutMs?: number;
  /** It is killed when this is aborted; ECANCELED is told as EINTR. */
  readonly signal?: AbortSignal;
  /** Called with each whole line of its output instead of keeping that; a carriage return ends a line, too. */
  readonly onLine?: (line: string) => void;
  /** Where it works; default: the root directory. */
  readonly cwd?: string;
}

export interface ProgramEnd {
  /** 128 and the signal's place where it was killed. */
  readonly status: number;
  readonly output: string;
  readonly errors: string;
}

/** The output of a program that must succeed; EIO where it does not, ENOENT where there is no such program. */
export async function programOutput(
  program: string,
  words: readonly string[],
  run: ProgramRun,
): Promise<string> {
  const { status, output, errors } = await programEnd(program, words, run);
  if (status === 0) return output;
  throw new ArrayError(
    'EIO',
    `${program} failed: ${firstLine(errors) || firstLine(output) || `status ${status}`}`,
  );
}

/** The end of a program, however it ended by itself. */
export function programEnd(
  program: string,
  words: readonly string[],
  { clock, timeoutMs, signal, onLine, cwd = '/' }: ProgramRun,
): Promise<ProgramEnd> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(new ArrayError('EINTR', 'given up before it began'));
    const child = spawn(program, words, {
      stdio: ['ignore', 'pipe', 'pipe'],
      cwd,
      env: { ...process.env, LC_ALL: 'C.UTF-8' },
    });
    let failure: ArrayError | undefined;
    const end = (error: ArrayError) => {
      failure ??= error;
      child.kill('SIGKILL');
      // A program that hangs in the kernel does not die: it is not waited for.
      reject(failure);
    };
    const timer =
      timeoutMs === undefined
        ? undefined
        : clock.after(timeoutMs, () => {
            end(new ArrayError('EIO', `${program} has not ended after ${timeoutMs / 1000} s`));
          });
    const onAbort = () => end(new ArrayError('EINTR', `${program} was given up`));
    signal?.addEventListener('abort', onAbort, { once: true });
    const output = onLine === undefined ? keptText() : lineReader(onLine);
    const errors = keptText();
    child.stdout.on('data', (bytes: Buffer) => output.add(bytes));
    child.stderr.on('data', (bytes: Buffer) => errors.add(bytes));
    child.on('error', (error) => reject(startError(program, error)));
    child.on('close', (code) => {
      timer?.cancel();
      signal?.removeEventListener('abort', onAbort);
      if (failure !== undefined) reject(failure);
      else resolve({ status: code ?? 128, output: output.text(), errors: errors.text() });
    });
  });
}

interface TextSink {
  add(bytes: Buffer): void;
  text(): string;
}

function keptText(): TextSink {
  const parts: Buffer[] = [];
  let size = 0;
  return {
    add(bytes) {
      if (size < OUTPUT_BYTES_MAX) parts.push(bytes);
      size += bytes.length;
    },
    text: () => Buffer.concat(parts).toString('utf8').trimEnd(),
  };
}

function lineReader(onLine: (line: string) => void): TextSink {
  let rest = '';
  return {
    add(bytes) {
      const lines = (rest + bytes.toString('utf8')).split(/[\r\n]/);
      rest = (lines.pop() ?? '').slice(-OUTPUT_BYTES_MAX);
      for (const line of lines) onLine(line);
    },
    text: () => rest,
  };
}

function startError(program: string, error: NodeJS.ErrnoException): ArrayError {
  if (error.code === 'ENOENT') return new ArrayError('ENOENT', `there is no program ${program}`);
  return new ArrayError('EIO', `${program}: ${error.message}`);
}

function firstLine(text: string): string {
  return (
    text
      .split('\n')
      .find((line) => line.trim() !== '')
      ?.trim() ?? ''
  );
}
