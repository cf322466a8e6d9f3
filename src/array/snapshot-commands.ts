/**
 * Commands on snapshots: take, delete, restore, clone. All cost the same for any size: a snapshot is
 * an epoch that stays, a clone or restore is a lineage that branches off it.
 */

import { assert } from '../base/assert.js';
import { ArrayError } from '../base/errors.js';
import { SNAPSHOTS_PER_VOLUME_MAX } from '../base/limits.js';
import { checkLabel, checkName } from '../base/names.js';
import { newUuid } from '../base/uuid.js';

import { type ArrayContext, newCopyFields } from './array-context.js';
import { type CopyFields, copyName, isHidden, Snapshot, Volume } from './copies.js';
import type { Owner, SnapshotOptions } from './disk-array.js';
import {
  checkInfo,
  checkNotPaired,
  checkNoWriter,
  checkSnapshotAllowed,
  checkSnapshotUnused,
  distinct,
  infoAt,
} from './rules.js';
import { confirmGroup } from './snapshot-groups.js';
import { timeStampName } from './time-stamp-name.js';

/** All volumes share one instant, and all or none get the snapshot. */
export async function takeSnapshots(
  context: ArrayContext,
  volumeNames: readonly string[],
  options: SnapshotOptions,
): Promise<readonly Snapshot[]> {
  const volumes = distinct(volumeNames, 'volume', (name) => context.copies.volume(name));
  context.checkWritable(...volumes);
  const nowMs = context.clock.nowMs();
  const name =
    options.name ??
    timeStampName(nowMs, (candidate) => {
      return volumes.some((volume) => volume.snapshotsByName.has(candidate));
    });
  checkSnapshot(volumes, name, options);
  cutPools(volumes);
  const snapshots = volumes.map((volume, index) => {
    const info = infoAt(options.info, index);
    return freeze(context, volume, name, nowMs, { ...options, ...(info && { info }) });
  });
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

/** Of all that share an instant, before the first is frozen: so it is the same in all pools. */
export function cutPools(volumes: readonly Volume[]): void {
  for (const pool of new Set(volumes.map((volume) => volume.pool))) pool.content.cut();
}

/** Removes a snapshot in memory and, with the active generation, on disk. */
export function dropSnapshot(context: ArrayContext, snapshot: Snapshot): void {
  context.copies.removeSnapshot(snapshot);
  context.san.forgetCopy(snapshot.number);
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
  const nowMs = context.clock.nowMs();
  Object.assign(volume.fields, {
    sizeBytes: snapshot.sizeBytes,
    modifiedMs: nowMs,
    changedMs: nowMs,
    infoModified: volume.info !== undefined,
  });
  volume.condition.fail('');
  goBackTo(context, volume, snapshot);
  volume.condition.hold(snapshot.uuid);
  context.recordEvent('RESTORED', volume.name, `to ${copyName(snapshot)}`);
  await context.durable(volume);
}

/** The volume shows what the snapshot does, and goes on from there. */
export function goBackTo(context: ArrayContext, volume: Volume, snapshot: Snapshot): void {
  const { lineages } = volume.pool.content;
  const old = volume.lineage;
  volume.condition.noteChange();
  volume.lineage = lineages.begin(snapshot.view);
  lineages.abandon(old);
  volume.lineage.left = old;
  volume.touch();
  context.watcher.contentChanged(volume);
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
  const lineage = snapshot.pool.content.lineages.begin(snapshot.view);
  const owner = options.owner ?? snapshot;
  const fields = newCopyFields(context, newName, label, snapshot.sizeBytes, owner);
  const volume = new Volume(snapshot.pool, fields, lineage);
  context.copies.addVolume(volume);
  volume.touch();
  volume.condition.hold(snapshot.uuid);
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

function checkSnapshot(volumes: readonly Volume[], name: string, options: SnapshotOptions): void {
  checkName(name);
  checkLabel(options.label ?? '');
  checkInfo(options.info, volumes.length);
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
