/**
 * Whether a catalog can be read: a process of its own reads all of it, as damage in the wrong place of a file that is mapped ends
 * the process that reads it (SIGSEGV, SIGBUS).
 */
import { fork } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ArrayError, type ErrorCode } from '../../base/errors.js';
import { damagedCatalog } from './catalog-records.js';

export type CatalogCheckMessage =
  | { readonly kind: 'sound' }
  | { readonly kind: 'refused'; readonly code: ErrorCode; readonly reason: string };

const CHILD = fileURLToPath(new URL('./catalog-check-program.js', import.meta.url));

/** EIO where it is damaged, EINVAL where it is of a newer version. */
export function checkCatalog(directory: string, program = CHILD): Promise<void> {
  if (!existsSync(join(directory, 'data.mdb'))) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const child = fork(program, [directory], { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
    let outcome: CatalogCheckMessage | undefined;
    child.on('message', (message: CatalogCheckMessage) => {
      outcome = message;
    });
    child.on('error', (error) => reject(new ArrayError('EIO', error.message)));
    child.on('close', (status, signal) => {
      if (outcome?.kind === 'sound') resolve();
      else if (outcome !== undefined) reject(new ArrayError(outcome.code, outcome.reason));
      else reject(damagedCatalog(directory, `reading it ends in ${signal ?? `status ${status}`}`));
    });
  });
}
