/**
 * Commands on snapshots: take, delete, restore, clone. All cost the same for any size: a snapshot is
 * an epoch that stays, a clone or restore is a lineage that branches off it.
 */

import { assert } from '../base/assert.js';
import { ArrayError } from '../base/errors.js';
import { COMMAND_VOLUMES_MAX, SNAPSHOTS_PER_VOLUME_MAX } from '../base/limits.js';
import { checkLabel, checkName } from '../base/names.js';
import { newUuid } from '../base/uuid.js';
import type { View } from '../volume/view.js';

import { type ArrayContext, newCopyFields } from './array-context.js';
import { type CopyFields, copyName, isHidden, Snapshot, Volume } from './copies.js';
import type { Owner, SnapshotOptions } from './disk-array.js';
import {
  checkInfo,
  checkNotPaired,
  checkNoWriter,
  checkSnapshotAllowed,
  checkSnapshotUnused,
} from './rules.js';
import { confirmGroup } from './snapshot-groups.js';
import { timeStampName } from './time-stamp-name.js';

/** All volumes share one instant, and all or none get the snapshot. */
export async function takeSnapshots(
  context: ArrayContext,
  volumeNames: readonly string[],
  options: SnapshotOptions,
): Promise<readonly Snapshot[]> {
  const volumes = distinctVolumes(context, volumeNames);
  context.checkWritable(...volumes);
  const nowMs = context.clock.nowMs();
  const name =
    options.name ??
    timeStampName(nowMs, (candidate) => {
      return volumes.some((volume) => volume.snapshotsByName.has(candidate));
    });
  checkSnapshot(volumes, name, options);
  // All before the first is frozen: the instant is the same in all pools.
  for (const pool of new Set(volumes.map((volume) => volume.pool))) pool.content.cut();
  const snapshots = volumes.map((volume) => freeze(context, volume, name, nowMs, options));
  for (const snapshot of snapshots) {
    context.recordEvent('SNAPSHOT', copyName(snapshot), `number ${snapshot.number}`);
  }
  await confirmGroup(context, snapshots);
  return snapshots;
}

export async function deleteSnapshot(
  context: ArrayContext,
  volumeName: string,
  snapshotName: string,
  force: boolean,
): Promise<void> {
  const snapshot = context.copies.snapshot(volumeName, snapshotName);
  context.checkWritable(snapshot);
  checkSnapshotUnused(snapshot, force);
  dropSnapshot(context, snapshot);
  context.recordEvent('DELETED', copyName(snapshot), `snapshot ${snapshot.number}`);
  await context.durable(snapshot);
}

/** Removes a snapshot in memory and, with the active generation, on disk. */
export function dropSnapshot(context: ArrayContext, snapshot: Snapshot): void {
  context.copies.removeSnapshot(snapshot);
  snapshot.deleted = true;
  snapshot.touch();
  snapshot.pool.content.lineages.releaseEpoch(snapshot.lineage, snapshot.viewEpoch);
  context.watcher.attributesChanged(snapshot);
}

/** The volume goes back to the snapshot; later snapshots stay. */
export async function restore(
  context: ArrayContext,
  volumeName: string,
  snapshotName: string,
  force: boolean,
): Promise<void> {
  const snapshot = context.copies.snapshot(volumeName, snapshotName);
  context.checkWritable(snapshot);
  const { volume } = snapshot;
  checkNotPaired(volume, 'restored');
  checkNoWriter(volume, force, 'restored');
  const { content } = volume.pool;
  const old = volume.lineage;
  volume.lineage = content.lineages.begin(viewOf(snapshot));
  content.lineages.abandon(old);
  const nowMs = context.clock.nowMs();
  Object.assign(volume.fields, {
    sizeBytes: snapshot.sizeBytes,
    modifiedMs: nowMs,
    changedMs: nowMs,
    infoModified: volume.info !== undefined,
  });
  volume.condition.fail('');
  volume.touch();
  context.watcher.contentChanged(volume);
  context.recordEvent('RESTORED', volume.name, `to ${copyName(snapshot)}`);
  await context.durable(volume);
}

export async function clone(
  context: ArrayContext,
  volumeName: string,
  snapshotName: string,
  newName: string,
  options: { label?: string; owner?: Owner },
): Promise<Volume> {
  const snapshot = context.copies.snapshot(volumeName, snapshotName);
  context.checkWritable(snapshot);
  context.checkNewName(newName);
  const label = options.label ?? '';
  checkLabel(label);
  const lineage = snapshot.pool.content.lineages.begin(viewOf(snapshot));
  const owner = options.owner ?? snapshot;
  const fields = newCopyFields(context, newName, label, snapshot.sizeBytes, owner);
  const volume = new Volume(snapshot.pool, fields, lineage);
  context.copies.addVolume(volume);
  volume.touch();
  context.recordEvent('CLONED', newName, `from ${copyName(snapshot)}`);
  await context.durable(volume);
  return volume;
}

/**
 * A snapshot that only the array itself uses: no user's name begins with a dot. Its content is cut
 * by the caller, once for all that share the instant.
 */
export function takeHiddenSnapshot(
  context: ArrayContext,
  volume: Volume,
  name: string,
  options: Pick<SnapshotOptions, 'info'> = {},
): Snapshot {
  assert(isHidden(name), 'a hidden name');
  return freeze(context, volume, name, context.clock.nowMs(), options);
}

function freeze(
  context: ArrayContext,
  volume: Volume,
  name: string,
  nowMs: number,
  options: SnapshotOptions,
): Snapshot {
  const { lineage } = volume;
  const epoch = volume.pool.content.lineages.freeze(lineage);
  const fields: CopyFields = {
    ...volume.fields,
    number: context.poolList.takeNumber('nextNumber'),
    uuid: newUuid(context.clock),
    name,
    label: options.label ?? '',
    lineage: lineage.id,
    epoch,
    createdMs: nowMs,
    changedMs: nowMs,
    info: options.info ?? volume.info,
    infoModified: options.info === undefined && volume.infoModified,
  };
  const snapshot = new Snapshot(volume.pool, fields, lineage, volume);
  context.copies.addSnapshot(snapshot);
  snapshot.touch();
  volume.touch();
  return snapshot;
}

function distinctVolumes(context: ArrayContext, names: readonly string[]): readonly Volume[] {
  if (names.length === 0) throw new ArrayError('EINVAL', 'no volume is named');
  if (names.length > COMMAND_VOLUMES_MAX) {
    throw new ArrayError('EINVAL', `more than ${COMMAND_VOLUMES_MAX} volumes are named`);
  }
  const volumes = names.map((name) => context.copies.volume(name));
  if (new Set(volumes).size < volumes.length) {
    throw new ArrayError('EINVAL', 'a volume is named twice');
  }
  return volumes;
}

function checkSnapshot(volumes: readonly Volume[], name: string, options: SnapshotOptions): void {
  checkName(name);
  checkLabel(options.label ?? '');
  checkInfo(options.info);
  for (const volume of volumes) {
    checkSnapshotAllowed(volume);
    if (volume.snapshotsByName.has(name)) {
      throw new ArrayError('EEXIST', `snapshot ${volume.name}@${name} exists`);
    }
    if (volume.snapshotsByName.size >= SNAPSHOTS_PER_VOLUME_MAX) {
      const limit = `${SNAPSHOTS_PER_VOLUME_MAX} snapshots, which is the limit`;
      throw new ArrayError('ENOSPC', `volume ${volume.name} has ${limit}`);
    }
  }
}

function viewOf(snapshot: Snapshot): View {
  return { lineage: snapshot.lineage, epoch: snapshot.viewEpoch };
}
