/**
 * An array over a memory store whose backups are carried out by real microprocessors, held where a test wants them, and what
 * a kill or a stop leaves of it.
 */
import type { StorageArray } from '../../src/array/array.js';
import type { PathParts } from '../../src/array/array-path.js';
import type { BackupPath, BackupRequest, ImageSource } from '../../src/array/backup-path.js';
import type { ImageCopyRequest } from '../../src/array/ecopy-contract.js';
import type { Job } from '../../src/array/jobs.js';
import type { MicroprocessorPool } from '../../src/array/microprocessor-pool.js';
import { systemClock } from '../../src/base/clock.js';
import type { DeviceKind } from '../../src/device/backup-device.js';
import { openBackup } from '../../src/device/backup-image.js';
import { listBackups } from '../../src/device/tape-listing.js';
import type { PortId } from '../../src/san/port-id.js';
import { contentOf } from '../device/backup-source.js';
import { type DeviceCase, makeDevice } from '../device/device-cases.js';
import { CHUNK_BYTES, makePool, until } from '../support/backup-pool.js';
import { newMemoryStore, openMemoryPools } from '../support/memory-array.js';
import { MemoryPlaces } from '../support/memory-places.js';

type Options = Partial<Omit<ImageCopyRequest, 'source' | 'destination'>>;

export class BackupArray {
  array!: StorageArray;
  pool!: MicroprocessorPool;
  /** Of an image so much may wait in memory for a block on tape to be full. */
  lagBytes = 2 * CHUNK_BYTES;
  /** Transfers of this mount, as they were asked for. */
  backups: BackupRequest[] = [];
  /** What lies behind this offset of an image is held, and where that was. */
  private limitBytes = Number.POSITIVE_INFINITY;
  private heldAt: number | undefined;
  private release = (): void => {};

  private constructor(
    readonly target: DeviceCase,
    private store = newMemoryStore(systemClock),
  ) {}

  /** With the device `dev0`, reached through both controllers. */
  static async open(kind: DeviceKind): Promise<BackupArray> {
    const fixture = new BackupArray(makeDevice(kind));
    await fixture.mount();
    const ports: PortId[] = ['CL1-C', 'CL2-C'];
    const { path } = fixture.target.definition;
    await fixture.array.san.addDevice({ name: 'dev0', kind, path, ports });
    return fixture;
  }

  get medium(): string {
    return `dev0/${this.target.medium}`;
  }

  async mount(readOnly = false): Promise<void> {
    this.backups = [];
    this.heldAt = undefined;
    const places = new MemoryPlaces(systemClock, [['memory', this.store]]);
    this.array = await openMemoryPools(places, 'memory', systemClock, {
      readOnly,
      backupPath: (parts) => this.pathWith(parts),
    });
  }

  /** As kill -9 does: nothing of this mount is written any more, its threads are gone. */
  async kill(): Promise<void> {
    const left = this.store.crash();
    this.store = left;
    for (const { name } of this.pool.microprocessors()) this.pool.kill(name);
    this.goOn();
    await this.array.close();
  }

  async stop(): Promise<void> {
    await this.array.close();
    this.goOn();
    this.store = this.store.crash();
  }

  /** From now on nothing behind this offset is moved before `goOn`, but for the rest of a chunk. */
  hold(afterBytes = 0): void {
    this.limitBytes = afterBytes;
    this.heldAt = undefined;
  }

  goOn(): void {
    this.limitBytes = Number.POSITIVE_INFINITY;
    this.heldAt = undefined;
    this.release();
  }

  /** Resolves when all that may be moved is; some of it may wait for a block on tape to be full. */
  async untilHeld(job: Pick<Job, 'done' | 'state'>): Promise<void> {
    const isMoved = () => this.heldAt !== undefined && job.done >= this.heldAt - this.lagBytes;
    await until(() => isMoved() || job.state !== 'running');
  }

  async write(name: string, content: Uint8Array): Promise<void> {
    if (this.array.findVolume(name) === undefined) {
      await this.array.createVolume({ name, sizeBytes: content.length });
    }
    const image = this.array.openImage(this.array.volume(name), { write: true });
    await image.write(0, content);
    image.close();
  }

  async content(reference: string): Promise<Buffer> {
    const copy = this.array.copy(reference);
    const image = this.array.openImage(copy, { write: false });
    const target = Buffer.alloc(copy.sizeBytes, 0xee);
    try {
      await image.read(0, target);
    } finally {
      image.close();
    }
    return target;
  }

  start(source: string, destination: string, options: Options = {}): Job {
    const request = { source, destination, force: false, ...options };
    return this.array.job(this.array.ecopies.startImage(request).id);
  }

  /** Resolves when a backup of this mount has come to the way to devices. */
  untilAsked(job: Pick<Job, 'state'>): Promise<void> {
    return until(
      () => this.backups.length > 0,
      () => job.state !== 'running',
    );
  }

  /** State and result. */
  async ended(id: number): Promise<string> {
    const job = this.array.job(id);
    await job.whenEnded();
    return `${job.state}: ${job.message}`;
  }

  /** Starts a backup and stops it when so much is on the medium, with all that a later mount needs to go on. */
  async heldBackup(afterBytes: number, options: Options = {}, source = 'db'): Promise<Job> {
    this.hold(afterBytes);
    const job = this.start(source, this.medium, options);
    await this.untilHeld(job);
    await until(
      () => job.survives,
      () => job.state !== 'running',
    );
    await this.array.sync();
    return job;
  }

  /** The image on the medium, as a program reads it without the array. */
  onMedium(): Buffer {
    const session = this.target.device.login('reader');
    try {
      return contentOf(openBackup(session, this.target.medium));
    } finally {
      session.logout();
    }
  }

  /** `STATE` of each backup on the cartridge. */
  listed(): string[] {
    const { device, medium } = this.target;
    if (device.kind !== 'tape') return [];
    const session = device.login('reader');
    try {
      session.reserve(medium);
      const tape = session.load('read');
      if (!('spaceMarks' in tape)) return [];
      return listBackups(tape).backups.map(({ state }) => state);
    } finally {
      session.logout();
    }
  }

  /** Hidden snapshots that copies have taken. */
  frozen(): number {
    return this.array.copies.hiddenSnapshots().length;
  }

  events(code: string): string[] {
    const events = this.array.recentEvents(1e6).filter((event) => event.code === code);
    return events.map(({ message }) => message);
  }

  private pathWith(parts: PathParts): BackupPath {
    const pool = makePool(parts);
    this.pool = pool;
    const backup = pool.backup.bind(pool);
    pool.backup = (request) => {
      this.backups.push(request);
      return backup({ ...request, source: this.heldSource(request.source) });
    };
    const restore = pool.restore.bind(pool);
    pool.restore = (request) => {
      let offset = 0;
      const pace = (bytes: number) => {
        const held = this.passes(offset) ? undefined : this.untilReleased(offset);
        offset += bytes;
        return held;
      };
      return restore({ ...request, pace });
    };
    return pool;
  }

  private heldSource(source: ImageSource): ImageSource {
    return {
      read: async (offset, target, signal) => {
        if (!this.passes(offset)) await this.untilReleased(offset, signal);
        return source.read(offset, target, signal);
      },
    };
  }

  private passes(offset: number): boolean {
    return offset < this.limitBytes;
  }

  private untilReleased(offset: number, signal?: AbortSignal): Promise<void> {
    this.heldAt = offset;
    const before = this.release;
    return new Promise((resolve) => {
      this.release = () => {
        before();
        resolve();
      };
      signal?.addEventListener('abort', () => resolve());
    });
  }
}
