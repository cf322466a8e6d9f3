/**
 * The array: implements the DiskArray contract over its pools by way of the commands. A command checks
 * first, then changes memory without waiting in between, and answers when the change is durable; so a
 * refused command has changed nothing and commands over several volumes have one instant.
 */
import type { Clock } from '../base/clock.js';
import { ArrayError } from '../base/errors.js';
import { DAMAGES_REPORTED_MAX, VOLUMES_MAX } from '../base/limits.js';
import { checkName } from '../base/names.js';
import { BLOCK_BYTES } from '../base/sizes.js';
import { uuidText } from '../base/uuid.js';
import type { VersionPlace } from '../volume/block-map.js';
import { type ArrayContext, notDurableYet, UNWATCHED } from './array-context.js';
import { type AnyCopy, copyName, type Snapshot, type Volume } from './copies.js';
import { CopyDirectory } from './copy-directory.js';
import type {
  ArrayIdentity,
  ArrayWatcher,
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
import { openImage } from './images.js';
import { type Job, Jobs } from './jobs.js';
import { startLater } from './later.js';
import { loadPairs } from './load-pairs.js';
import { PairingArray } from './pairing-array.js';
import { Pairs } from './pairs.js';
import type { Pool } from './pool.js';
import { Pools } from './pools.js';
import { type ScrubSubject, scrub } from './scrub.js';
import * as snapshotCommands from './snapshot-commands.js';
import * as volumeCommands from './volume-commands.js';

/** Between two events that say that the array is full. */
const REFUSALS_APART_MS = 60_000;

export interface StorageArrayOptions {
  readonly clock: Clock;
  readonly readOnly: boolean;
  readonly defaultOwner: Owner;
}

export class StorageArray extends PairingArray implements DiskArray, ArrayContext {
  readonly identity: ArrayIdentity;
  readonly defaultOwner: Owner;
  readonly readOnly: boolean;
  readonly mountedMs: number;
  readonly clock: Clock;
  readonly events: Events;
  readonly copies = new CopyDirectory();
  revision = 0;
  watcher: ArrayWatcher = UNWATCHED;
  private readonly damages = new Set<string>();
  /** By pool: what was last told of it. */
  private readonly failures = new Map<Pool, string>();
  private refusedMs = Number.NEGATIVE_INFINITY;
  private readonly jobList: Jobs;

  readonly poolList: Pools;
  readonly pairing: Pairs;

  constructor(pools: readonly Pool[], options: StorageArrayOptions) {
    super();
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
    for (const pool of pools) this.copies.load(pool);
    this.events = new Events(home, this.clock, this.readOnly);
    this.jobList = new Jobs(this.poolList, this.clock, (id) => {
      this.changed();
      this.watcher.jobChanged(id);
    });
    for (const pool of pools) pool.content.start();
    this.pairing = new Pairs(this);
    loadPairs(this.pairing, this);
  }

  nowMs(): number {
    return this.clock.nowMs();
  }

  // ---- looking things up

  volumes(): readonly Volume[] {
    return this.copies.volumes();
  }

  findVolume(name: string): Volume | undefined {
    return this.copies.findVolume(name);
  }

  volume(name: string): Volume {
    return this.copies.volume(name);
  }

  findSnapshot(volumeName: string, snapshotName: string): Snapshot | undefined {
    return this.copies.findSnapshot(volumeName, snapshotName);
  }

  snapshot(volumeName: string, snapshotName: string): Snapshot {
    return this.copies.snapshot(volumeName, snapshotName);
  }

  copy(reference: string): AnyCopy {
    return this.copies.copy(reference);
  }

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

  async startLater(
    what: { readonly kind: string; readonly subject: string; readonly atMs: number },
    work: () => Promise<string>,
  ): Promise<Job> {
    this.checkWritable();
    return startLater(this.jobList, this.clock, what, work);
  }

  async scrub(reference: string): Promise<Job> {
    this.checkWritable();
    const subjects: ScrubSubject[] =
      reference === 'all' ? this.poolList.all.map((pool) => ({ pool })) : [this.copy(reference)];
    return this.jobList.start('scrub', reference, 'bytes', (job) => {
      return scrub(subjects, job, this.clock, {
        damaged: (pool, damage) => this.reportDamage(pool, damage, damage.block, damage.kind),
      });
    });
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

  /** A stored block is damaged: says once which volumes and snapshots show it. */
  reportDamage(pool: Pool, place: VersionPlace, block: number, reason: string): void {
    const name = `${pool.name}/${place.lineage}/${place.epoch}/${block}`;
    if (this.damages.has(name) || this.damages.size >= DAMAGES_REPORTED_MAX) return;
    this.damages.add(name);
    const shown = this.copies.copiesShowing(pool, place, block).map(copyName).join(' ') || '-';
    const where = `byte ${block * BLOCK_BYTES} in pool ${pool.name}`;
    this.recordEvent('DAMAGED', shown, `${where}: ${reason}`);
  }

  /** Told once a minute at most: a host may try for ever. */
  writeRefused(volume: Volume, reason: string): void {
    const nowMs = this.clock.monotonicMs();
    if (nowMs - this.refusedMs < REFUSALS_APART_MS) return;
    this.refusedMs = nowMs;
    this.recordEvent('FULL', volume.name, `a write was refused: ${reason}`);
  }

  /** The pool cannot be written now; undefined: it can again. */
  poolFailed(pool: Pool, error: ArrayError | undefined): void {
    if (error?.reason === this.failures.get(pool)) return;
    if (error === undefined) this.failures.delete(pool);
    else this.failures.set(pool, error.reason);
    const code = error ? 'POOL-FAILED' : 'POOL-WORKS';
    this.recordEvent(code, pool.name, error?.message ?? 'writes succeed');
    if (error !== undefined && pool.state === 'failed') this.pairing.poolLost(pool, error.reason);
  }

  watch(watcher: ArrayWatcher): void {
    this.watcher = watcher;
  }

  async close(): Promise<void> {
    await this.jobList.stop();
    await this.pairing.stop();
    await this.poolList.close();
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
