/**
 * Tells an unlink from a rename by looking at the callers. libfuse 2.9 hides an open file by renaming
 * it in both cases and does not say which one it is (native-notes/fuse-native.md); whoever called is
 * blocked inside the system call, and /proc/PID/task/TID/syscall shows its number.
 */
import { join } from 'node:path';
import { namesIn, processIds, textOf } from './proc-files.js';

interface CallNumbers {
  readonly unlink: readonly string[];
  readonly rename: readonly string[];
}

/** From asm/unistd_64.h and asm-generic/unistd.h. */
const CALL_NUMBERS: Readonly<Record<string, CallNumbers>> = {
  x64: { unlink: ['87', '263'], rename: ['82', '264', '316'] },
  arm64: { unlink: ['35'], rename: ['38', '276'] },
};

/**
 * `unlink` where some process is inside unlink(2) and none inside rename(2), `rename` where one is;
 * `unknown` where neither can be seen (no /proc, a caller that may not be looked at).
 */
export function nameRemovalUnderWay(): 'unlink' | 'rename' | 'unknown' {
  const numbers = CALL_NUMBERS[process.arch];
  if (process.platform !== 'linux' || numbers === undefined) return 'unknown';
  let unlinks = 0;
  for (const call of callsUnderWay()) {
    if (numbers.rename.includes(call)) return 'rename';
    if (numbers.unlink.includes(call)) unlinks += 1;
  }
  return unlinks > 0 ? 'unlink' : 'unknown';
}

function* callsUnderWay(): Generator<string> {
  for (const pid of processIds()) {
    const tasks = join('/proc', pid, 'task');
    for (const tid of namesIn(tasks)) {
      // The first word: a number, or `running`.
      yield textOf(join(tasks, tid, 'syscall')).split(' ', 1)[0] ?? '';
    }
  }
}
