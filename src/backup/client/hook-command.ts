/**
 * Pre and post commands ([004] fig. 5, preprocess 265, postprocess 266): run by /bin/sh, only if this client's own
 * configuration allows them. A command that takes too long, or whose client is killed, is killed with all it has started; its
 * output is kept in part.
 */
import { spawn } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Clock, pause } from '../../base/clock.js';
import { ArrayError } from '../../base/errors.js';
import type { HookCommand } from '../definition.js';
import { guardGroup } from './group-guard.js';

const OUTPUT_LINES_MAX = 200;
const LINE_CHARACTERS_MAX = 1_000;
/** From the polite signal to the other one. */
const KILL_MS = 2_000;
/** For what it has written to be read when it has ended, where something else still holds its output. */
const OUTPUT_MS = 500;
/** $1: the command; not begun where the client is killed before it says so. */
const WHEN_GUARDED = 'read -r _ && exec /bin/sh -c "$1" </dev/null';
/** Words and paths alone: nothing that the shell would make another command of. */
const PLAIN_WORDS = /^\/[\w@%+=:,./-]*( [\w@%+=:,./-]+)*$/;

export interface HookRun {
  readonly clock: Clock;
  /** Kills the command. */
  readonly signal: AbortSignal;
  /** Added to the environment: what a command may want to know. */
  readonly variables: Readonly<Record<string, string>>;
  /** Each line of its output, as far as they are kept. */
  log(line: string): void;
}

/**
 * EACCES where the command is neither one of these texts nor, without any sign of the shell, a program in one of these
 * directories.
 */
export function checkAllowed(command: string, allowed: readonly string[]): void {
  if (allowed.includes(command) || allowed.includes(directoryOf(command) ?? '')) return;
  throw new ArrayError(
    'EACCES',
    `this backup client does not allow the command '${command}': start it with --allow`,
  );
}

function directoryOf(command: string): string | undefined {
  if (!PLAIN_WORDS.test(command)) return undefined;
  try {
    return dirname(realpathSync(command.split(' ')[0] ?? ''));
  } catch {
    return undefined;
  }
}

/** Resolves when it ended with status 0; EIO where it failed or took too long, EINTR where it was given up. */
export async function runHook(
  hook: HookCommand,
  name: 'pre' | 'post',
  run: HookRun,
): Promise<void> {
  const { command, timeoutMs } = hook;
  if (run.signal.aborted)
    throw new ArrayError('EINTR', `the ${name} command was not begun: cancelled`);
  const child = spawn('/bin/sh', ['-c', WHEN_GUARDED, 'sh', command], {
    // A process group of its own: whatever it starts ends with it.
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
    cwd: '/',
    env: { ...ordinaryEnvironment(), ...run.variables },
  });
  const group = child.pid;
  const unguard = group === undefined ? () => {} : guardGroup(group);
  child.stdin.on('error', () => undefined).end('go\n');
  const kept = new KeptOutput((line) => run.log(`${name}: ${line}`));
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => kept.add(stream, text));
  }
  const ended = new Promise<string>((resolve) => {
    child.on('error', (error) => resolve(`cannot be run: ${error.message}`));
    // Not only `close`: something that it left behind may hold its output for ever.
    child.on('exit', (status, signal) => resolve(endOf(status, signal)));
  });
  const closed = new Promise<void>((resolve) => child.on('close', () => resolve()));
  const killed = new Killing(run.clock, group);
  const timer = run.clock.after(timeoutMs, () => killed.begin('timeout'));
  const onAbort = () => killed.begin('given up');
  run.signal.addEventListener('abort', onAbort, { once: true });
  const failure = await ended;
  unguard();
  timer.cancel();
  run.signal.removeEventListener('abort', onAbort);
  if (killed.why !== undefined) killed.finish();
  await Promise.race([closed, pause(run.clock, OUTPUT_MS)]);
  kept.end();
  for (const stream of [child.stdout, child.stderr]) stream.destroy();
  if (killed.why === 'timeout') {
    const reason = `the ${name} command was killed: it took more than ${timeoutMs / 1000} s`;
    throw new ArrayError('EIO', reason);
  }
  if (killed.why !== undefined) throw new ArrayError('EINTR', `the ${name} command was given up`);
  if (failure !== '')
    throw new ArrayError('EIO', `the ${name} command ${failure}${kept.lastWords()}`);
}

/** All of a process group, first politely. */
class Killing {
  why: 'timeout' | 'given up' | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly group: number | undefined,
  ) {}

  begin(why: 'timeout' | 'given up'): void {
    if (this.why !== undefined) return;
    this.why = why;
    this.send('SIGTERM');
    this.clock.after(KILL_MS, () => this.send('SIGKILL'));
  }

  /** The shell has ended; the rest of its group goes, too. */
  finish(): void {
    this.send('SIGKILL');
  }

  private send(signal: NodeJS.Signals): void {
    if (this.group === undefined) return;
    try {
      process.kill(-this.group, signal);
    } catch {
      // Nobody is left.
    }
  }
}

/** Of two streams, in whole lines; bounded. */
class KeptOutput {
  private readonly rests = new Map<unknown, string>();
  private count = 0;
  private last = '';

  constructor(private readonly onLine: (line: string) => void) {}

  add(stream: unknown, text: string): void {
    const lines = ((this.rests.get(stream) ?? '') + text).split('\n');
    this.rests.set(stream, (lines.pop() ?? '').slice(0, LINE_CHARACTERS_MAX));
    for (const line of lines) this.keep(line);
  }

  end(): void {
    for (const rest of this.rests.values()) if (rest !== '') this.keep(rest);
    const left = this.count - OUTPUT_LINES_MAX;
    if (left > 0) this.onLine(`(${left} more lines are not kept)`);
  }

  lastWords(): string {
    return this.last === '' ? '' : `: ${this.last}`;
  }

  private keep(text: string): void {
    const line = text.trimEnd().slice(0, LINE_CHARACTERS_MAX);
    if (line !== '') this.last = line;
    this.count += 1;
    if (this.count <= OUTPUT_LINES_MAX) this.onLine(line);
  }
}

/** Empty where it succeeded. */
function endOf(status: number | null, signal: NodeJS.Signals | null): string {
  if (status === 0) return '';
  return status === null ? `was ended by ${signal}` : `failed with status ${status}`;
}

/** Without what names tokens. */
function ordinaryEnvironment(): NodeJS.ProcessEnv {
  const entries = Object.entries(process.env).filter(([name]) => !name.startsWith('ARRAYFS_'));
  return Object.fromEntries(entries);
}
