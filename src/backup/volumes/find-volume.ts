/**
 * Which volume of which array a path is on ([004] fig. 3, port correspondence table, and fig. 8): from a mount
 * point, a directory below one, a device file, or the path of a volume. Behind a loop device the file is told by its
 * inode, for its name may be another one by now; behind a target port the unit itself is asked by INQUIRY.
 */
import { lstat, readdir, realpath, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Clock } from '../../base/clock.js';
import { ArrayError, asArrayError } from '../../base/errors.js';
import { type MountEntry, serialOf } from '../../host/mount-table.js';
import { arrayTable, type VolumeRow } from '../array-tables.js';
import type { KnownArray } from '../client/errand-handler.js';
import { programOutput } from '../run-program.js';
import { ANSWER_MS_MAX, withinTime } from '../within-time.js';
import {
  type StorageView,
  type StorageWay,
  systemView,
  wayOfDevice,
  wayOfFile,
} from './storage-way.js';
import { decodeUnitNames, namesInquiry } from './unit-names.js';

export interface FoundVolume {
  readonly array: KnownArray;
  readonly volume: VolumeRow;
  /** Name of the snapshot that the path is on, where it is not on the volume itself. */
  readonly snapshot: string | undefined;
  /** Empty and null where the volume is not reached through a target port. */
  readonly port: string;
  readonly lun: number | null;
  /** File systems from that of the path to the one directly on the volume; none for a device or volume that is not mounted. */
  readonly mounts: readonly MountEntry[];
  /** As `/dev/loop0` or `/dev/loop0p1`; empty where the path is that of the volume's file and nothing is attached to it. */
  readonly deviceFile: string;
}

/** ENOENT, ENODEV or ENXIO: each says what the path is on instead, or who does not answer. */
export async function findVolume(
  path: string,
  arrays: readonly KnownArray[],
  clock: Clock,
  view: StorageView = systemView(),
): Promise<FoundVolume> {
  const real = await withinTime(clock, path, realpath(path));
  const found = await withinTime(clock, real, lstat(real));
  if (!found.isBlockDevice()) {
    const way = wayOfFile(real, view);
    return volumeAt(way, way.mounts[0]?.source ?? '', arrays, clock);
  }
  const name = { device: deviceNumber(found.rdev), source: real };
  const way = wayOfDevice(name, view);
  const mount = view.table.find(({ device, source }) => device === name.device || source === real);
  const mounts = mount === undefined ? way.mounts : [mount, ...way.mounts];
  return volumeAt({ ...way, mounts }, real, arrays, clock);
}

/** The volume at the end of a way; `deviceFile` is what it begins with. */
export async function volumeAt(
  way: StorageWay,
  deviceFile: string,
  arrays: readonly KnownArray[],
  clock: Clock,
): Promise<FoundVolume> {
  const array = knownArray(way, arrays);
  const [kind, first, second] = way.names;
  const place = { array, mounts: way.mounts, deviceFile, port: '', lun: null, snapshot: undefined };
  if (kind === 'volumes' && first !== undefined) {
    const name = await nameNow(array, way, clock);
    return { ...place, volume: await volumeRow(array, clock, (row) => row.name === name, name) };
  }
  if (kind === 'snapshots' && first !== undefined && second !== undefined) {
    const volume = await volumeRow(array, clock, (row) => row.name === first, first);
    return { ...place, volume, snapshot: second };
  }
  if (kind === 'targets' && first !== undefined && /^\d+$/.test(second ?? '')) {
    const lun = Number(second);
    return { ...place, port: first, lun, ...(await unitAt(array, first, lun, way, clock)) };
  }
  throw new ArrayError('ENODEV', `${pathOf(array, way.names)} is no volume of the array`);
}

function knownArray({ arrayMount }: StorageWay, arrays: readonly KnownArray[]): KnownArray {
  const serial = serialOf(arrayMount.source);
  const array = arrays.find((candidate) => candidate.serial === serial);
  if (array !== undefined) return array;
  const where = arrayMount.mountPoint;
  throw new ArrayError(
    'ENODEV',
    `it is on the array at ${where}, which this backup client does not serve (--array ${where}), or which does not answer`,
  );
}

/** The name in volumes/ of what the loop device was attached to, or of the path itself. */
async function nameNow(array: KnownArray, way: StorageWay, clock: Clock): Promise<string> {
  const [, name = ''] = way.names;
  const inode = await attachedInode(way, clock);
  if (inode === undefined || (await inodeOf(array, ['volumes', name], clock)) === inode)
    return name;
  for (const other of await withinTime(
    clock,
    array.mountPoint,
    readdir(pathOf(array, ['volumes'])),
  )) {
    if ((await inodeOf(array, ['volumes', other], clock)) === inode) return other;
  }
  const loop = way.loops.at(-1)?.loop;
  throw new ArrayError('ENODEV', `/dev/${loop} is attached to volume ${name}, which was deleted`);
}

/** What a unit at a target port is: it says its name itself, the tables say whose name that is. */
async function unitAt(
  array: KnownArray,
  port: string,
  lun: number,
  way: StorageWay,
  clock: Clock,
): Promise<Pick<FoundVolume, 'volume' | 'snapshot'>> {
  const inode = await attachedInode(way, clock);
  if (inode !== undefined && (await inodeOf(array, ['targets', port, `${lun}`], clock)) !== inode) {
    const loop = way.loops.at(-1)?.loop;
    const why = `LUN ${lun} at ${port} is another volume now`;
    throw new ArrayError('ENODEV', `/dev/${loop} was attached to what is gone: ${why}`);
  }
  const place = `LUN ${lun} at ${port}`;
  const naa = await unitName(array, port, lun, clock);
  const volumes = await withinTime(clock, array.mountPoint, arrayTable(array.client, 'volumes'));
  const volume = volumes.find((row) => row.naa === naa);
  if (volume !== undefined) return { volume, snapshot: undefined };
  const snapshots = await withinTime(
    clock,
    array.mountPoint,
    arrayTable(array.client, 'snapshots'),
  );
  const snapshot = snapshots.find((row) => row.naa === naa);
  const source = volumes.find((row) => row.number === snapshot?.volumeNumber);
  if (snapshot !== undefined && source !== undefined) {
    return { volume: source, snapshot: snapshot.name };
  }
  throw new ArrayError('ENODEV', `${place} of the array at ${array.mountPoint} is no volume`);
}

/** By INQUIRY; on an array that is mounted read-only, which takes no commands, by its table of LUNs. */
async function unitName(
  array: KnownArray,
  port: string,
  lun: number,
  clock: Clock,
): Promise<string | undefined> {
  try {
    const bytes = array.client.sendScsi(port, namesInquiry(lun));
    return decodeUnitNames(await withinTime(clock, `port ${port}`, bytes)).unit;
  } catch (error) {
    if (asArrayError(error).code !== 'EROFS') throw error;
  }
  const luns = await withinTime(clock, array.mountPoint, arrayTable(array.client, 'luns'));
  const rows = luns.filter((row) => row.port === port && row.lun === lun);
  const numbers = new Set(rows.map((row) => row.number));
  if (numbers.size !== 1) return undefined;
  const copies = await Promise.all([
    arrayTable(array.client, 'volumes'),
    arrayTable(array.client, 'snapshots'),
  ]);
  return copies.flat().find((row) => numbers.has(row.number))?.naa;
}

async function volumeRow(
  array: KnownArray,
  clock: Clock,
  isIt: (row: VolumeRow) => boolean,
  name: string,
): Promise<VolumeRow> {
  const rows = await withinTime(clock, array.mountPoint, arrayTable(array.client, 'volumes'));
  const row = rows.find(isIt);
  if (row !== undefined) return row;
  throw new ArrayError('ENOENT', `the array at ${array.mountPoint} has no volume '${name}'`);
}

/** Of the file that the last loop device of the way has open; undefined where there is no loop device. */
async function attachedInode({ loops }: StorageWay, clock: Clock): Promise<number | undefined> {
  const loop = loops.at(-1);
  if (loop === undefined) return undefined;
  const words = ['--noheadings', '--raw', '--output', 'BACK-INO', `/dev/${basename(loop.loop)}`];
  const text = await programOutput('losetup', words, { clock, timeoutMs: ANSWER_MS_MAX });
  return Number(text.trim());
}

/** Undefined where there is no such file (any more). */
async function inodeOf(
  array: KnownArray,
  names: readonly string[],
  clock: Clock,
): Promise<number | undefined> {
  const path = pathOf(array, names);
  try {
    return (await withinTime(clock, path, stat(path))).ino;
  } catch (error) {
    if (asArrayError(error).code === 'ENOENT') return undefined;
    throw error;
  }
}

const pathOf = (array: KnownArray, names: readonly string[]) => join(array.mountPoint, ...names);

/** `MAJOR:MINOR` of a device file, as the mount table has it (the packing of glibc's makedev). */
function deviceNumber(rdev: number): string {
  const number = BigInt(rdev);
  const major = ((number >> 8n) & 0xfffn) | ((number >> 32n) & ~0xfffn);
  const minor = (number & 0xffn) | ((number >> 12n) & ~0xffn);
  return `${major}:${minor}`;
}
