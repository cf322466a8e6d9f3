/**
 * The array: volumes, snapshots and the rules for what may happen to them. A command checks first,
 * then changes memory without waiting in between, and answers when the change is durable; so a
 * refused command has changed nothing and commands over several volumes have one instant.
 */
import type { Clock } from '../base/clock.js';
import { ArrayError, asArrayError } from '../base/errors.js';
import {
  COMMAND_VOLUMES_MAX,
  INFO_BYTES,
  SNAPSHOTS_PER_VOLUME_MAX,
  VOLUME_BYTES_MAX,
  VOLUMES_MAX,
} from '../base/limits.js';
import { checkLabel, checkName } from '../base/names.js';
import { BLOCK_BYTES, formatSize, SECTOR_BYTES } from '../base/sizes.js';
import { newUuid, uuidText } from '../base/uuid.js';
import { recordKey, recordKeyEnd } from '../store/keys.js';
import { unpackSnapshot, unpackVolume } from '../store/records.js';
import type { View } from '../volume/block-map.js';
import { type AnyCopy, type CopyFields, copyName, Snapshot, Volume } from './copies.js';
import type {
  ArrayIdentity,
  CacheView,
  CreateVolumeOptions,
  DiskArray,
  EventView,
  ImageHandle,
  Owner,
  OwnershipChanges,
  PoolView,
  SnapshotOptions,
} from './disk-array.js';
import { Events } from './events.js';
import { type ImageHost, openImage, resizeVolume } from './images.js';
import { type Job, Jobs } from './jobs.js';
import type { Pool } from './pool.js';
import { scrub } from './scrub.js';
import { timeStampName } from './time-stamp-name.js';

export interface StorageArrayOptions {
  readonly clock: Clock;
  readonly readOnly: boolean;
  readonly defaultOwner: Owner;
}

export class StorageArray implements DiskArray, ImageHost {
  readonly identity: ArrayIdentity;
  readonly defaultOwner: Owner;
  readonly readOnly: boolean;
  readonly mountedMs: number;
  readonly clock: Clock;
  readonly events: Events;
  revision = 0;
  private lastFailure: string | undefined;
  private readonly jobList: Jobs;
  private readonly byName = new Map<string, Volume>();
  private readonly byNumber = new Map<number, AnyCopy>();

  constructor(
    private readonly pool: Pool,
    options: StorageArrayOptions,
  ) {
    this.clock = options.clock;
    this.readOnly = options.readOnly;
    this.defaultOwner = options.defaultOwner;
    this.mountedMs = options.clock.nowMs();
    const { arrayLabel, arraySerial, arrayUuid, createdMs, layoutVersion } = pool.identity;
    this.identity = {
      label: arrayLabel,
      serial: arraySerial,
      uuid: uuidText(arrayUuid),
      createdMs,
      layoutVersion,
    };
    this.loadCopies();
    this.events = new Events(pool, this.clock, this.readOnly);
    this.jobList = new Jobs(pool, this.clock, () => this.changed());
    pool.content.start();
  }

  // ---- looking things up

  volumes(): readonly Volume[] {
    return [...this.byName.values()];
  }

  findVolume(name: string): Volume | undefined {
    const number = parseNumber(name);
    const copy = number === undefined ? this.byName.get(name) : this.byNumber.get(number);
    return copy?.kind === 'volume' ? copy : undefined;
  }

  volume(name: string): Volume {
    const volume = this.findVolume(name);
    if (volume === undefined) throw new ArrayError('ENOENT', `no volume ${name}`);
    return volume;
  }

  findSnapshot(volumeName: string, snapshotName: string): Snapshot | undefined {
    const volume = this.findVolume(volumeName);
    const number = parseNumber(snapshotName);
    if (number === undefined) return volume?.snapshotsByName.get(snapshotName);
    const copy = this.byNumber.get(number);
    return copy?.kind === 'snapshot' && copy.volume === volume ? copy : undefined;
  }

  snapshot(volumeName: string, snapshotName: string): Snapshot {
    const volume = this.volume(volumeName);
    const snapshot = this.findSnapshot(volumeName, snapshotName);
    if (snapshot !== undefined) return snapshot;
    throw new ArrayError('ENOENT', `volume ${volume.name} has no snapshot ${snapshotName}`);
  }

  copy(reference: string): AnyCopy {
    const number = parseNumber(reference);
    if (number !== undefined) {
      const copy = this.byNumber.get(number);
      if (copy === undefined) throw new ArrayError('ENOENT', `no volume or snapshot ${reference}`);
      return copy;
    }
    const at = reference.indexOf('@');
    if (at < 0) return this.volume(reference);
    return this.snapshot(reference.slice(0, at), reference.slice(at + 1));
  }

  pools(): readonly PoolView[] {
    return [this.pool.view()];
  }

  cache(): CacheView {
    const { cache, writersWaiting, publishedSequence } = this.pool.content;
    return {
      limitBytes: cache.memory.slotCountMax * BLOCK_BYTES,
      dirtyBytes: cache.dirtyBlocks * BLOCK_BYTES,
      generationsPending: cache.closed.length,
      publishedSequence,
      writersWaiting,
    };
  }

  // ---- volumes

  async createVolume(options: CreateVolumeOptions): Promise<Volume> {
    this.checkWritable();
    const { name, sizeBytes, label = '', poolName, owner } = options;
    this.checkNewName(name);
    checkLabel(label);
    checkSize(sizeBytes);
    if (poolName !== undefined && poolName !== this.pool.identity.poolName) {
      throw new ArrayError('ENOENT', `no pool ${poolName}`);
    }
    const lineage = this.pool.content.newLineage(undefined);
    const fields = this.newFields(name, label, sizeBytes, owner ?? this.defaultOwner);
    const volume = this.addVolume(new Volume(this.pool, fields, lineage));
    this.recordEvent('CREATED', name, `volume ${volume.number}, ${formatSize(sizeBytes)}`);
    await this.durable();
    return volume;
  }

  async resizeVolume(
    name: string,
    sizeBytes: number,
    options: { force: boolean },
  ): Promise<Volume> {
    this.checkWritable();
    const volume = this.volume(name);
    checkSize(sizeBytes);
    if (sizeBytes < volume.sizeBytes) this.checkUnused(volume, options.force, 'shrunk');
    const oldSize = volume.sizeBytes;
    await resizeVolume(this, volume, sizeBytes);
    const change = `${formatSize(oldSize)} to ${formatSize(sizeBytes)}`;
    this.recordEvent('RESIZED', volume.name, change);
    await this.durable();
    return volume;
  }

  async renameVolume(name: string, newName: string): Promise<Volume> {
    this.checkWritable();
    const volume = this.volume(name);
    this.checkNewName(newName);
    const oldName = volume.name;
    this.byName.delete(oldName);
    volume.fields.name = newName;
    volume.fields.changedMs = this.clock.nowMs();
    this.byName.set(newName, volume);
    volume.touch();
    this.recordEvent('RENAMED', newName, `was ${oldName}`);
    await this.durable();
    return volume;
  }

  async deleteVolume(name: string, options: { snapshots: boolean }): Promise<void> {
    this.checkWritable();
    const volume = this.volume(name);
    if (volume.snapshotsByName.size > 0) {
      if (!options.snapshots) {
        throw new ArrayError(
          'EBUSY',
          `volume ${volume.name} has ${volume.snapshotsByName.size} snapshots ` +
            '(snapshots=yes takes them along)',
        );
      }
      for (const snapshot of volume.snapshots) this.checkSnapshotUnused(snapshot, false);
      for (const snapshot of volume.snapshots) this.dropSnapshot(snapshot);
    }
    this.byName.delete(volume.name);
    this.byNumber.delete(volume.number);
    volume.deleted = true;
    volume.touch();
    volume.pool.content.markAbandoned(volume.lineage);
    if (volume.openCount === 0) this.unused(volume);
    this.recordEvent('DELETED', volume.name, `volume ${volume.number}`);
    await this.durable();
  }

  /** The last open image of a deleted volume was closed, or it had none. */
  unused(volume: Volume): void {
    volume.pool.content.abandon(volume.lineage);
  }

  // ---- snapshots

  async takeSnapshots(
    volumeNames: readonly string[],
    options: SnapshotOptions,
  ): Promise<readonly Snapshot[]> {
    this.checkWritable();
    const volumes = this.distinctVolumes(volumeNames);
    const nowMs = this.clock.nowMs();
    const name =
      options.name ??
      timeStampName(nowMs, (candidate) => {
        return volumes.some((volume) => volume.snapshotsByName.has(candidate));
      });
    this.checkSnapshot(volumes, name, options);
    const snapshots = volumes.map((volume) => this.freeze(volume, name, nowMs, options));
    for (const snapshot of snapshots) {
      this.recordEvent('SNAPSHOT', copyName(snapshot), `number ${snapshot.number}`);
    }
    await this.durable();
    return snapshots;
  }

  async deleteSnapshot(
    volumeName: string,
    snapshotName: string,
    options: { force: boolean },
  ): Promise<void> {
    this.checkWritable();
    const snapshot = this.snapshot(volumeName, snapshotName);
    this.checkSnapshotUnused(snapshot, options.force);
    this.dropSnapshot(snapshot);
    this.recordEvent('DELETED', copyName(snapshot), `snapshot ${snapshot.number}`);
    await this.durable();
  }

  async restore(
    volumeName: string,
    snapshotName: string,
    options: { force: boolean },
  ): Promise<void> {
    this.checkWritable();
    const snapshot = this.snapshot(volumeName, snapshotName);
    const { volume } = snapshot;
    this.checkUnused(volume, options.force, 'restored');
    const { content } = volume.pool;
    const old = volume.lineage;
    volume.lineage = content.newLineage(viewOf(snapshot));
    content.abandon(old);
    const nowMs = this.clock.nowMs();
    Object.assign(volume.fields, {
      sizeBytes: snapshot.sizeBytes,
      modifiedMs: nowMs,
      changedMs: nowMs,
      infoModified: volume.info !== undefined,
    });
    volume.touch();
    this.recordEvent('RESTORED', volume.name, `to ${copyName(snapshot)}`);
    await this.durable();
  }

  async clone(
    volumeName: string,
    snapshotName: string,
    newName: string,
    options: { label?: string; owner?: Owner },
  ): Promise<Volume> {
    this.checkWritable();
    const snapshot = this.snapshot(volumeName, snapshotName);
    this.checkNewName(newName);
    const label = options.label ?? '';
    checkLabel(label);
    const owner = options.owner ?? snapshot;
    const lineage = snapshot.pool.content.newLineage(viewOf(snapshot));
    const fields = this.newFields(newName, label, snapshot.sizeBytes, owner);
    const volume = this.addVolume(new Volume(snapshot.pool, fields, lineage));
    this.recordEvent('CLONED', newName, `from ${copyName(snapshot)}`);
    await this.durable();
    return volume;
  }

  // ---- properties

  async setLabel(copy: AnyCopy, label: string): Promise<void> {
    this.checkWritable();
    checkLabel(label);
    copy.fields.label = label;
    copy.touch();
    this.changed();
    await this.durable();
  }

  setOwnership(copy: AnyCopy, changes: OwnershipChanges): void {
    this.checkWritable();
    const { fields } = copy;
    if (changes.mode !== undefined) fields.mode = changes.mode & 0o7777;
    if (changes.uid !== undefined) fields.uid = changes.uid;
    if (changes.gid !== undefined) fields.gid = changes.gid;
    if (changes.accessedMs !== undefined) fields.accessedMs = Math.max(0, changes.accessedMs);
    if (changes.modifiedMs !== undefined) fields.modifiedMs = Math.max(0, changes.modifiedMs);
    fields.changedMs = this.clock.nowMs();
    if (!copy.deleted) copy.touch();
    this.changed();
  }

  async setInfo(copy: AnyCopy, info: Uint8Array | undefined): Promise<void> {
    this.checkWritable();
    checkInfo(info);
    copy.fields.info = info && new Uint8Array(info);
    copy.fields.infoModified = false;
    copy.touch();
    const what = info === undefined ? 'cleared' : 'stored';
    this.recordEvent('INFO', copyName(copy), `volume information ${what}`);
    await this.durable();
  }

  sync(): Promise<void> {
    return this.pool.content.durable();
  }

  openImage(copy: AnyCopy, options: { write: boolean }): ImageHandle {
    return openImage(this, copy, options.write);
  }

  // ---- jobs and events

  jobs(): readonly Job[] {
    return this.jobList.all();
  }

  job(id: number): Job {
    return this.jobList.get(id);
  }

  async cancelJob(id: number): Promise<void> {
    await this.jobList.cancel(id);
  }

  async scrub(reference: string): Promise<Job> {
    this.checkWritable();
    const copy = reference === 'all' ? undefined : this.copy(reference);
    return this.jobList.start('scrub', reference, 'bytes', (job) => {
      return scrub(this.pool, copy, job, this.clock, {
        damaged: ({ lineage, block, epoch, kind }, address) => {
          this.reportDamage({ lineage: this.pool.content.lineage(lineage), epoch }, block, kind);
          this.recordEvent('SCRUB', reference, `${kind} at byte ${address}`);
        },
      });
    });
  }

  recentEvents(count: number): readonly EventView[] {
    return this.events.newest(count);
  }

  recordEvent(code: string, subject: string, message: string): void {
    this.changed();
    if (!this.readOnly) this.events.record(code, subject, message);
  }

  recordRefusal(subject: string, error: ArrayError): void {
    this.recordEvent('REFUSED', subject === '' ? '-' : subject, error.message);
  }

  /** A block of some view is damaged: says which volumes and snapshots show it. */
  reportDamage(view: View, block: number, reason: string): void {
    const shown = this.copiesShowing(view).map(copyName).join(' ') || '-';
    const address = block * BLOCK_BYTES;
    const pool = this.pool.identity.poolName;
    this.recordEvent('DAMAGED', shown, `byte ${address} in pool ${pool}: ${reason}`);
  }

  /** The pool cannot be written now; undefined: it can again. */
  poolFailed(error: ArrayError | undefined): void {
    const name = this.pool.identity.poolName;
    if (error?.reason === this.lastFailure) return;
    this.lastFailure = error?.reason;
    this.recordEvent(
      error ? 'POOL-FAILED' : 'POOL-WORKS',
      name,
      error?.message ?? 'writes succeed',
    );
  }

  changed(): void {
    this.revision += 1;
  }

  async close(): Promise<void> {
    await this.jobList.stop();
    await this.pool.content.close();
  }

  // ---- inside

  private loadCopies(): void {
    const { pool, byName, byNumber } = this;
    const { store, content } = pool;
    const volumes = new Map<number, Volume>();
    for (const { value } of store.range('records', recordKey('volume'), recordKeyEnd('volume'))) {
      const fields = unpackVolume(value);
      const lineage = content.lineage(fields.lineage);
      lineage.hasHead = true;
      lineage.epoch = fields.epoch;
      const volume = new Volume(pool, { ...fields }, lineage);
      volumes.set(volume.number, volume);
      byName.set(volume.name, volume);
      byNumber.set(volume.number, volume);
    }
    const start = recordKey('snapshot');
    for (const { value } of store.range('records', start, recordKeyEnd('snapshot'))) {
      const fields = unpackSnapshot(value);
      const volume = volumes.get(fields.volumeNumber);
      if (volume === undefined) {
        throw new ArrayError('EIO', `snapshot ${fields.name} has no volume: run arrayfs check`);
      }
      const lineage = content.lineage(fields.lineage);
      // A lineage without a head has no epoch of its own record: it is past its newest snapshot.
      if (!lineage.hasHead) lineage.epoch = Math.max(lineage.epoch, fields.epoch + 1);
      lineage.pin(fields.epoch, 'stored');
      const snapshot = new Snapshot(pool, { ...fields }, lineage, volume);
      volume.snapshotsByName.set(snapshot.name, snapshot);
      byNumber.set(snapshot.number, snapshot);
    }
  }

  private addVolume(volume: Volume): Volume {
    this.byName.set(volume.name, volume);
    this.byNumber.set(volume.number, volume);
    volume.touch();
    return volume;
  }

  private newFields(name: string, label: string, sizeBytes: number, owner: Owner): CopyFields {
    const nowMs = this.clock.nowMs();
    return {
      number: this.pool.allocation.take('nextNumber'),
      uuid: newUuid(this.clock),
      name,
      label,
      sizeBytes,
      lineage: 0,
      epoch: 0,
      mode: owner.mode,
      uid: owner.uid,
      gid: owner.gid,
      createdMs: nowMs,
      accessedMs: nowMs,
      modifiedMs: nowMs,
      changedMs: nowMs,
      infoModified: false,
      info: undefined,
    };
  }

  private freeze(volume: Volume, name: string, nowMs: number, options: SnapshotOptions): Snapshot {
    const { lineage } = volume;
    const epoch = volume.pool.content.freeze(lineage);
    const fields: CopyFields = {
      ...volume.fields,
      number: this.pool.allocation.take('nextNumber'),
      uuid: newUuid(this.clock),
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
    volume.snapshotsByName.set(name, snapshot);
    volume.revision += 1;
    this.byNumber.set(snapshot.number, snapshot);
    snapshot.touch();
    volume.touch();
    return snapshot;
  }

  private dropSnapshot(snapshot: Snapshot): void {
    const { volume } = snapshot;
    volume.snapshotsByName.delete(snapshot.name);
    volume.revision += 1;
    this.byNumber.delete(snapshot.number);
    snapshot.deleted = true;
    snapshot.touch();
    snapshot.pool.content.releaseEpoch(snapshot.lineage, snapshot.viewEpoch);
  }

  private distinctVolumes(names: readonly string[]): readonly Volume[] {
    if (names.length === 0) throw new ArrayError('EINVAL', 'no volume is named');
    if (names.length > COMMAND_VOLUMES_MAX) {
      throw new ArrayError('EINVAL', `more than ${COMMAND_VOLUMES_MAX} volumes are named`);
    }
    const volumes = names.map((name) => this.volume(name));
    if (new Set(volumes).size < volumes.length) {
      throw new ArrayError('EINVAL', 'a volume is named twice');
    }
    return volumes;
  }

  private checkSnapshot(volumes: readonly Volume[], name: string, options: SnapshotOptions): void {
    checkName(name);
    checkLabel(options.label ?? '');
    checkInfo(options.info);
    for (const volume of volumes) {
      if (volume.snapshotsByName.has(name)) {
        throw new ArrayError('EEXIST', `snapshot ${volume.name}@${name} exists`);
      }
      if (volume.snapshotsByName.size >= SNAPSHOTS_PER_VOLUME_MAX) {
        const limit = `${SNAPSHOTS_PER_VOLUME_MAX} snapshots, which is the limit`;
        throw new ArrayError('ENOSPC', `volume ${volume.name} has ${limit}`);
      }
    }
  }

  private checkWritable(): void {
    if (this.readOnly) throw new ArrayError('EROFS', 'the array is mounted read-only');
    const { failure, state } = this.pool;
    if (state === 'failed') {
      const name = this.pool.identity.poolName;
      throw new ArrayError('EIO', `pool ${name} has failed: ${failure?.reason}`);
    }
  }

  private checkNewName(name: string): void {
    checkName(name);
    if (this.byName.has(name)) throw new ArrayError('EEXIST', `volume ${name} exists`);
    if (this.byName.size >= VOLUMES_MAX) {
      throw new ArrayError('ENOSPC', `the array has ${VOLUMES_MAX} volumes, which is the limit`);
    }
  }

  private checkUnused(volume: Volume, force: boolean, action: string): void {
    if (volume.writerCount === 0 || force) return;
    throw new ArrayError(
      'EBUSY',
      `volume ${volume.name} is open for writing and cannot be ${action} ` +
        '(unmount it first, or force=yes)',
    );
  }

  private checkSnapshotUnused(snapshot: Snapshot, force: boolean): void {
    if (snapshot.openCount === 0 || force) return;
    throw new ArrayError('EBUSY', `snapshot ${copyName(snapshot)} is in use`);
  }

  private copiesShowing(view: View): AnyCopy[] {
    return [...this.byNumber.values()].filter((copy) => {
      let { lineage, viewEpoch: epoch } = copy;
      for (;;) {
        if (lineage === view.lineage) return epoch >= view.epoch;
        if (lineage.parent === undefined) return false;
        epoch = lineage.parentEpoch;
        lineage = lineage.parent;
      }
    });
  }

  /** A command that cannot be made durable says so; what it did in memory stays and is tried again. */
  private async durable(): Promise<void> {
    this.changed();
    try {
      await this.pool.content.durable();
    } catch (error) {
      const { code, reason } = asArrayError(error);
      throw new ArrayError(code, `done, but not durable yet: ${reason}`);
    }
  }
}

function viewOf(snapshot: Snapshot): View {
  return { lineage: snapshot.lineage, epoch: snapshot.viewEpoch };
}

/** `#12` is number 12; undefined for a name. */
function parseNumber(reference: string): number | undefined {
  return /^#\d{1,10}$/.test(reference) ? Number(reference.slice(1)) : undefined;
}

function checkSize(sizeBytes: number): void {
  if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 0 || sizeBytes % SECTOR_BYTES !== 0) {
    throw new ArrayError('EINVAL', `a size is a multiple of ${SECTOR_BYTES} bytes`);
  }
  if (sizeBytes > VOLUME_BYTES_MAX) {
    throw new ArrayError('EFBIG', `a volume has at most ${formatSize(VOLUME_BYTES_MAX)}`);
  }
}

function checkInfo(info: Uint8Array | undefined): void {
  if (info !== undefined && info.length !== INFO_BYTES) {
    throw new ArrayError('EINVAL', `volume information has ${INFO_BYTES} bytes`);
  }
}
