/**
 * A disk array in memory for tests of the layers above it: real names, states and refusals, contents
 * as plain bytes, time that advances a second per change. Nothing survives it.
 */
import type {
  CacheView,
  CreateVolumeOptions,
  DiskArray,
  Owner,
  OwnershipChanges,
  SnapshotOptions,
  SnapshotView,
  VolumeView,
} from '../../src/array/disk-array.js';
import type { TargetPorts } from '../../src/array/target-contract.js';
import { checkLabel, checkName } from '../../src/base/names.js';
import { FakeEcopies } from './fake-ecopies.js';
import { refuse, START_MS } from './fake-history.js';
import {
  type FakeCopy,
  FakeImage,
  type FakeSnapshot,
  type FakeVolume,
  setSize,
  type Writable,
} from './fake-image.js';
import { FakePools } from './fake-pools.js';
import { fakeSan } from './fake-san.js';

export class FakeArray extends FakePools implements DiskArray {
  readonly identity = {
    label: 'test array',
    serial: '0123456789ab',
    uuid: '00000000-0000-4000-8000-000000000001',
    createdMs: START_MS,
    layoutVersion: 1,
  };
  readonly mountedMs = START_MS;
  readonly san: DiskArray['san'];
  readonly readAhead = { readSlice: () => false };
  readonly targets: TargetPorts = { list: () => [] };
  readonly ecopies = new FakeEcopies((kind, subject) => this.newJob(kind, subject));
  syncCount = 0;
  private readonly volumesByName = new Map<string, FakeVolume>();
  private readonly copiesByNumber = new Map<number, FakeCopy>();
  private nextNumber = 1;

  constructor(
    readonly readOnly = false,
    readonly defaultOwner: Owner = { uid: 1000, gid: 1000, mode: 0o600 },
  ) {
    super();
    this.san = fakeSan(this);
  }

  volumes(): readonly VolumeView[] {
    return [...this.volumesByName.values()];
  }

  volume(name: string): FakeVolume {
    return this.findVolume(name) ?? refuse('ENOENT', `no volume ${name}`);
  }

  findVolume(name: string): FakeVolume | undefined {
    if (!name.startsWith('#')) return this.volumesByName.get(name);
    const copy = this.copiesByNumber.get(Number(name.slice(1)));
    return copy?.kind === 'volume' ? copy : undefined;
  }

  snapshot(volumeName: string, snapshotName: string): FakeSnapshot {
    this.volume(volumeName);
    return (
      this.findSnapshot(volumeName, snapshotName) ??
      refuse('ENOENT', `no snapshot ${volumeName}@${snapshotName}`)
    );
  }

  findSnapshot(volumeName: string, snapshotName: string): FakeSnapshot | undefined {
    const snapshots = this.findVolume(volumeName)?.snapshots;
    return snapshots?.find((snapshot) => snapshot.name === snapshotName);
  }

  copy(reference: string): FakeCopy {
    if (reference.startsWith('#')) {
      const copy = this.copiesByNumber.get(Number(reference.slice(1)));
      return copy ?? refuse('ENOENT', `no volume or snapshot ${reference}`);
    }
    const [volume = '', snapshot] = reference.split('@');
    return snapshot === undefined ? this.volume(volume) : this.snapshot(volume, snapshot);
  }

  microprocessors(): readonly [] {
    return [];
  }

  cache(): CacheView {
    return {
      limitBytes: 2 ** 26,
      dirtyBytes: 4096,
      generationsPending: 1,
      publishedSequence: 9,
      writersWaiting: 0,
    };
  }

  async createVolume(options: CreateVolumeOptions): Promise<FakeVolume> {
    checkName(options.name);
    checkLabel(options.label ?? '');
    if (options.poolName !== undefined && options.poolName !== 'pool0') {
      refuse('ENOENT', `no pool ${options.poolName}`);
    }
    if (this.volumesByName.has(options.name)) refuse('EEXIST', `volume ${options.name} exists`);
    const volume: FakeVolume = {
      ...this.newCopy(options.name, options.label ?? '', options.owner ?? this.defaultOwner),
      kind: 'volume',
      sizeBytes: options.sizeBytes,
      poolName: 'pool0',
      state: 'normal',
      reserved: false,
      holds: undefined,
      writerCount: 0,
      snapshots: [],
      lineageDepth: 0,
      revision: 0,
    };
    this.volumesByName.set(volume.name, volume);
    this.copiesByNumber.set(volume.number, volume);
    this.recordEvent('CREATED', volume.name, 'volume created');
    return volume;
  }

  async resizeVolume(
    name: string,
    sizeBytes: number,
    { force }: { force: boolean },
  ): Promise<FakeVolume> {
    const volume = this.volume(name);
    if (sizeBytes < volume.sizeBytes && volume.writerCount > 0 && !force) {
      refuse('EBUSY', `${volume.name} is open for writing`);
    }
    setSize(volume, sizeBytes);
    this.changed();
    return volume;
  }

  async renameVolume(name: string, newName: string): Promise<FakeVolume> {
    const volume = this.volume(name);
    checkName(newName);
    if (this.volumesByName.has(newName)) refuse('EEXIST', `volume ${newName} exists`);
    this.volumesByName.delete(volume.name);
    volume.name = newName;
    this.volumesByName.set(newName, volume);
    this.changed();
    return volume;
  }

  async deleteVolume(name: string, options: { snapshots: boolean }): Promise<void> {
    const volume = this.volume(name);
    if (volume.snapshots.length > 0 && !options.snapshots) {
      refuse('EBUSY', `${volume.name} has snapshots`);
    }
    for (const snapshot of volume.snapshots) this.copiesByNumber.delete(snapshot.number);
    this.volumesByName.delete(volume.name);
    this.copiesByNumber.delete(volume.number);
    this.recordEvent('DELETED', volume.name, 'volume deleted');
  }

  async takeSnapshots(
    volumeNames: readonly string[],
    options: SnapshotOptions,
  ): Promise<readonly FakeSnapshot[]> {
    const name = options.name ?? '20260101T000000Z';
    const volumes = volumeNames.map((volumeName) => this.volume(volumeName));
    for (const volume of volumes) {
      if (this.findSnapshot(volume.name, name)) refuse('EEXIST', `${volume.name}@${name} exists`);
    }
    return volumes.map((volume) => {
      const snapshot: FakeSnapshot = {
        ...this.newCopy(name, options.label ?? '', volume),
        kind: 'snapshot',
        volume: volume as VolumeView,
        content: volume.content.slice(),
        sizeBytes: volume.sizeBytes,
        allocatedBytes: volume.allocatedBytes,
        info: options.info,
      };
      volume.snapshots.push(snapshot);
      volume.revision += 1;
      this.copiesByNumber.set(snapshot.number, snapshot);
      return snapshot;
    });
  }

  async deleteSnapshot(volume: string, name: string, options: { force: boolean }): Promise<void> {
    const snapshot = this.snapshot(volume, name);
    if (snapshot.openCount > 0 && !options.force) refuse('EBUSY', `${volume}@${name} is open`);
    const holder = this.volume(volume);
    holder.snapshots.splice(holder.snapshots.indexOf(snapshot), 1);
    this.copiesByNumber.delete(snapshot.number);
    this.changed();
  }

  async restore(name: string, snapshotName: string, options: { force: boolean }): Promise<void> {
    const snapshot = this.snapshot(name, snapshotName);
    const volume = this.volume(name);
    if (volume.writerCount > 0 && !options.force) refuse('EBUSY', `${name} is open for writing`);
    volume.content = snapshot.content.slice();
    volume.sizeBytes = snapshot.sizeBytes;
    this.changed();
  }

  async clone(
    volume: string,
    name: string,
    newName: string,
    options: { label?: string; owner?: Owner },
  ): Promise<FakeVolume> {
    const snapshot = this.snapshot(volume, name);
    const { sizeBytes } = snapshot;
    const clone = await this.createVolume({ name: newName, sizeBytes, ...options });
    clone.content = snapshot.content.slice();
    return clone;
  }

  async setLabel(copy: VolumeView | SnapshotView, label: string): Promise<void> {
    checkLabel(label);
    this.copyOf(copy).label = label;
    this.changed();
  }

  setOwnership(copy: VolumeView | SnapshotView, changes: OwnershipChanges): void {
    Object.assign(this.copyOf(copy), changes);
    this.changed();
  }

  async setInfo(copy: VolumeView | SnapshotView, info: Uint8Array | undefined): Promise<void> {
    const target = this.copyOf(copy);
    target.info = info;
    target.infoModified = false;
    this.changed();
  }

  async sync(): Promise<void> {
    this.syncCount += 1;
  }

  openImage(view: VolumeView | SnapshotView, { write }: { write: boolean }): FakeImage {
    const copy = this.copyOf(view);
    if (write && (this.readOnly || copy.kind === 'snapshot')) refuse('EROFS', 'read-only');
    return new FakeImage(copy, write, () => this.changed());
  }

  watch(): void {}

  async close(): Promise<void> {}

  /** What the tests change of a volume or snapshot directly. */
  change(reference: string, changes: Partial<Writable<VolumeView>>): void {
    Object.assign(this.copy(reference), changes);
    this.changed();
  }

  private newCopy(name: string, label: string, owner: Owner) {
    this.changed();
    const number = this.nextNumber++;
    return {
      number,
      uuid: `00000000-0000-4000-8000-${number.toString(16).padStart(12, '0')}`,
      naa: number.toString(16).padStart(32, '6'),
      name,
      label,
      content: new Uint8Array(0),
      allocatedBytes: 0,
      mode: owner.mode,
      uid: owner.uid,
      gid: owner.gid,
      createdMs: this.nowMs(),
      accessedMs: this.nowMs(),
      modifiedMs: this.nowMs(),
      changedMs: this.nowMs(),
      info: undefined,
      infoModified: false,
      openCount: 0,
    };
  }

  private copyOf(view: VolumeView | SnapshotView): FakeCopy {
    return this.copiesByNumber.get(view.number) ?? refuse('ENOENT', `${view.name} is deleted`);
  }
}
