/**
 * Commands on volumes: create, resize, rename, delete, and the properties of any copy. Each checks
 * first, changes memory without waiting in between, and resolves when the change is durable.
 */
import { ArrayError } from '../base/errors.js';
import { checkLabel } from '../base/names.js';
import { formatSize } from '../base/sizes.js';
import { type ArrayContext, newCopyFields } from './array-context.js';
import { type AnyCopy, copyName, Volume } from './copies.js';
import { isBeingCopied } from './copy-source.js';
import type { CreateVolumeOptions, OwnershipChanges } from './disk-array.js';
import {
  checkInfo,
  checkNotPaired,
  checkNoWriter,
  checkSize,
  checkSnapshotUnused,
} from './rules.js';
import { dropSnapshot } from './snapshot-commands.js';
import { resizeVolume } from './volume-size.js';

export async function createVolume(
  context: ArrayContext,
  options: CreateVolumeOptions,
): Promise<Volume> {
  context.checkWritable();
  const { name, sizeBytes, label = '', poolName, owner } = options;
  context.checkNewName(name);
  checkLabel(label);
  checkSize(sizeBytes);
  const { poolList } = context;
  const pool = poolName === undefined ? poolList.home : poolList.named(poolName);
  context.checkWritable({ pool });
  const lineage = pool.content.lineages.begin(undefined);
  const fields = newCopyFields(context, name, label, sizeBytes, owner ?? context.defaultOwner);
  const volume = new Volume(pool, fields, lineage);
  context.copies.addVolume(volume);
  volume.touch();
  context.recordEvent('CREATED', name, `volume ${volume.number}, ${formatSize(sizeBytes)}`);
  await context.durable(volume);
  return volume;
}

export async function resizeByCommand(
  context: ArrayContext,
  name: string,
  sizeBytes: number,
  force: boolean,
): Promise<Volume> {
  const volume = context.copies.volume(name);
  context.checkWritable(volume);
  checkSize(sizeBytes);
  checkNotPaired(volume, 'resized');
  if (sizeBytes < volume.sizeBytes) checkNoWriter(volume, force, 'shrunk');
  const oldSize = volume.sizeBytes;
  await resizeVolume(context, volume, sizeBytes);
  volume.touch();
  context.watcher.contentChanged(volume);
  const change = `${formatSize(oldSize)} to ${formatSize(sizeBytes)}`;
  context.recordEvent('RESIZED', volume.name, change);
  await context.durable(volume);
  return volume;
}

export async function renameVolume(
  context: ArrayContext,
  name: string,
  newName: string,
): Promise<Volume> {
  const volume = context.copies.volume(name);
  context.checkWritable(volume);
  context.checkNewName(newName);
  const oldName = volume.name;
  context.copies.renameVolume(volume, newName);
  volume.fields.changedMs = context.clock.nowMs();
  volume.touch();
  context.watcher.attributesChanged(volume);
  context.recordEvent('RENAMED', newName, `was ${oldName}`);
  await context.durable(volume);
  return volume;
}

/** At mount: the name it had is that of a volume in another pool. */
export function noteRenamed(context: ArrayContext, volume: Volume): void {
  volume.touch();
  const message = `pool ${volume.poolName} has come with a name that another volume has`;
  context.recordEvent('RENAMED', volume.name, message);
}

export async function deleteVolume(
  context: ArrayContext,
  name: string,
  withSnapshots: boolean,
): Promise<void> {
  const volume = context.copies.volume(name);
  context.checkWritable(volume);
  checkNotPaired(volume, 'deleted');
  if (isBeingCopied(context, volume)) {
    throw new ArrayError('EBUSY', `volume ${volume.name} is being copied: cancel the job first`);
  }
  const { snapshots } = volume;
  if (snapshots.length > 0 && !withSnapshots) {
    throw new ArrayError(
      'EBUSY',
      `volume ${volume.name} has ${snapshots.length} snapshots (snapshots=yes takes them along)`,
    );
  }
  for (const snapshot of snapshots) checkSnapshotUnused(snapshot, false);
  for (const snapshot of snapshots) dropSnapshot(context, snapshot);
  context.copies.removeVolume(volume);
  context.san.forgetCopy(volume.number);
  volume.deleted = true;
  volume.condition.forget();
  volume.touch();
  volume.pool.content.lineages.markAbandoned(volume.lineage);
  if (volume.openCount === 0) context.unused(volume);
  context.watcher.attributesChanged(volume);
  context.recordEvent('DELETED', volume.name, `volume ${volume.number}`);
  await context.durable(volume);
}

export async function setLabel(context: ArrayContext, copy: AnyCopy, label: string): Promise<void> {
  context.checkWritable(copy);
  checkLabel(label);
  copy.fields.label = label;
  copy.touch();
  context.changed();
  await context.durable(copy);
}

/** Ordered like a write: durable with whatever is made durable next. */
export function setOwnership(
  context: ArrayContext,
  copy: AnyCopy,
  changes: OwnershipChanges,
): void {
  context.checkWritable(copy);
  const { fields } = copy;
  if (changes.mode !== undefined) fields.mode = changes.mode & 0o7777;
  if (changes.uid !== undefined) fields.uid = changes.uid;
  if (changes.gid !== undefined) fields.gid = changes.gid;
  if (changes.accessedMs !== undefined) fields.accessedMs = Math.max(0, changes.accessedMs);
  if (changes.modifiedMs !== undefined) fields.modifiedMs = Math.max(0, changes.modifiedMs);
  fields.changedMs = context.clock.nowMs();
  if (!copy.deleted) copy.touch('write');
  context.watcher.attributesChanged(copy);
  context.changed();
}

export async function setInfo(
  context: ArrayContext,
  copy: AnyCopy,
  info: Uint8Array | undefined,
): Promise<void> {
  context.checkWritable(copy);
  checkInfo(info);
  copy.fields.info = info && new Uint8Array(info);
  copy.fields.infoModified = false;
  copy.touch();
  context.watcher.infoChanged(copy);
  const what = info === undefined ? 'cleared' : 'stored';
  context.recordEvent('INFO', copyName(copy), `volume information ${what}`);
  await context.durable(copy);
}
