/**
 * The array as its users see it: the contract between the array core and the control, file-tree and
 * later SCSI layers. All names accept `#NUMBER`. A command changes memory at once, at its place in the
 * write order, and its promise resolves when the change is durable; a refused command throws (or
 * rejects with) an ArrayError and has changed nothing.
 */
import type { ArrayError } from '../base/errors.js';
import type { MicroprocessorView } from './backup-path.js';
import type { CopyProgress, EcopyCommands } from './ecopy-contract.js';
import type { PairCommands } from './pair-contract.js';
import type { PoolCommands } from './pool-contract.js';
import type { SanCommands } from './san-contract.js';

/** What volumes and snapshots have in common: a copy has content, an identity and an owner. */
export interface CopyView {
  /** Never reused in this array; accepted as `#12`. */
  readonly number: number;
  /** Lower-case canonical text. */
  readonly uuid: string;
  /** 16 bytes as 32 hex digits, from the array's serial. */
  readonly naa: string;
  readonly name: string;
  readonly label: string;
  readonly sizeBytes: number;
  /** Bytes of blocks with content; cached writes that were not yet destaged are counted as new. */
  readonly allocatedBytes: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly createdMs: number;
  readonly accessedMs: number;
  readonly modifiedMs: number;
  readonly changedMs: number;
  /** The volume-information sector, 512 bytes, or undefined where none is stored. */
  readonly info: Uint8Array | undefined;
  /** The content was written after the sector was stored. */
  readonly infoModified: boolean;
  /** Open files on the image now. */
  readonly openCount: number;
}

export interface VolumeView extends CopyView {
  readonly kind: 'volume';
  readonly poolName: string;
  readonly state: 'normal' | 'failed';
  /** Hosts may not write it, and it may become a secondary; a secondary always is, until unreserved. */
  readonly reserved: boolean;
  /** UUID of the snapshot whose content it has, byte for byte, as far as that is known. */
  readonly holds: string | undefined;
  /** Open files that may write. */
  readonly writerCount: number;
  /** Oldest first. */
  readonly snapshots: readonly SnapshotView[];
  /** Lineages below this one: restores and clones it stands on. */
  readonly lineageDepth: number;
  /** Changes whenever a snapshot is added, removed or renamed. */
  readonly revision: number;
}

export interface SnapshotView extends CopyView {
  readonly kind: 'snapshot';
  readonly volume: VolumeView;
}

export interface CacheView {
  readonly limitBytes: number;
  readonly dirtyBytes: number;
  /** Generations closed and not yet published. */
  readonly generationsPending: number;
  /** Number of the last published generation. */
  readonly publishedSequence: number;
  readonly writersWaiting: number;
}

export interface ArrayIdentity {
  readonly label: string;
  /** 12 hex digits. */
  readonly serial: string;
  readonly uuid: string;
  readonly createdMs: number;
  readonly layoutVersion: number;
}

export type JobState = 'running' | 'done' | 'failed' | 'cancelled';

export interface JobView {
  readonly id: number;
  /** `scrub`, ... */
  readonly kind: string;
  /** The command line that started it. */
  readonly subject: string;
  readonly state: JobState;
  readonly startedMs: number;
  readonly endedMs: number | undefined;
  /** Units done and in all, bytes unless `unit` says otherwise; total 0 while unknown. */
  readonly done: number;
  readonly total: number;
  readonly unit: 'bytes' | 'blocks';
  /** One line: the result, or why it failed. */
  readonly message: string;
  /** Lines with more that can be told of it: of a copy what RECEIVE COPY RESULTS would. None after a mount. */
  readonly report?: () => readonly string[];
  /** Of a copy to or from a device that has begun; of a list the device it reached last. None after a mount. */
  readonly copyProgress?: (() => CopyProgress | undefined) | undefined;
}

export interface EventView {
  readonly sequence: number;
  readonly timeMs: number;
  /** Short upper-case word such as CREATED, SNAPSHOT, MOUNTED, DAMAGED. */
  readonly code: string;
  /** Volume, `VOLUME@SNAPSHOT`, pool or `-`. */
  readonly subject: string;
  readonly message: string;
}

/** The growing text of /events: byte offsets never change while mounted. */
export interface EventText {
  readonly sizeBytes: number;
  /** Fills `target` from `offset`; returns the bytes filled, fewer only at the end. */
  read(offset: number, target: Uint8Array): number;
}

/** An open image. The caller closes it exactly once. */
export interface ImageHandle {
  readonly copy: VolumeView | SnapshotView;
  /** Returns the bytes filled; fewer only at the end of the image. EIO where a block is damaged. */
  read(offset: number, target: Uint8Array): number | Promise<number>;
  /**
   * Accepts `data` into the cache and returns; a promise where it has to wait for room. Grows the
   * image when it reaches past the end. EROFS on a snapshot, ENOSPC where no room is left.
   */
  write(offset: number, data: Uint8Array): number | Promise<number>;
  /** Resizes through this handle, which does not count as a foreign writer. */
  resize(sizeBytes: number): Promise<void>;
  /** Makes the range zeros, as far as it lies inside the image, and gives its space back. */
  discard(offset: number, sizeBytes: number): Promise<void>;
  /** First offset from `offset` on that holds data; undefined where none follows. */
  nextData(offset: number): Promise<number | undefined>;
  /**
   * First offset from `offset` on that lies in a hole; the end of the image counts as one. `before`: none beyond it is
   * looked for, and it is the answer where there is none before it.
   */
  nextHole(offset: number, before?: number): Promise<number>;
  /**
   * copy_file_range(2) into another open image by sharing blocks: returns the bytes copied, 0 at the
   * end of this image. EOPNOTSUPP or EXDEV where that cannot be done.
   */
  copyTo(
    offset: number,
    target: ImageHandle,
    targetOffset: number,
    sizeBytes: number,
  ): Promise<number>;
  /** Makes everything acknowledged on the image durable. */
  sync(): Promise<void>;
  close(): void;
}

export interface Owner {
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
}

export interface CreateVolumeOptions {
  readonly name: string;
  /** Multiple of 512, at most 16 TiB. */
  readonly sizeBytes: number;
  readonly poolName?: string;
  readonly label?: string;
  readonly owner?: Owner;
}

export interface SnapshotOptions {
  /** Default: the UTC time as YYYYMMDDTHHMMSSZ, with -2, -3 ... where that exists. */
  readonly name?: string;
  readonly label?: string;
  /** Stored with each of the snapshots if and only if it is taken: one sector for all, or one for each behind the other. */
  readonly info?: Uint8Array;
}

export interface OwnershipChanges {
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly accessedMs?: number;
  readonly modifiedMs?: number;
}

/**
 * Told of changes that a host may not have seen, after they are made in memory and before the command
 * that makes them answers. Calls come in the middle of commands: they only take note.
 */
export interface ArrayWatcher {
  /** The array changed content or size of the image: no write of a host did. */
  contentChanged(copy: VolumeView | SnapshotView): void;
  /** Owner, mode or times; or the copy was renamed or deleted. */
  attributesChanged(copy: VolumeView | SnapshotView): void;
  /** The volume-information sector. */
  infoChanged(copy: VolumeView | SnapshotView): void;
  eventRecorded(): void;
  /** State or progress. */
  jobChanged(id: number): void;
  /** State, pace or progress of the pair with this number; or it is gone. */
  pairChanged(number: number): void;
}

export interface DiskArray extends PairCommands, PoolCommands {
  readonly identity: ArrayIdentity;
  /** Owner and mode of volumes made without one, and of the virtual files. */
  readonly defaultOwner: Owner;
  readonly readOnly: boolean;
  readonly mountedMs: number;
  /** Ports, hosts, LUNs, devices and faults. */
  readonly san: SanCommands;
  /** Copies between volumes and backup devices. */
  readonly ecopies: EcopyCommands;
  /** Milliseconds since 1970 by the clock of the array. */
  nowMs(): number;

  /** By creation. */
  volumes(): readonly VolumeView[];
  /** ENOENT where there is none. `name` may be `#NUMBER`. */
  volume(name: string): VolumeView;
  findVolume(name: string): VolumeView | undefined;
  /** `snapshotName` of `volumeName`; ENOENT names the one that is missing. */
  snapshot(volumeName: string, snapshotName: string): SnapshotView;
  findSnapshot(volumeName: string, snapshotName: string): SnapshotView | undefined;
  /** `VOLUME`, `VOLUME@SNAPSHOT` or `#NUMBER` of either. */
  copy(reference: string): VolumeView | SnapshotView;
  cache(): CacheView;
  /** Changes whenever anything a status table shows may have changed. */
  readonly revision: number;

  createVolume(options: CreateVolumeOptions): Promise<VolumeView>;
  /** EBUSY when it shrinks a volume that is open for writing, unless forced. */
  resizeVolume(name: string, sizeBytes: number, options: { force: boolean }): Promise<VolumeView>;
  /** EEXIST onto an existing volume. Snapshots follow their volume. */
  renameVolume(name: string, newName: string): Promise<VolumeView>;
  /** EBUSY with snapshots, unless they go along; open images go on working. */
  deleteVolume(name: string, options: { snapshots: boolean }): Promise<void>;
  /** All volumes share one instant, and all or none get the snapshot. */
  takeSnapshots(
    volumeNames: readonly string[],
    options: SnapshotOptions,
  ): Promise<readonly SnapshotView[]>;
  /** EBUSY while it is open, unless forced (open files then go on reading). */
  deleteSnapshot(volume: string, snapshot: string, options: { force: boolean }): Promise<void>;
  /** EBUSY while the volume is open for writing, unless forced. Later snapshots stay. */
  restore(volume: string, snapshot: string, options: { force: boolean }): Promise<void>;
  clone(
    volume: string,
    snapshot: string,
    newName: string,
    options: { label?: string; owner?: Owner },
  ): Promise<VolumeView>;
  setLabel(copy: VolumeView | SnapshotView, label: string): Promise<void>;
  /** chmod, chown, utimens; ordered like a write, durable at the next sync of anything. */
  setOwnership(copy: VolumeView | SnapshotView, changes: OwnershipChanges): void;
  /** 512 bytes, or undefined to clear; durable when it resolves. */
  setInfo(copy: VolumeView | SnapshotView, info: Uint8Array | undefined): Promise<void>;
  /** Makes everything acknowledged on the array durable. */
  sync(): Promise<void>;

  /** EROFS for writing a snapshot or a read-only array; EIO for a failed volume. */
  openImage(copy: VolumeView | SnapshotView, options: { write: boolean }): ImageHandle;
  /** While nothing is asked of the array: reads a little of what comes next; true where more is left. */
  readonly readAhead: { readSlice(): boolean };

  /** Newest last. */
  jobs(): readonly JobView[];
  job(id: number): JobView;
  /** ENOENT without such a job, EBUSY where it has ended. */
  cancelJob(id: number): Promise<void>;
  /**
   * Starts a job that waits until `atMs` and then does `work`, whose text is its result. EINVAL where that is
   * past or more than DELAY_DAYS_MAX away. Over a mount it is not remembered: the job has failed then.
   */
  startLater(
    what: { readonly kind: string; readonly subject: string; readonly atMs: number },
    work: () => Promise<string>,
  ): Promise<JobView>;
  /** Which threads carry out copies to and from backup devices. */
  microprocessors(): readonly MicroprocessorView[];
  /** Starts a job that asks these backup devices, or all, and with `listing` reads what is on their cartridges. */
  discover(devices: readonly string[], listing?: { readonly medium?: string }): Promise<JobView>;
  /** Starts a paced job that reads and verifies every block of `reference` (or `all`). */
  scrub(reference: string): Promise<JobView>;
  readonly events: EventText;
  /** The newest `count` events, oldest first. */
  recentEvents(count: number): readonly EventView[];
  recordEvent(code: string, subject: string, message: string): void;
  /** Refused requests that /events must explain, such as rsync's temporary name. */
  recordRefusal(subject: string, error: ArrayError): void;
  /** From now on `watcher` alone is told. */
  watch(watcher: ArrayWatcher): void;
  /** Everything durable, background work stopped, pools closed. */
  close(): Promise<void>;
}
