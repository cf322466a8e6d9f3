/**
 * Everything that is mounted from a volume, taken away for the time in which the volume is overwritten, and put back as it
 * was: loop devices at their numbers, file systems with their options, those in files of others after these. What was there is
 * a plain record that is noted before the first is unmounted.
 */
import { readdirSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { type Clock, pause } from '../../base/clock.js';
import { ArrayError, asArrayError } from '../../base/errors.js';
import { mountHolders, processesUsing } from '../../host/mount-holders.js';
import { readMountTable } from '../../host/mount-table.js';
import { isRunning } from '../../host/processes.js';
import type { ErrandContext } from '../client/errand-handler.js';
import { programEnd, programOutput } from '../run-program.js';
import type { FoundVolume } from './find-volume.js';
import {
  attachLoop,
  detachLoop,
  type LoopState,
  loopState,
  loopsFreed,
  loopsOf,
} from './loop-devices.js';
import { mountedVolumes } from './paths.js';
import { unmount } from './unmounting.js';

const MOUNT_MS_MAX = 600_000;
const END_MS_MAX = 5_000;
const LOOK_MS = 50;
/** Options of the table that mount(8) does not take. */
const SHOWN_ONLY = /^(seclabel|shared:.*|master:.*)$/;

export interface MountedPlace {
  readonly mountPoint: string;
  readonly device: string;
  /** The directory of the file system, `/` but for bind mounts. */
  readonly root: string;
  readonly type: string;
  readonly source: string;
  readonly options: string;
  readonly superOptions: string;
  /** What its device stands on. */
  readonly loop: LoopState | null;
  /** The loop device's file by the name it has now. */
  readonly file: string;
  readonly hasPartitions: boolean;
}

type Context = Pick<ErrandContext, 'arrays' | 'clock' | 'log'>;

/** In the order in which they were mounted; empty where nothing is. */
export async function placesOf(volumeUuid: string, context: Context): Promise<MountedPlace[]> {
  const mounted = await mountedVolumes(context);
  const mine = mounted.filter(({ found }) => {
    return found.volume.uuid === volumeUuid && found.snapshot === undefined;
  });
  return mine.map(({ mount, loop, found }) => ({
    mountPoint: mount.mountPoint,
    device: mount.device,
    root: mount.root,
    type: mount.type,
    source: mount.source,
    options: mount.options,
    superOptions: mount.superOptions,
    loop: loopState(loop) ?? null,
    file: fileNow(found, loopState(loop)?.file ?? ''),
    hasPartitions: partitionNames(loop).length > 0,
  }));
}

/**
 * Unmounts all, the last first, and detaches their loop devices. EBUSY says who uses one of them; with `force` these processes
 * are ended. What is unmounted by then stays so: `putBack` is for the caller.
 */
export async function takeAway(
  places: readonly MountedPlace[],
  force: boolean,
  { clock, log }: Context,
): Promise<void> {
  for (const { mountPoint } of [...places].reverse()) {
    if (isMounted(mountPoint)) await unmountFor(mountPoint, force, clock, log);
  }
  const loops = places.flatMap(({ loop }) => {
    return loop !== null && loopState(loop.device)?.file === loop.file ? [loop] : [];
  });
  for (const { device } of loops) await detachLoop(device, clock);
  await loopsFreed(loops, clock);
}

async function unmountFor(
  mountPoint: string,
  force: boolean,
  clock: Clock,
  log: (line: string) => void,
): Promise<void> {
  if (force) await endProcesses(mountPoint, clock, log);
  try {
    await unmount(mountPoint, clock);
  } catch (error) {
    if (asArrayError(error).code !== 'EBUSY') throw error;
    const holders = mountHolders(mountPoint, { mappings: true });
    const whom = holders.length === 0 ? 'something that cannot be seen' : holders.join('; ');
    throw new ArrayError('EBUSY', `${mountPoint} is in use by ${whom}`);
  }
}

/** First politely. */
async function endProcesses(
  mountPoint: string,
  clock: Clock,
  log: (line: string) => void,
): Promise<void> {
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    const pids = processesUsing(mountPoint).filter((pid) => pid > 1);
    if (pids.length === 0) return;
    log(`${mountPoint} is in use: ${signal} to ${pids.join(' ')}`);
    for (const pid of pids) if (isRunning(pid)) process.kill(pid, signal);
    for (let waitedMs = 0; waitedMs < END_MS_MAX && pids.some(isRunning); waitedMs += LOOK_MS) {
      await pause(clock, LOOK_MS);
    }
  }
}

/** Mounts what is not mounted again already. Each place that cannot be is told in the answer, and the others still are. */
export async function putBack(places: readonly MountedPlace[], clock: Clock): Promise<string[]> {
  const problems: string[] = [];
  for (const place of places) {
    if (isMounted(place.mountPoint)) continue;
    try {
      await mountAgain(place, places, clock);
    } catch (error) {
      problems.push(`${place.mountPoint} is not mounted again: ${asArrayError(error).reason}`);
    }
  }
  return problems;
}

async function mountAgain(
  place: MountedPlace,
  places: readonly MountedPlace[],
  clock: Clock,
): Promise<void> {
  await mkdir(place.mountPoint, { recursive: true });
  if (place.root !== '/' && place.type !== 'btrfs') {
    const whole = places.find(({ device, root }) => device === place.device && root === '/');
    if (whole === undefined) throw new ArrayError('EINVAL', `it is ${place.root} of a file system`);
    const from = join(whole.mountPoint, place.root);
    await programOutput('mount', ['--bind', from, place.mountPoint], { clock });
    return;
  }
  const { device, attached } = await attachAgain(place, clock);
  try {
    await mountDevice(device, place, clock);
  } finally {
    // Of a mounted device it means: freed with its last use, as it was.
    if (attached !== undefined && place.loop?.isAutoclear) await detachLoop(attached, clock);
  }
}

/** The device to be mounted, and its loop device where that had to be attached: one that another place has is taken. */
async function attachAgain(
  { loop, source, file, hasPartitions }: MountedPlace,
  clock: Clock,
): Promise<{ readonly device: string; readonly attached?: string }> {
  if (loop === null) return { device: source };
  const there = loopsOf((name) => name === loop.file || name === file).find((state) => {
    return state.offsetBytes === loop.offsetBytes && state.sizeBytes === loop.sizeBytes;
  });
  if (there !== undefined) return { device: source.replace(loop.device, there.device) };
  const { isReadOnly, device } = loop;
  const attached = await attachLoop(file, clock, { part: loop, isReadOnly, device });
  if (hasPartitions) await programEnd('partx', ['--update', attached], { clock });
  return { device: source.replace(device, attached), attached };
}

/** With all options the table had; with those of the mount alone where mount(8) does not take the others. */
async function mountDevice(
  device: string,
  { type, mountPoint, options, superOptions }: MountedPlace,
  clock: Clock,
): Promise<void> {
  const all = [...new Set([...options.split(','), ...superOptions.split(',')])];
  const taken = all.filter((option) => option !== '' && !SHOWN_ONLY.test(option));
  const isReadOnly = taken.includes('ro');
  const sets = [taken.filter((option) => !(isReadOnly && option === 'rw')), options.split(',')];
  for (const [index, set] of sets.entries()) {
    const words = ['-t', type, '-o', set.join(','), device, mountPoint];
    const { status, errors } = await programEnd('mount', words, { clock, timeoutMs: MOUNT_MS_MAX });
    if (status === 0) return;
    if (index === sets.length - 1) {
      throw new ArrayError('EIO', errors.split('\n')[0] || `mount ended with ${status}`);
    }
  }
}

/** A volume may have been renamed since it was attached. */
function fileNow({ array, volume, port, mounts }: FoundVolume, file: string): string {
  const isDirect = mounts.length === 1 && port === '';
  return isDirect ? array.client.pathOf('volumes', volume.name) : file;
}

function partitionNames(loop: string): string[] {
  try {
    const name = basename(loop);
    return readdirSync(join('/sys/block', name)).filter((entry) => entry.startsWith(`${name}p`));
  } catch {
    return [];
  }
}

function isMounted(mountPoint: string): boolean {
  return readMountTable().some((entry) => entry.mountPoint === mountPoint);
}
