/**
 * Tells an unlink from a rename by looking at the callers. libfuse 2.9 hides an open file by renaming
 * it in both cases and does not say which one it is (native-notes/fuse-native.md); whoever called is
 * blocked inside the system call, and /proc/PID/task/TID/syscall shows its number.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

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
  for (const pid of namesIn('/proc').filter((name) => /^\d+$/.test(name))) {
    const tasks = join('/proc', pid, 'task');
    for (const tid of namesIn(tasks)) {
      const call = callOf(join(tasks, tid, 'syscall'));
      if (call !== undefined) yield call;
    }
  }
}

/** The first word: a number, or `running`. */
function callOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').split(/\s/, 1)[0];
  } catch {
    return undefined;
  }
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
