/** Runs check.ts and turns its end into one outcome, also when it is killed by the store. */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { ArrayError } from '../base/errors.js';
import type { CheckMessage, CheckReport } from './check.js';

/** Signals that reading a damaged mapped file ends in. */
const DAMAGE_SIGNALS: readonly string[] = ['SIGSEGV', 'SIGBUS', 'SIGABRT'];

const CHILD = fileURLToPath(new URL('./check.js', import.meta.url));

/** The report; a child that died of the store's file is a report with that one finding. */
export function runCheck(
  directory: string,
  repair: boolean,
  onProgress: (done: number, total: number) => void,
  childProgram: string = CHILD,
): Promise<CheckReport> {
  return new Promise((resolve, reject) => {
    const child = fork(childProgram, [directory, repair ? 'repair' : 'verify']);
    let outcome: CheckMessage | undefined;
    child.on('message', (message: CheckMessage) => {
      if (message.kind === 'progress') onProgress(message.done, message.total);
      else outcome = message;
    });
    child.on('error', (error) => reject(new ArrayError('EIO', error.message)));
    child.on('exit', (code, signal) => {
      if (outcome?.kind === 'report') resolve(outcome.report);
      else if (outcome?.kind === 'error') reject(new ArrayError(outcome.code, outcome.reason));
      else if (signal !== null && DAMAGE_SIGNALS.includes(signal)) {
        resolve(crashReport(directory, signal));
      } else reject(new ArrayError('EIO', `the check ended early (${signal ?? `status ${code}`})`));
    });
  });
}

function crashReport(directory: string, signal: string): CheckReport {
  return {
    findings: [
      {
        kind: 'unreadable',
        pool: directory,
        subject: 'data file',
        detail: `reading it crashed the check (${signal}): its pages are damaged`,
        repaired: false,
      },
    ],
    blocksChecked: 0,
    bytesChecked: 0,
    volumes: 0,
    snapshots: 0,
  };
}
