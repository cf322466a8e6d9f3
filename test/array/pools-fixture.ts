/** An array of two pools, `main` and `mirror`, over memory stores, and what happens to their disks. */
import type { StorageArray } from '../../src/array/array.js';
import { ArrayError } from '../../src/base/errors.js';
import { BLOCK_BYTES } from '../../src/base/sizes.js';
import type { MemoryStore } from '../../src/store/memory-store.js';
import { ManualClock } from '../support/manual-clock.js';
import { newMemoryPool, newMemoryStore, openMemoryPools } from '../support/memory-array.js';

export class PoolsFixture {
  array!: StorageArray;

  private constructor(
    readonly clock: ManualClock,
    public main: MemoryStore,
    public mirror: MemoryStore,
  ) {}

  static async open(): Promise<PoolsFixture> {
    const clock = new ManualClock();
    const main = newMemoryStore(clock);
    const fixture = new PoolsFixture(clock, main, newMemoryPool(main, 'mirror', clock));
    await fixture.mount();
    return fixture;
  }

  async mount(): Promise<void> {
    this.array = await this.clock.drive(openMemoryPools([this.main, this.mirror], this.clock));
  }

  /** The daemon is killed, and the array mounted again. */
  async kill(): Promise<void> {
    this.main = this.main.crash();
    this.mirror = this.mirror.crash();
    this.clock.forgetTimers();
    await this.mount();
  }

  async remount(): Promise<void> {
    await this.clock.drive(this.array.close());
    await this.kill();
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

  /** The code with which `action` is refused. */
  async refusal(action: () => Promise<unknown>): Promise<string> {
    try {
      await this.clock.drive(action());
    } catch (error) {
      if (error instanceof ArrayError) return error.code;
      throw error;
    }
    return 'accepted';
  }

  state(poolName: string): string | undefined {
    return this.array.pools().find(({ name }) => name === poolName)?.state;
  }
}
