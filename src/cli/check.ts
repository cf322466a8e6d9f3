/**
 * The process that reads a store for `arrayfs check`. Apart from the command line because LMDB maps
 * the file: damage in the wrong place ends the process that reads it (SIGSEGV, SIGBUS), and that
 * must become a finding. Started with an IPC channel; arguments: directory, `repair` or `verify`.
 */
import { systemClock } from '../base/clock.js';
import { asArrayError, type ErrorCode } from '../base/errors.js';
import { acquireInstanceLock, type InstanceLock } from '../host/instance-lock.js';
import { type CheckReport, checkPool } from '../store/check.js';
import { readPoolIdentity } from '../store/pool-files.js';

export type { CheckReport };

export type CheckMessage =
  | { readonly kind: 'progress'; readonly done: number; readonly total: number }
  | { readonly kind: 'report'; readonly report: CheckReport }
  | { readonly kind: 'error'; readonly code: ErrorCode; readonly reason: string };

/** Between two progress messages. */
const PROGRESS_MS = 100;

async function runCheck(directory: string, repair: boolean): Promise<CheckMessage> {
  try {
    const lock = await lockStore(directory);
    try {
      const report = await checkPool(directory, { repair, onProgress: progressSender() });
      return { kind: 'report', report };
    } finally {
      lock.release();
    }
  } catch (error) {
    const { code, reason } = asArrayError(error);
    return { kind: 'error', code, reason };
  }
}

/**
 * A daemon's cache holds what the store does not have yet, which would look like damage: a mounted
 * array is refused, and nobody mounts it while it is checked.
 */
function lockStore(directory: string): Promise<InstanceLock> {
  const serial = readPoolIdentity(directory).arraySerial;
  return acquireInstanceLock({ serial, storeDirectory: directory, mountPoint: '(arrayfs check)' });
}

function progressSender(): (done: number, total: number) => void {
  let lastMs = 0;
  return (done, total) => {
    const nowMs = systemClock.monotonicMs();
    if (nowMs - lastMs < PROGRESS_MS) return;
    lastMs = nowMs;
    process.send?.({ kind: 'progress', done, total } satisfies CheckMessage);
  };
}

const [directory, mode] = process.argv.slice(2);
if (directory !== undefined && process.send !== undefined) {
  // Without the command line nobody would read the report.
  process.on('disconnect', () => process.exit(1));
  const message = await runCheck(directory, mode === 'repair');
  process.send(message, undefined, undefined, () => process.exit(0));
}
