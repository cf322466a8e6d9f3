/** Mounts in other mount namespaces, such as those of containers: what is unmounted here may live on there. */
import { join } from 'node:path';
import { parseMountTable } from './mount-table.js';
import { linkOf, processIds, textOf } from './proc-files.js';

/** Ids of processes, one for each other mount namespace, in which the block device (or a partition of it) is mounted. */
export function processesSeeing(deviceFile: string): number[] {
  const seen = new Set([linkOf('/proc/self/ns/mnt')]);
  return processIds().flatMap((pid) => {
    const namespace = linkOf(join('/proc', pid, 'ns', 'mnt'));
    if (namespace === undefined || seen.has(namespace)) return [];
    seen.add(namespace);
    const table = parseMountTable(textOf(join('/proc', pid, 'mountinfo')));
    const isMounted = table.some(({ source }) => {
      return source === deviceFile || source.startsWith(`${deviceFile}p`);
    });
    return isMounted ? [Number(pid)] : [];
  });
}
