/** Two volumes of eight tracks that can be a pair, in one pool or in two, and ways to look at both. */
import type { StorageArray } from '../../src/array/array.js';
import { ArrayError } from '../../src/base/errors.js';
import { TRACK_BYTES } from '../../src/base/sizes.js';
import type { MemoryStore } from '../../src/store/memory-store.js';
import { ManualClock } from '../support/manual-clock.js';
import { newMemoryPool, newMemoryStore, openMemoryPools } from '../support/memory-array.js';

export const TRACKS = 8;
export const PAIR = 'db:copy';

export type PairAction = 'split' | 'copy' | 'resync' | 'reverse' | 'suspend' | 'delete' | 'now';

export class PairsFixture {
  array!: StorageArray;

  private constructor(
    readonly clock: ManualClock,
    /** The home pool first. */
    public stores: MemoryStore[],
  ) {}

  /** Volumes `db` in pool main and `copy` in pool main or mirror. */
  static async open(pools: 1 | 2, tracks = TRACKS): Promise<PairsFixture> {
    const clock = new ManualClock();
    const main = newMemoryStore(clock);
    const stores = pools === 1 ? [main] : [main, newMemoryPool(main, 'mirror', clock)];
    const fixture = new PairsFixture(clock, stores);
    await fixture.mount();
    const sizeBytes = tracks * TRACK_BYTES;
    const poolName = pools === 1 ? 'main' : 'mirror';
    await fixture.drive(fixture.array.createVolume({ name: 'db', sizeBytes, poolName: 'main' }));
    await fixture.drive(fixture.array.createVolume({ name: 'copy', sizeBytes, poolName }));
    return fixture;
  }

  get pair() {
    return this.array.pairing.pair(PAIR);
  }

  get pairing() {
    return this.array.pairing;
  }

  async mount(): Promise<void> {
    this.array = await this.drive(openMemoryPools(this.stores, this.clock));
  }

  async kill(): Promise<void> {
    this.stores = this.stores.map((store) => store.crash());
    this.clock.forgetTimers();
    await this.mount();
  }

  async remount(): Promise<void> {
    await this.drive(this.array.close());
    await this.kill();
  }

  drive<T>(work: Promise<T>): Promise<T> {
    return this.clock.drive(work);
  }

  create(options: { mode?: 'mirror' | 'on-demand'; sync?: boolean; pace?: 'slow' | 'fast' } = {}) {
    const { mode = 'mirror', sync = false, pace = 'fast' } = options;
    return this.drive(this.pairing.createPair('db', 'copy', { mode, sync, pace, force: false }));
  }

  /** A command on the pair, not driven. */
  give(action: PairAction) {
    const { pairing } = this;
    const resync = (direction: 'forward' | 'reverse') =>
      pairing.resyncPairs([PAIR], { direction, force: false });
    const actions = {
      split: () => pairing.splitPairs([PAIR], {}),
      copy: () => pairing.copyPairs([PAIR], {}),
      resync: () => resync('forward'),
      reverse: () => resync('reverse'),
      suspend: () => pairing.suspendPairs([PAIR]),
      delete: () => pairing.deletePairs([PAIR], { now: false }),
      now: () => pairing.deletePairs([PAIR], { now: true }),
    };
    return actions[action]();
  }

  /** Lets time go on until the pair is in this state. */
  async until(state: string): Promise<void> {
    for (let step = 0; this.pair.state !== state; step += 1) {
      if (step > 10_000) throw new Error(`the pair stays ${this.pair.state}`);
      await this.clock.advance(10);
    }
  }

  /** Lets updates go over. */
  async quiet(): Promise<void> {
    for (let step = 0; this.pair.unequalTracks > 0 || this.pair.instant; step += 1) {
      if (step > 10_000) throw new Error('the sides do not become equal');
      await this.clock.advance(100);
    }
  }

  /** Fills tracks, from byte `offset` of each on. */
  async write(name: string, byte: number, tracks: readonly number[], offset = 0, length = 512) {
    const image = this.array.openImage(this.array.volume(name), { write: true });
    try {
      for (const track of tracks) {
        const data = new Uint8Array(length).fill(byte);
        await this.drive(Promise.resolve(image.write(track * TRACK_BYTES + offset, data)));
      }
    } finally {
      image.close();
    }
  }

  async sync(name: string): Promise<void> {
    const image = this.array.openImage(this.array.volume(name), { write: false });
    await this.drive(image.sync());
    image.close();
  }

  async content(reference: string): Promise<Buffer> {
    const copy = this.array.copy(reference);
    const image = this.array.openImage(copy, { write: false });
    const target = Buffer.alloc(copy.sizeBytes, 0xee);
    await this.drive(Promise.resolve(image.read(0, target)));
    image.close();
    return target;
  }

  async areEqual(): Promise<boolean> {
    return (await this.content('copy')).equals(await this.content('db'));
  }

  /** First byte of each track. */
  async bytes(reference: string): Promise<number[]> {
    const content = await this.content(reference);
    return Array.from({ length: content.length / TRACK_BYTES }, (_, track) => {
      return content[track * TRACK_BYTES] as number;
    });
  }

  async refusal(action: () => Promise<unknown>): Promise<string> {
    try {
      await this.drive(action());
    } catch (error) {
      if (error instanceof ArrayError) return `${error.code}: ${error.reason}`;
      throw error;
    }
    return 'accepted';
  }
}
