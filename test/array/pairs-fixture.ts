/** Two volumes of eight tracks that can be a pair, in one pool or in two, and ways to look at both. */
import type { StorageArray } from '../../src/array/array.js';
import { ArrayError } from '../../src/base/errors.js';
import { TRACK_BYTES } from '../../src/base/sizes.js';
import type { BlockContainerKind } from '../../src/store/container-kind.js';
import type { TornWrite } from '../../src/store/log-device.js';
import type { MemoryStore } from '../../src/store/memory-store.js';
import { ManualClock } from '../support/manual-clock.js';
import {
  newMemoryPool,
  newMemoryStore,
  openMemoryPools,
  openMemoryStores,
} from '../support/memory-array.js';
import { MemoryPlaces } from '../support/memory-places.js';

export const TRACKS = 8;
export const PAIR = 'db:copy';

export interface PairOptions {
  readonly mode?: 'mirror' | 'on-demand';
  readonly sync?: boolean;
  readonly pace?: 'slow' | 'fast';
  readonly secondary?: string;
}

export type PairAction = 'split' | 'copy' | 'resync' | 'reverse' | 'suspend' | 'delete' | 'now';

export class PairsFixture {
  array!: StorageArray;

  private constructor(
    readonly clock: ManualClock,
    /** The home pool first. */
    public stores: MemoryStore[],
  ) {}

  /** Volumes `db` in pool main and `copy` in pool main or mirror. */
  static async open(
    pools: 1 | 2,
    tracks = TRACKS,
    blocks: BlockContainerKind = 'lmdb',
  ): Promise<PairsFixture> {
    const clock = new ManualClock();
    const main = newMemoryStore(clock, 2 ** 40, blocks);
    const stores = pools === 1 ? [main] : [main, newMemoryPool(main, 'mirror', clock, blocks)];
    const fixture = new PairsFixture(clock, stores);
    await fixture.mount();
    await fixture.volume('db', tracks);
    await fixture.volume('copy', tracks, fixture.secondPool);
    return fixture;
  }

  /** Where `copy` is. */
  get secondPool(): 'main' | 'mirror' {
    return this.stores.length === 1 ? 'main' : 'mirror';
  }

  get main(): MemoryStore {
    return this.stores[0] as MemoryStore;
  }

  /** The pool of `copy`. */
  get mirror(): MemoryStore {
    return this.stores.at(-1) as MemoryStore;
  }

  volume(name: string, tracks = TRACKS, poolName = 'main') {
    const sizeBytes = tracks * TRACK_BYTES;
    return this.drive(this.array.createVolume({ name, sizeBytes, poolName }));
  }

  get pair() {
    return this.array.pairing.pair(PAIR);
  }

  get pairing() {
    return this.array.pairing;
  }

  /** With all pools, whatever they remember of each other, or as a mount without one of them. */
  async mount(without?: 'main' | 'mirror'): Promise<void> {
    const { clock, stores } = this;
    if (without === undefined) {
      this.array = await this.drive(openMemoryStores(stores, clock));
      return;
    }
    const places = new MemoryPlaces(
      clock,
      stores.map((store, index) => [`/${index}`, store]),
    );
    const given = without === 'main' ? '/1' : '/0';
    this.array = await this.drive(openMemoryPools(places, given, clock, { without: [without] }));
  }

  /** What is mounted after a kill now; what was under way goes on in this one, and comes to nothing. */
  async killed(lost?: (slot: number) => boolean, isNew?: TornWrite): Promise<PairsFixture> {
    const stores = this.stores.map((store) => store.crash(lost, isNew));
    this.clock.forgetTimers();
    const fixture = new PairsFixture(this.clock, stores);
    await fixture.mount();
    return fixture;
  }

  /** After a power cut without the slots that were `lost`, and of log writes under way with the bytes that are new. */
  async kill(lost?: (slot: number) => boolean, isNew?: TornWrite): Promise<void> {
    this.stores = this.stores.map((store) => store.crash(lost, isNew));
    this.clock.forgetTimers();
    await this.mount();
  }

  /** After a power cut, without one of two pools. */
  async killWithout(pool: 'main' | 'mirror'): Promise<void> {
    this.stores = this.stores.map((store) => store.crash());
    this.clock.forgetTimers();
    await this.mount(pool);
  }

  async remount(): Promise<void> {
    await this.drive(this.array.close());
    await this.kill();
  }

  /** Whether the array is closed in this time, well or not. */
  async endsWithin(ms: number): Promise<boolean> {
    let isClosed = false;
    this.array
      .close()
      .catch(() => undefined)
      .finally(() => {
        isClosed = true;
      });
    await this.clock.advance(ms);
    return isClosed;
  }

  drive<T>(work: Promise<T>): Promise<T> {
    return this.clock.drive(work);
  }

  create(options: PairOptions = {}) {
    return this.drive(this.giveCreate(options));
  }

  giveCreate(options: PairOptions = {}) {
    const { mode = 'mirror', sync = false, pace = 'fast', secondary = 'copy' } = options;
    return this.pairing.createPair('db', secondary, { mode, sync, pace, force: false });
  }

  /** A command on pairs, not driven. */
  give(action: PairAction, ...pairs: readonly string[]) {
    const { pairing } = this;
    const names = pairs.length === 0 ? [PAIR] : pairs;
    const resync = (direction: 'forward' | 'reverse') =>
      pairing.resyncPairs(names, { direction, force: false });
    const actions = {
      split: () => pairing.splitPairs(names, {}),
      copy: () => pairing.copyPairs(names, {}),
      resync: () => resync('forward'),
      reverse: () => resync('reverse'),
      suspend: () => pairing.suspendPairs(names),
      delete: () => pairing.deletePairs(names, { now: false }),
      now: () => pairing.deletePairs(names, { now: true }),
    };
    return actions[action]();
  }

  async do(action: PairAction, ...pairs: readonly string[]) {
    return this.drive(this.give(action, ...pairs));
  }

  /** A pair that is duplex, with content in `db`. */
  async duplex(options: PairOptions = {}): Promise<void> {
    await this.write('db', 1, [0, 1, 2, 3, 4]);
    await this.create(options);
    await this.until('duplex', `db:${options.secondary ?? 'copy'}`);
  }

  /** Lets time go on until the pair is in this state. */
  async until(state: string, name = PAIR): Promise<void> {
    for (let step = 0; this.pairing.pair(name).state !== state; step += 1) {
      if (step > 10_000) throw new Error(`the pair stays ${this.pairing.pair(name).state}`);
      await this.clock.advance(10);
    }
  }

  /** Lets time go on until there is no such pair. */
  async untilGone(name = PAIR): Promise<void> {
    for (let step = 0; this.pairing.findPair(name) !== undefined; step += 1) {
      if (step > 10_000) throw new Error(`the pair stays ${this.pairing.pair(name).state}`);
      await this.clock.advance(10);
    }
  }

  /** Lets updates go over. */
  async quiet(name = PAIR): Promise<void> {
    const pair = this.pairing.pair(name);
    for (let step = 0; pair.unequalTracks > 0 || pair.instant; step += 1) {
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
