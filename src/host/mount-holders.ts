/**
 * Who keeps a mount busy: loop devices whose file is on it, and processes with a working directory,
 * a root, a program, an open file or a mapping there. Only /proc and /sys are read.
 */
import { join } from 'node:path';
import { backingFileOf } from './backing-chain.js';
import { isWithin, readMountTable } from './mount-table.js';
import { linkOf, namesIn, processIds, textOf } from './proc-files.js';

/** More are counted, not listed. */
const HOLDERS_SHOWN_MAX = 20;

/**
 * One readable line for each holder of the mount at `mountPoint`, loop devices first. Mappings are
 * left out inside the daemon: reading them can wait for a page fault that waits for the daemon.
 */
export function mountHolders(mountPoint: string, options: { mappings: boolean }): string[] {
  const lines = [...loopDevicesOn(mountPoint), ...processesOn(mountPoint, options.mappings)];
  if (lines.length <= HOLDERS_SHOWN_MAX) return lines;
  const more = lines.length - HOLDERS_SHOWN_MAX;
  return [...lines.slice(0, HOLDERS_SHOWN_MAX), `and ${more} more`];
}

function loopDevicesOn(mountPoint: string): string[] {
  const table = readMountTable();
  return namesIn('/sys/block')
    .filter((name) => name.startsWith('loop'))
    .flatMap((name) => {
      const directory = join('/sys/block', name);
      const file = backingFileOf(directory);
      if (file === undefined || !isWithin(file, mountPoint)) return [];
      const number = textOf(join(directory, 'dev'));
      const places = table
        .filter((entry) => entry.device === number || entry.source.startsWith(`/dev/${name}`))
        .map((entry) => entry.mountPoint);
      const users = namesIn(join(directory, 'holders'));
      return [`loop device /dev/${name}${loopUse(places, users)}`];
    });
}

function loopUse(mountPoints: readonly string[], users: readonly string[]): string {
  if (mountPoints.length > 0) return ` (mounted at ${[...new Set(mountPoints)].join(', ')})`;
  if (users.length > 0) return ` (used by ${users.join(', ')})`;
  return '';
}

/** Ids of the processes among them. */
export function processesUsing(mountPoint: string): number[] {
  return otherProcesses()
    .filter((pid) => usesOf(join('/proc', pid), mountPoint, true).length > 0)
    .map(Number);
}

function processesOn(mountPoint: string, mappings: boolean): string[] {
  return otherProcesses().flatMap((pid) => {
    const uses = usesOf(join('/proc', pid), mountPoint, mappings);
    if (uses.length === 0) return [];
    return [`process ${pid} (${textOf(join('/proc', pid, 'comm'))}): ${uses.join(', ')}`];
  });
}

const otherProcesses = () => processIds().filter((pid) => Number(pid) !== process.pid);

function usesOf(directory: string, mountPoint: string, mappings: boolean): string[] {
  const uses: string[] = [];
  const isThere = (path: string | undefined) => path !== undefined && isWithin(path, mountPoint);
  if (isThere(linkOf(join(directory, 'cwd')))) uses.push('working directory');
  if (isThere(linkOf(join(directory, 'root')))) uses.push('root directory');
  if (isThere(linkOf(join(directory, 'exe')))) uses.push('program');
  const open = namesIn(join(directory, 'fd'))
    .map((name) => linkOf(join(directory, 'fd', name)))
    .filter((path): path is string => path !== undefined && isThere(path));
  uses.push(...[...new Set(open)].map((path) => `open file ${path}`));
  if (mappings && mappedFiles(directory).some(isThere)) uses.push('mapped file');
  return uses;
}

/** The sixth column of /proc/PID/maps, without what is no file. */
function mappedFiles(directory: string): string[] {
  return textOf(join(directory, 'maps'))
    .split('\n')
    .map((line) => line.slice(line.indexOf('/')))
    .filter((path) => path.startsWith('/'));
}
