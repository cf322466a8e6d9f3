/**
 * A daemon that was killed while the kernel held up one of its threads (a notice that waits for a page
 * which waits for the daemon) cannot end: its lock and its connection stay, and whoever uses the mount
 * hangs. Only the end of the connection lets it go. Linux and root only.
 */
import { abortConnection } from './fuse-connection.js';
import { listenerOf, serialLockName } from './lock-name.js';
import { arraySourceName, isArrayMount, readMountTable } from './mount-table.js';
import { isHeldByDead } from './processes.js';

/** Ends the connections of the array if its daemon is dead in this way; true where it was. */
export function endDeadDaemon(serial: string): boolean {
  if (!isDaemonDead(serial)) return false;
  const mounts = readMountTable().filter((entry) => {
    return isArrayMount(entry) && entry.source === arraySourceName(serial);
  });
  const devices = new Set(mounts.map(({ device }) => device));
  return [...devices].filter(abortConnection).length > 0;
}

/** Its process has ended and still has the array's lock. */
export function isDaemonDead(serial: string): boolean {
  if (process.platform !== 'linux') return false;
  const socket = listenerOf(serialLockName(serial));
  return socket !== undefined && isHeldByDead(socket);
}
