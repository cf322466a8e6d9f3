/**
 * What must not be frozen: a file system that something writes to which the image, or its catalog, waits for. Told by the
 * device of the mount (mountinfo), also through files that hold other file systems.
 */
import { join } from 'node:path';
import { ArrayError } from '../../base/errors.js';
import { systemBlockDevices } from '../../host/backing-chain.js';
import { askHolder } from '../../host/instance-lock.js';
import { isArrayMount, type MountEntry, mountOf, readMountTable } from '../../host/mount-table.js';
import { resolveOutside } from '../../host/outside-path.js';
import { linkOf, namesIn } from '../../host/proc-files.js';
import { arrayTable } from '../array-tables.js';
import type { ClientConfiguration, KnownArray } from './errand-handler.js';

/** Longer chains of files in files are not followed. */
const CHAIN_MAX = 64;

interface Protected {
  readonly path: string;
  readonly what: string;
}

/** EBUSY says which of these lies on one of the file systems. */
export async function refuseFreeze(
  mounts: readonly MountEntry[],
  arrays: readonly KnownArray[],
  configuration: ClientConfiguration,
): Promise<void> {
  const table = readMountTable();
  const all = [...ownPaths(configuration), ...(await Promise.all(arrays.map(pathsOfArray))).flat()];
  for (const { path, what } of all) {
    const devices = devicesBelow(path, table);
    const mount = mounts.find(({ device }) => devices.has(device));
    if (mount === undefined) continue;
    const reason = `${mount.mountPoint} is not frozen: ${what} ${path} lies on it, and would wait for itself`;
    throw new ArrayError('EBUSY', reason);
  }
}

function ownPaths({ stateDirectory, serverDirectory }: ClientConfiguration): Protected[] {
  const own = { path: stateDirectory, what: 'the state of the backup client' };
  if (serverDirectory === undefined) return [own];
  return [own, { path: serverDirectory, what: 'the catalog' }];
}

async function pathsOfArray({ client, serial }: KnownArray): Promise<Protected[]> {
  const [pools, devices, holder] = await Promise.all([
    arrayTable(client, 'pools'),
    arrayTable(client, 'devices'),
    askHolder(serial),
  ]);
  return [
    ...pools.map(({ directory }) => ({ path: directory, what: 'the pool' })),
    ...devices
      .filter(({ path }) => path.startsWith('/'))
      .map(({ path }) => ({ path, what: 'the backup device' })),
    ...openFiles(holder?.pid).map((path) => ({ path, what: 'a file of the array' })),
  ];
}

/** Of the daemon: its log may be anywhere. */
function openFiles(pid: number | undefined): string[] {
  if (pid === undefined) return [];
  const directory = join('/proc', `${pid}`, 'fd');
  const files = namesIn(directory).flatMap((name) => linkOf(join(directory, name)) ?? []);
  return [...new Set(files)].filter((path) => path.startsWith('/') && !path.startsWith('/dev/'));
}

/** Devices of the file system of `path`, of that which its backing file is on, and so on. */
function devicesBelow(path: string, table: readonly MountEntry[]): Set<string> {
  const devices = new Set<string>();
  const visit = (file: string, depth: number) => {
    const mount = mountOf(resolveOutside(file, table), table);
    if (mount === undefined || isArrayMount(mount) || devices.has(mount.device)) return;
    devices.add(mount.device);
    if (depth >= CHAIN_MAX) return;
    const backing = systemBlockDevices.backingFiles(mount.device, mount.source);
    for (const below of backing) visit(below, depth + 1);
  };
  visit(path, 0);
  return devices;
}
