/**
 * The command of `--on-failure`, for mail or a webhook: run by /bin/sh after each run that did not become complete. It finds the run as
 * JSON on its stdin and in the environment; nothing of it is on its command line.
 */
import { spawn } from 'node:child_process';
import type { Clock } from '../../base/clock.js';
import type { Run } from '../api.js';
import type { BackupLog } from '../backup-log.js';

const TIME_MS_MAX = 60_000;
/** Of its output, in the log. */
const OUTPUT_CHARACTERS_MAX = 2_000;

/** Resolves when the command has ended, which its caller need not wait for; its failure is only logged. */
export function runFailureHook(
  command: string,
  run: Run,
  { clock, log, timeMs = TIME_MS_MAX }: { clock: Clock; log: BackupLog; timeMs?: number },
): Promise<void> {
  const environment = {
    ARRAYFS_BACKUP_RUN: `${run.number}`,
    ARRAYFS_BACKUP_DEFINITION: run.definition,
    ARRAYFS_BACKUP_CLIENT: run.client,
    ARRAYFS_BACKUP_STATE: run.state,
    ARRAYFS_BACKUP_REASON: run.reason.replaceAll('\0', ''),
  };
  return new Promise((resolve) => {
    // A group of its own: all of it ends with the time.
    const child = spawn('/bin/sh', ['-c', command], {
      env: { ...process.env, ...environment },
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
    });
    let output = '';
    const keep = (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(0, OUTPUT_CHARACTERS_MAX);
    };
    const timer = clock.after(timeMs, () => {
      log.error({ run: run.number, timeMs }, 'the command on failure takes too long: killed');
      endGroup(child.pid);
    });
    const done = (fields: Readonly<Record<string, unknown>>, isWell: boolean) => {
      timer.cancel();
      const told = { run: run.number, ...fields, output };
      if (isWell) log.info(told, 'the command on failure ended');
      else log.error(told, 'the command on failure failed');
      resolve();
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    // It need not read it.
    child.stdin.on('error', () => undefined);
    child.stdin.end(`${JSON.stringify(run)}\n`);
    child.on('error', (error) => done({ reason: error.message }, false));
    child.on('close', (status, signal) => done({ status, signal }, status === 0));
  });
}

function endGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // Nobody of it is left but who has left the group.
  }
}
