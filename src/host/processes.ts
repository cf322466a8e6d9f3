/** Which processes run, and which have ended in part only. */
import { join } from 'node:path';
import { linkOf, namesIn, processIds, textOf } from './proc-files.js';

/** A process that has ended but was not waited for yet does not run. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  return !isZombie(`${pid}`);
}

/** Undefined where that is not ours to see. */
export function hasOpen(pid: number, path: string): boolean | undefined {
  const files = join('/proc', `${pid}`, 'fd');
  const names = namesIn(files);
  return names.length === 0 ? undefined : names.some((name) => linkOf(join(files, name)) === path);
}

/**
 * Some process that has ended has a thread left that has not, and that has this file open (as its link in
 * /proc says, as `socket:[123]`): the kernel keeps the thread from ending.
 */
export function isHeldByDead(link: string): boolean {
  return processIds().some((pid) => isZombie(pid) && threadFiles(pid).includes(link));
}

function isZombie(pid: string): boolean {
  return /^\d+ \(.*\) Z/s.test(textOf(join('/proc', pid, 'stat')));
}

function threadFiles(pid: string): (string | undefined)[] {
  const threads = join('/proc', pid, 'task');
  return namesIn(threads).flatMap((thread) => {
    const files = join(threads, thread, 'fd');
    return namesIn(files).map((name) => linkOf(join(files, name)));
  });
}
