/** An array over the memory store with a clock a test moves, and short ways to use its images. */
import type { StorageArray } from '../../src/array/array.js';
import { ArrayError } from '../../src/base/errors.js';
import { CACHE_BYTES_MIN } from '../../src/base/limits.js';
import { BLOCK_BYTES } from '../../src/base/sizes.js';
import type { MemoryStore } from '../../src/store/memory-store.js';
import { ManualClock } from '../support/manual-clock.js';
import { newMemoryStore, openMemoryArray } from '../support/memory-array.js';

export class ArrayFixture {
  array!: StorageArray;

  private constructor(
    readonly clock: ManualClock,
    public store: MemoryStore,
  ) {}

  static async open(): Promise<ArrayFixture> {
    const clock = new ManualClock();
    const fixture = new ArrayFixture(clock, newMemoryStore(clock));
    fixture.array = await openMemoryArray(fixture.store, clock, CACHE_BYTES_MIN);
    return fixture;
  }

  /** Volumes of `blocks` blocks. */
  async create(blocks: number, ...names: string[]): Promise<void> {
    for (const name of names) {
      await this.array.createVolume({ name, sizeBytes: blocks * BLOCK_BYTES });
    }
  }

  /** Writes bytes at any offset of a volume, waiting where the cache is full. */
  async write(name: string, offset: number, data: Uint8Array): Promise<void> {
    const image = this.array.openImage(this.array.volume(name), { write: true });
    await this.drive(Promise.resolve(image.write(offset, data)));
    image.close();
  }

  fill(name: string, block: number, byte: number, count = 1): Promise<void> {
    return this.write(name, block * BLOCK_BYTES, new Uint8Array(count * BLOCK_BYTES).fill(byte));
  }

  /** All bytes of a volume or `VOLUME@SNAPSHOT`. */
  content(reference: string): Buffer {
    const copy = this.array.copy(reference);
    const image = this.array.openImage(copy, { write: false });
    const target = Buffer.alloc(copy.sizeBytes, 0xee);
    const size = image.read(0, target) as number;
    image.close();
    return target.subarray(0, size);
  }

  /** First byte of each block. */
  bytes(reference: string): number[] {
    const content = this.content(reference);
    return Array.from({ length: Math.ceil(content.length / BLOCK_BYTES) }, (_, block) => {
      return content[block * BLOCK_BYTES] as number;
    });
  }

  /** The code with which `action` is refused; its reason where `reason` says so. */
  async refusal(action: () => unknown): Promise<string> {
    try {
      await action();
    } catch (error) {
      if (error instanceof ArrayError) return error.code;
      throw error;
    }
    return 'accepted';
  }

  /** Codes, subjects and messages of all events. */
  events(): string[] {
    return this.array.recentEvents(1e6).map(({ code, subject, message }) => {
      return `${code} ${subject} ${message}`;
    });
  }

  async settle(): Promise<void> {
    await this.drive(this.array.sync());
    for (let turn = 0; turn < 30; turn += 1) await this.clock.advance(1_000);
  }

  /** Lets time go on until `work` is done. */
  drive<T>(work: Promise<T>): Promise<T> {
    return this.clock.drive(work);
  }

  /** Opens the array again, after a clean stop or after a kill. */
  async remount(how: 'stopped' | 'killed' = 'stopped'): Promise<void> {
    if (how === 'stopped') await this.drive(this.array.close());
    this.store = this.store.crash();
    this.array = await openMemoryArray(this.store, this.clock, CACHE_BYTES_MIN);
  }
}
