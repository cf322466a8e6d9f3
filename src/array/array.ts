/**
 * The array: implements the DiskArray contract over its pools by way of the commands. A command checks
 * first, then changes memory without waiting in between, and answers when the change is durable; so a
 * refused command has changed nothing and commands over several volumes have one instant.
 */
import type { Clock } from '../base/clock.js';
import { ArrayError } from '../base/errors.js';
import { VOLUMES_MAX } from '../base/limits.js';
import { checkName } from '../base/names.js';
import { uuidText } from '../base/uuid.js';
import type { VersionPlace } from '../volume/block-map.js';
import { notDurableYet, UNWATCHED } from './array-context.js';
import { openBackupPath, type PathOptions } from './array-path.js';
import { ArraySan } from './array-san.js';
import type { BackupPath } from './backup-path.js';
import type { AnyCopy, Snapshot, Volume } from './copies.js';
import { CopyDirectory } from './copy-directory.js';
import { type Listing, startDiscovery } from './discover.js';
import type {
  ArrayIdentity,
  ArrayWatcher,
  CacheView,
  CreateVolumeOptions,
  EventView,
  ImageHandle,
  Owner,
  OwnershipChanges,
  SnapshotOptions,
} from './disk-array.js';
import { Ecopies } from './ecopies.js';
import { Events } from './events.js';
import { withFaults } from './faulty-image.js';
import type { FoundPools } from './find-pools.js';
import { NO_STATE } from './find-pools.js';
import { openImage } from './images.js';
import { Incidents } from './incidents.js';
import { type Job, Jobs } from './jobs.js';
import { startLater } from './later.js';
import { loadPairs } from './load-pairs.js';
import { Membership } from './membership.js';
import { PairingArray } from './pairing-array.js';
import { Pairs } from './pairs.js';
import type { Pool } from './pool.js';
import type { PoolContext } from './pool-commands.js';
import * as poolCommands from './pool-commands.js';
import type { AddPoolOptions, PoolView } from './pool-contract.js';
import type { PoolOpener } from './pool-opener.js';
import { Pools } from './pools.js';
import { ReadAhead } from './read-ahead.js';
import { type SanOptions, sanHost } from './san-records.js';
import { startScrub } from './scrub.js';
import * as snapshotCommands from './snapshot-commands.js';
import type { TargetArray } from './target-contract.js';
import { ArrayTargets, targetHost } from './target-ports.js';
import * as volumeCommands from './volume-commands.js';

export interface StorageArrayOptions extends SanOptions, PathOptions {
  /** What was known of the pools before they were opened. */
  readonly found: FoundPools;
  readonly clock: Clock;
  readonly readOnly: boolean;
  readonly defaultOwner: Owner;
}

export class StorageArray extends PairingArray implements TargetArray, PoolContext {
  readonly identity: ArrayIdentity;
  readonly defaultOwner: Owner;
  readonly readOnly: boolean;
  readonly mountedMs: number;
  readonly clock: Clock;
  readonly events: Events;
  readonly copies = new CopyDirectory();
  readonly readAhead = new ReadAhead();
  revision = 0;
  watcher: ArrayWatcher = UNWATCHED;
  private readonly incidents = new Incidents(this);
  readonly jobList: Jobs;
  readonly poolList: Pools;
  readonly membership: Membership;
  readonly pairing: Pairs;
  readonly san: ArraySan;
  readonly backupPath: BackupPath;
  readonly ecopies: Ecopies;
  readonly targets: ArrayTargets;

  constructor(
    pools: readonly Pool[],
    readonly opener: PoolOpener,
    options: StorageArrayOptions,
  ) {
    super();
    opener.listener = this;
    this.clock = options.clock;
    this.readOnly = options.readOnly;
    this.defaultOwner = options.defaultOwner;
    this.mountedMs = options.clock.nowMs();
    this.poolList = new Pools(pools);
    const { home } = this.poolList;
    const { arrayLabel, arraySerial, arrayUuid, createdMs, layoutVersion } = home.identity;
    this.identity = {
      label: arrayLabel,
      serial: arraySerial,
      uuid: uuidText(arrayUuid),
      createdMs,
      layoutVersion,
    };
    const renamed = pools.flatMap((pool) => this.copies.load(pool));
    this.events = new Events(home, this.clock, this.readOnly);
    this.jobList = new Jobs(this.poolList, this.clock, (id) => {
      this.changed();
      this.watcher.jobChanged(id);
    });
    const state = options.found.authority.members?.state ?? NO_STATE;
    this.membership = new Membership(this.poolList, this.copies, this.clock, state);
    for (const pool of pools) pool.content.start();
    for (const volume of renamed) volumeCommands.noteRenamed(this, volume);
    this.san = new ArraySan(sanHost(this, arraySerial, options));
    this.backupPath = openBackupPath(this, arraySerial, options);
    this.pairing = new Pairs(this);
    loadPairs(this.pairing, this);
    this.ecopies = new Ecopies(this, () => this.san.inEffect, this.backupPath);
    this.targets = new ArrayTargets(targetHost(this, this.ecopies));
  }

  nowMs(): number {
    return this.clock.nowMs();
  }

  // ---- looking things up

  pools(): readonly PoolView[] {
    return this.poolList.all.map((pool) => pool.view());
  }

  cache(): CacheView {
    return this.poolList.cacheView();
  }

  // ---- commands

  createVolume(options: CreateVolumeOptions): Promise<Volume> {
    return volumeCommands.createVolume(this, options);
  }

  resizeVolume(name: string, sizeBytes: number, options: { force: boolean }): Promise<Volume> {
    return volumeCommands.resizeByCommand(this, name, sizeBytes, options.force);
  }

  renameVolume(name: string, newName: string): Promise<Volume> {
    return volumeCommands.renameVolume(this, name, newName);
  }

  deleteVolume(name: string, options: { snapshots: boolean }): Promise<void> {
    return volumeCommands.deleteVolume(this, name, options.snapshots);
  }

  takeSnapshots(
    volumeNames: readonly string[],
    options: SnapshotOptions,
  ): Promise<readonly Snapshot[]> {
    return snapshotCommands.takeSnapshots(this, volumeNames, options);
  }

  deleteSnapshot(volume: string, snapshot: string, options: { force: boolean }): Promise<void> {
    return snapshotCommands.deleteSnapshot(this, volume, snapshot, options.force);
  }

  restore(volume: string, snapshot: string, options: { force: boolean }): Promise<void> {
    return snapshotCommands.restore(this, volume, snapshot, options.force);
  }

  clone(
    volume: string,
    snapshot: string,
    newName: string,
    options: { label?: string; owner?: Owner },
  ): Promise<Volume> {
    return snapshotCommands.clone(this, volume, snapshot, newName, options);
  }

  setLabel(copy: AnyCopy, label: string): Promise<void> {
    return volumeCommands.setLabel(this, copy, label);
  }

  setOwnership(copy: AnyCopy, changes: OwnershipChanges): void {
    volumeCommands.setOwnership(this, copy, changes);
  }

  setInfo(copy: AnyCopy, info: Uint8Array | undefined): Promise<void> {
    return volumeCommands.setInfo(this, copy, info);
  }

  sync(): Promise<void> {
    return this.poolList.durable();
  }

  openImage(copy: AnyCopy, options: { write: boolean }): ImageHandle {
    const image = openImage(this, copy, options.write, this.san.queues.requested);
    return withFaults(this.san, image, copy);
  }

  addPool(options: AddPoolOptions): Promise<PoolView> {
    return poolCommands.addPool(this, options);
  }

  removePool(name: string, options: { force: boolean }): Promise<PoolView> {
    return poolCommands.removePool(this, name, options.force);
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

  async startLater(
    what: { readonly kind: string; readonly subject: string; readonly atMs: number },
    work: () => Promise<string>,
  ): Promise<Job> {
    this.checkWritable();
    return startLater(this.jobList, this.clock, what, work);
  }

  async scrub(reference: string): Promise<Job> {
    this.checkWritable();
    return startScrub(this, reference);
  }

  async discover(devices: readonly string[], listing?: Listing): Promise<Job> {
    return startDiscovery(this, devices, listing);
  }

  microprocessors() {
    return this.backupPath.microprocessors();
  }

  recentEvents(count: number): readonly EventView[] {
    return this.events.newest(count);
  }

  recordEvent(code: string, subject: string, message: string): void {
    this.changed();
    if (this.readOnly) return;
    this.events.record(code, subject, message);
    this.watcher.eventRecorded();
  }

  recordRefusal(subject: string, error: ArrayError): void {
    this.recordEvent('REFUSED', subject === '' ? '-' : subject, error.message);
  }

  reportDamage(pool: Pool, place: VersionPlace, block: number, reason: string): void {
    this.incidents.damaged(pool, place, block, reason);
  }

  writeRefused(volume: Volume, reason: string): void {
    this.incidents.writeRefused(volume, reason);
  }

  poolFailed(pool: Pool, error: ArrayError | undefined): void {
    if (this.incidents.poolFailed(pool, error)) this.pairing.poolChanged(pool, error);
  }

  watch(watcher: ArrayWatcher): void {
    this.watcher = watcher;
  }

  async close(): Promise<void> {
    // What hangs at a fault would never end.
    this.san.releaseHanging();
    // Jobs end where the way to their devices does.
    await Promise.all([this.jobList.stop(), this.backupPath.close()]);
    await this.pairing.stop();
    await this.membership.reached.settle();
    try {
      await this.poolList.close();
    } finally {
      for (const { directory } of this.poolList.present) this.opener.places.release(directory);
    }
  }

  // ---- for the commands

  changed(): void {
    this.revision += 1;
  }

  /** The last open image of a deleted volume was closed, or it had none. */
  unused(volume: Volume): void {
    volume.pool.content.lineages.abandon(volume.lineage);
  }

  checkWritable(...concerned: readonly { readonly pool: Pool }[]): void {
    if (this.readOnly) throw new ArrayError('EROFS', 'the array is mounted read-only');
    for (const { pool } of concerned) pool.checkWritable();
  }

  checkNewName(name: string): void {
    checkName(name);
    if (this.copies.findVolume(name) !== undefined) {
      throw new ArrayError('EEXIST', `volume ${name} exists`);
    }
    if (this.copies.volumeCount >= VOLUMES_MAX) {
      throw new ArrayError('ENOSPC', `the array has ${VOLUMES_MAX} volumes, which is the limit`);
    }
  }

  async durable(...concerned: readonly { readonly pool: Pool }[]): Promise<void> {
    this.changed();
    const pools = concerned.map(({ pool }) => pool);
    try {
      await this.poolList.confirmed(pools.length === 0 ? undefined : pools);
    } catch (error) {
      throw notDurableYet(error);
    }
  }
}
