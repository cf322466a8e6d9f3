/**
 * A directory for one test file. All its stores, mounts and files lie in it; whatever is mounted
 * there is unmounted and the directory removed, also when the process ends early.
 */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { isRunning } from '../../src/host/processes.js';
import { killStarted, run, until } from './programs.js';

const directories = new Set<string>();
/** Daemons and other processes without a parent, by what they serve. */
const processes = new Set<number>();

process.on('exit', () => cleanScratch());

export function makeScratch(parent = tmpdir()): string {
  const directory = mkdtempSync(join(parent, 'arrayfs-mounted-'));
  directories.add(directory);
  return directory;
}

/** The same in memory, where the machine has such a place: for tests that sync files thousands of times. */
export function makeMemoryScratch(): string {
  return makeScratch(existsSync('/dev/shm') ? '/dev/shm' : tmpdir());
}

/** A new directory inside another; its path. */
export function subdirectory(directory: string, name: string): string {
  const path = join(directory, name);
  mkdirSync(path, { recursive: true });
  return path;
}

/** The process is killed at the latest by `cleanScratch`. */
export function killAtTheEnd(pid: number): void {
  processes.add(pid);
}

/** Unmounts and removes all scratch directories and kills all that was started; for afterAll. */
export function cleanScratch(): void {
  killStarted();
  for (const directory of directories) {
    for (const point of mountsBelow(directory)) run('umount', point);
    for (const point of mountsBelow(directory)) run('umount', '-l', point);
  }
  for (const pid of processes) {
    if (isRunning(pid)) process.kill(pid, 'SIGKILL');
  }
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
  directories.clear();
  processes.clear();
}

/** Mount points below `directory`, those mounted last first. */
export function mountsBelow(directory: string): string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .filter((point) => point.startsWith(`${directory}/`))
    .reverse();
}

/** Loop devices let go of their file a little after the unmount. */
export function loopsReleased(directory: string): Promise<void> {
  const isBelow = (name: string) => {
    if (!backingFileOf(name).startsWith(`${directory}/`)) return false;
    if (readFileSync('/proc/self/mountinfo', 'utf8').includes(` /dev/${name} `)) {
      throw new Error(`${name} of ${directory} is still mounted`);
    }
    return true;
  };
  return until(() => !readdirSync('/sys/block').some(isBelow));
}

/** The same of one device that was used below a scratch directory, whoever uses it next. */
export function loopReleased(device: string): Promise<void> {
  const name = basename(device);
  const file = backingFileOf(name);
  return until(() => file === '' || backingFileOf(name) !== file);
}

/** Empty where the device is no loop device, or is free. */
function backingFileOf(name: string): string {
  try {
    return readFileSync(`/sys/block/${name}/loop/backing_file`, 'utf8').trimEnd();
  } catch {
    return '';
  }
}
