/**
 * A backup that is looked into ([004] fig. 13): a writable clone of it, connected to the restore port and LUN of this
 * client (restore port table 18), attached to loop devices and mounted read-only. Everything has a name before it is
 * made, and the names are noted: whoever comes after a crash finds and removes all of it by them.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pause } from '../../base/clock.js';
import { ArrayError, asArrayError } from '../../base/errors.js';
import { arrayTable } from '../array-tables.js';
import type { ErrandContext, KnownArray } from '../client/errand-handler.js';
import type { BackupImage } from '../media/image-of.js';
import { partitionsOf, type Signature, signatureOf } from './block-signature.js';
import { attachLoop, detachLoop, type LoopPart, loopsFreed, loopsOf } from './loop-devices.js';
import { isMountable, mountImage } from './mount-image.js';
import { unmountBelow } from './unmounting.js';

/** LUNs from the restore LUN on that are tried. */
const LUNS_TRIED = 16;
const COPIED_LOOK_MS = 500;
const NAME_BYTES = 4;

/** What must be known to remove all of it. */
export interface ConnectionNotes {
  readonly arrayUuid: string;
  /** Of the clone, and of the snapshot that it is made from where the backup is a volume. */
  readonly name: string;
  readonly snapshotOf: string | null;
  /** Of the LUN, in the array; null until one is chosen. */
  readonly file: string | null;
  /** All mounts are below it. */
  readonly directory: string;
}

export interface ConnectedBackup {
  /** What is mounted is here, or, of an image with partitions, in `p1`, `p2`, ... here. */
  readonly root: string;
  /** As `ext4`, or `p1: ext4`. */
  readonly fileSystems: readonly MountedFileSystem[];
}

export interface MountedFileSystem {
  readonly device: string;
  readonly type: string;
  readonly directory: string;
}

type Context = Pick<
  ErrandContext,
  'clock' | 'configuration' | 'signal' | 'arrays' | 'untilArray' | 'report' | 'log'
>;

/** Names for all that `connectBackup` makes; nothing is made yet. `copy` is VOLUME or VOLUME@SNAPSHOT. */
export function planConnection(
  { array, copy }: Pick<BackupImage, 'array' | 'copy'>,
  id: string,
  { clock, configuration }: Context,
): ConnectionNotes {
  const name = `restore-${id}-${Buffer.from(clock.randomBytes(NAME_BYTES)).toString('hex')}`;
  return {
    arrayUuid: array.uuid,
    name,
    snapshotOf: copy.includes('@') ? null : copy,
    file: null,
    directory: join(configuration.stateDirectory, 'restores', name),
  };
}

/** `note` keeps the notes before anything more is made. What it throws leaves `releaseBackup` to the caller. */
export async function connectBackup(
  { array, copy }: Pick<BackupImage, 'array' | 'copy'>,
  planned: ConnectionNotes,
  context: Context,
  note: (notes: ConnectionNotes) => Promise<void>,
  { isWritable = false }: { readonly isWritable?: boolean } = {},
): Promise<ConnectedBackup> {
  await note(planned);
  await makeClone(array, copy, planned, context);
  const notes = await connectLun(array, planned, context, note);
  return mountAll(notes.file, join(notes.directory, 'root'), isWritable ? 'rw' : 'ro', context);
}

/** Removes all that there is of it; none of it need be there. Waits for an array that is away. */
export async function releaseBackup(notes: ConnectionNotes, context: Context): Promise<void> {
  const { arrayUuid, name, snapshotOf, directory, file } = notes;
  await unmountBelow(directory, context.clock);
  if (file !== null) await freeLoops(file, context);
  // An errand that was cancelled waits for nothing, and still leaves nothing.
  const there = (await context.arrays()).find(({ uuid }) => uuid === arrayUuid);
  const { client } = there ?? (await context.untilArray(arrayUuid));
  await unlessAbsent(client.run({ name: 'lun', words: [name], options: { delete: 'yes' } }));
  await unlessAbsent(client.run({ name: 'delete', words: [name], options: {} }));
  if (snapshotOf !== null) {
    const words = [`${snapshotOf}@${name}`];
    await unlessAbsent(client.run({ name: 'delete', words, options: {} }));
  }
  await rm(directory, { recursive: true, force: true });
}

/** Of a mount that was taken away while it was in use, the file's name begins in the array. */
async function freeLoops(file: string, { clock }: Context): Promise<void> {
  const names = [file, file.slice(file.lastIndexOf('/targets/'))];
  const loops = loopsOf((name) => names.includes(name));
  for (const { device } of loops) await detachLoop(device, clock);
  await loopsFreed(loops, clock);
}

async function unlessAbsent(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (asArrayError(error).code !== 'ENOENT') throw error;
  }
}

/** A snapshot is cloned; of a volume a snapshot is taken for that, which the clone needs no more. */
async function makeClone(
  { client }: KnownArray,
  copy: string,
  { name, snapshotOf }: ConnectionNotes,
  context: Context,
): Promise<void> {
  if (snapshotOf === null) {
    await client.run({ name: 'clone', words: [copy, name], options: {} });
    return;
  }
  await whenCopied(copy, context, () =>
    client.run({ name: 'snapshot', words: [snapshotOf], options: { name } }),
  );
  const snapshot = `${snapshotOf}@${name}`;
  await client.run({ name: 'clone', words: [snapshot, name], options: {} });
  await client.run({ name: 'delete', words: [snapshot], options: {} });
}

/** A secondary that is still being copied to gives no snapshot: the copy is waited for. */
async function whenCopied(
  volume: string,
  { clock, signal, report }: Context,
  take: () => Promise<unknown>,
): Promise<void> {
  for (;;) {
    try {
      await take();
      return;
    } catch (error) {
      const { code, reason } = asArrayError(error);
      if (code !== 'EBUSY' || !reason.includes('still being copied to')) throw error;
    }
    if (signal.aborted) throw new ArrayError('EINTR', 'given up');
    report({ step: 'wait', text: `${volume} is still being copied to`, done: 0, total: 0 });
    await pause(clock, COPIED_LOOK_MS);
  }
}

/** At the restore LUN, or, where that is taken, at the next one that is free; for the host of this user alone. */
async function connectLun(
  { client, mountPoint }: KnownArray,
  planned: ConnectionNotes,
  { configuration }: Context,
  note: (notes: ConnectionNotes) => Promise<void>,
): Promise<ConnectionNotes & { readonly file: string }> {
  const { restorePort: port, restoreLun } = configuration;
  const taken = (await arrayTable(client, 'luns')).filter((row) => row.port === port);
  const hosts = await arrayTable(client, 'hosts');
  const host = hosts.find(({ uids }) => uids.includes(process.getuid?.() ?? 0))?.name;
  for (let lun = restoreLun; lun < restoreLun + LUNS_TRIED; lun += 1) {
    if (taken.some((row) => row.lun === lun)) continue;
    const notes = { ...planned, file: join(mountPoint, 'targets', port, `${lun}`) };
    await note(notes);
    const options = { ports: port, lun: `${lun}`, ...(host !== undefined && { host }) };
    await client.run({ name: 'lun', words: [planned.name], options });
    return notes;
  }
  const last = restoreLun + LUNS_TRIED - 1;
  throw new ArrayError('EBUSY', `all LUNs from ${restoreLun} to ${last} at ${port} are taken`);
}

async function mountAll(
  file: string,
  root: string,
  access: 'ro' | 'rw',
  context: Context,
): Promise<ConnectedBackup> {
  const { clock, log } = context;
  const device = await attachLoop(file, clock);
  const signature = await signatureOf(device, clock);
  if (signature.kind !== 'partitions') {
    checkMountable(signature);
    await mountImage(device, signature.type, root, clock, access);
    return { root, fileSystems: [{ device, type: signature.type, directory: root }] };
  }
  const fileSystems: MountedFileSystem[] = [];
  for (const { number, ...part } of await partitionsOf(device, clock)) {
    const directory = join(root, `p${number}`);
    try {
      fileSystems.push(await mountPart(file, part, directory, access, context));
    } catch (error) {
      log(`partition ${number}: ${asArrayError(error).reason}`);
    }
  }
  if (fileSystems.length > 0) return { root, fileSystems };
  throw new ArrayError('EOPNOTSUPP', 'no partition of the backup has a file system to look into');
}

async function mountPart(
  file: string,
  part: LoopPart,
  directory: string,
  access: 'ro' | 'rw',
  { clock }: Context,
): Promise<MountedFileSystem> {
  const device = await attachLoop(file, clock, { part });
  const signature = await signatureOf(device, clock);
  checkMountable(signature);
  await mountImage(device, signature.type, directory, clock, access);
  return { device, type: signature.type, directory };
}

function checkMountable(
  signature: Signature,
): asserts signature is Extract<Signature, { kind: 'file system' }> {
  if (signature.kind === 'file system' && isMountable(signature.type)) return;
  const what = signature.kind === 'partitions' ? 'partitions again' : signature.type;
  throw new ArrayError('EOPNOTSUPP', `there is no file system to look into, but ${what}`);
}
