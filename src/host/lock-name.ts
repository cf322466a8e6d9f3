/**
 * Names of the locks of an array and of a store directory, and whether somebody has them. On Linux a
 * lock is an abstract unix socket (unix(7)), elsewhere a socket file.
 */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Length of sun_path in unix(7). */
const ABSTRACT_NAME_BYTES = 108;
/** __SO_ACCEPTCON as /proc/net/unix shows it. */
const ACCEPTS_CONNECTIONS = '00010000';

export function serialLockName(serial: string): string {
  return lockName(`arrayfs-${serial}`);
}

/** By device and inode: one directory has many paths. */
export function storeLockName(directory: string): string {
  const { dev, ino } = statSync(directory);
  return lockName(`arrayfs-store-${dev}-${ino}`);
}

// Some versions of libuv pad an abstract name with zeros and others do not, which makes it another
// name: filling it up makes all of them use the same.
function lockName(name: string): string {
  if (process.platform !== 'linux') return join(tmpdir(), `${name}.lock`);
  return `\0${name}`.padEnd(ABSTRACT_NAME_BYTES, '.');
}

/** Asks nobody, so it is also right for a process that hangs. */
export function isTaken(name: string): boolean {
  return name.startsWith('\0') ? listenerOf(name) !== undefined : existsSync(name);
}

/**
 * The socket that listens on an abstract name, as links in /proc name it. From the table of unix(7)
 * sockets; connections of a listener that has gone do not count.
 */
export function listenerOf(abstractName: string): string | undefined {
  const path = `@${abstractName.slice(1)}`;
  for (const line of readFileSync('/proc/net/unix', 'utf8').split('\n')) {
    const [, , , flags, , , inode, name] = line.split(/ +/);
    if (flags === ACCEPTS_CONNECTIONS && name === path) return `socket:[${inode}]`;
  }
  return undefined;
}
