/** Runs check.ts and turns its end into one outcome, also when it is killed by the store. */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { ArrayError } from '../base/errors.js';
import type { CheckMessage, CheckReport } from './check.js';

/** Signals that reading a damaged mapped file ends in. */
const DAMAGE_SIGNALS: readonly string[] = ['SIGSEGV', 'SIGBUS', 'SIGABRT'];

/** What LMDB says of a file it cannot make sense of. */
const DAMAGE_REASON = /\bMDB_(CORRUPTED|PAGE_NOTFOUND|INVALID|VERSION_MISMATCH|PANIC)\b/;
/** Characters kept of what the child says on stderr: its last words. */
const LAST_WORDS_MAX = 2_000;

const CHILD = fileURLToPath(new URL('./check.js', import.meta.url));

/** The report; a child that died of the store's file is a report with that one finding. */
export function runCheck(
  directory: string,
  repair: boolean,
  onProgress: (done: number, total: number) => void,
  childProgram: string = CHILD,
): Promise<CheckReport> {
  return new Promise((resolve, reject) => {
    const child = fork(childProgram, [directory, repair ? 'repair' : 'verify'], {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    let outcome: CheckMessage | undefined;
    let lastWords = '';
    child.on('message', (message: CheckMessage) => {
      if (message.kind === 'progress') onProgress(message.done, message.total);
      else outcome = message;
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      lastWords = (lastWords + text).slice(-LAST_WORDS_MAX);
    });
    child.on('error', (error) => reject(new ArrayError('EIO', error.message)));
    // Not 'exit': messages and last words may come after it.
    child.on('close', (status, signal) => {
      const end: ChildEnd = { status, signal, lastWords: lastWords.trim() };
      try {
        resolve(reportOf(directory, outcome, end));
      } catch (error) {
        reject(error);
      }
    });
  });
}

interface ChildEnd {
  readonly status: number | null;
  readonly signal: string | null;
  readonly lastWords: string;
}

function reportOf(
  directory: string,
  outcome: CheckMessage | undefined,
  { status, signal, lastWords }: ChildEnd,
): CheckReport {
  if (outcome?.kind === 'report') return outcome.report;
  if (outcome?.kind === 'error') {
    if (DAMAGE_REASON.test(outcome.reason)) return unreadable(directory, outcome.reason);
    throw new ArrayError(outcome.code, outcome.reason);
  }
  const said = lastWords === '' ? '' : `: ${lastWords}`;
  if (signal !== null && DAMAGE_SIGNALS.includes(signal)) {
    return unreadable(directory, `reading it crashed the check (${signal})${said}`);
  }
  throw new ArrayError('EIO', `the check ended early (${signal ?? `status ${status}`})${said}`);
}

/** The finding of a file so damaged that it cannot be walked. */
function unreadable(directory: string, detail: string): CheckReport {
  return {
    findings: [
      { kind: 'unreadable', pool: directory, subject: 'data.mdb', detail, repaired: false },
    ],
    blocksChecked: 0,
    bytesChecked: 0,
    volumes: 0,
    snapshots: 0,
    logBatches: 0,
  };
}
