/** An array of two pools, `main` and `mirror`, over memory stores, and what happens to their disks. */
import type { StorageArray } from '../../src/array/array.js';
import { ArrayError } from '../../src/base/errors.js';
import { BLOCK_BYTES } from '../../src/base/sizes.js';
import { checkStore } from '../../src/store/check.js';
import type { MemoryStore } from '../../src/store/memory-store.js';
import { ManualClock } from '../support/manual-clock.js';
import { newMemoryStore, openMemoryPools } from '../support/memory-array.js';
import { MemoryPlaces } from '../support/memory-places.js';

export interface MountOptions {
  readonly cacheBytes?: number;
  readonly readOnly?: boolean;
  readonly without?: readonly string[];
  readonly allowFaults?: boolean;
}

/** Each pool lies in the directory of its name. */
export class PoolsFixture {
  array!: StorageArray;

  private constructor(
    readonly clock: ManualClock,
    public places: MemoryPlaces,
  ) {}

  static async open(options: MountOptions = {}): Promise<PoolsFixture> {
    const clock = new ManualClock();
    const places = new MemoryPlaces(clock, [['/main', newMemoryStore(clock)]]);
    const fixture = new PoolsFixture(clock, places);
    await fixture.mount('main', options);
    await fixture.add('mirror');
    return fixture;
  }

  get main(): MemoryStore {
    return this.places.store('/main');
  }

  get mirror(): MemoryStore {
    return this.places.store('/mirror');
  }

  async add(name: string): Promise<void> {
    await this.clock.drive(this.array.addPool({ name, directory: `/${name}` }));
  }

  /** The pool in `/NAME` is given. */
  async mount(name = 'main', options: MountOptions = {}): Promise<void> {
    const { places, clock } = this;
    this.array = await this.clock.drive(openMemoryPools(places, `/${name}`, clock, options));
  }

  /** The daemon is killed. */
  crash(): void {
    const stores = [...this.places.stores].map(([directory, store]) => {
      return [directory, store.crash()] as const;
    });
    this.places = new MemoryPlaces(this.clock, stores);
    this.clock.forgetTimers();
  }

  async stop(): Promise<void> {
    await this.clock.drive(this.array.close());
    this.crash();
  }

  /** The daemon is killed, and the array mounted again. */
  async kill(name = 'main', options: MountOptions = {}): Promise<void> {
    this.crash();
    await this.mount(name, options);
  }

  async remount(name = 'main', options: MountOptions = {}): Promise<void> {
    await this.stop();
    await this.mount(name, options);
  }

  /** The directory of a pool is gone; returns what was in it. */
  lose(name: string): MemoryStore {
    const store = this.places.store(`/${name}`);
    this.places.stores.delete(`/${name}`);
    return store;
  }

  putBack(name: string, store: MemoryStore): void {
    this.places.stores.set(`/${name}`, store);
  }

  /** What a check says of each pool, of a daemon that ended now. */
  async findings(): Promise<unknown[]> {
    const options = { repair: false, onProgress: () => {} };
    const stores = [...this.places.stores.values()];
    const reports = await Promise.all(stores.map((store) => checkStore(store.crash(), options)));
    return reports.flatMap(({ findings }) => findings);
  }

  /** Volumes of four blocks. */
  async create(poolName: string, ...names: string[]): Promise<void> {
    for (const name of names) {
      const sizeBytes = 4 * BLOCK_BYTES;
      await this.clock.drive(this.array.createVolume({ name, sizeBytes, poolName }));
    }
  }

  async fill(name: string, byte: number): Promise<void> {
    const image = this.array.openImage(this.array.volume(name), { write: true });
    try {
      await image.write(0, new Uint8Array(4 * BLOCK_BYTES).fill(byte));
      await this.clock.drive(image.sync());
    } finally {
      image.close();
    }
  }

  /** First byte of a volume or `VOLUME@SNAPSHOT`. */
  byte(reference: string): number {
    const target = new Uint8Array(1);
    const image = this.array.openImage(this.array.copy(reference), { write: false });
    image.read(0, target);
    image.close();
    return target[0] as number;
  }

  /** The code and reason with which `action` is refused. */
  async refusal(action: () => unknown): Promise<string> {
    try {
      await this.clock.drive(Promise.resolve(action()));
    } catch (error) {
      if (error instanceof ArrayError) return error.code;
      throw error;
    }
    return 'accepted';
  }

  state(poolName: string): string | undefined {
    return this.array.pools().find(({ name }) => name === poolName)?.state;
  }

  /** `NAME STATE` of all volumes. */
  volumes(): string[] {
    return this.array.volumes().map(({ name, state }) => `${name} ${state}`);
  }

  /** `CODE SUBJECT` of all events. */
  events(): string[] {
    return this.array.recentEvents(1e6).map(({ code, subject }) => `${code} ${subject}`);
  }
}
