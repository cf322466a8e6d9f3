/**
 * The content of a pool over the memory store, for tests of the volume layer: short ways to write and
 * read whole blocks of one byte, to let background work end, and to mount again after a kill.
 */

import { CACHE_BYTES_MIN } from '../../src/base/limits.js';
import { BLOCK_BYTES } from '../../src/base/sizes.js';
import { recordKey } from '../../src/store/keys.js';
import type { MemoryStore } from '../../src/store/memory-store.js';
import { unpackIdentity } from '../../src/store/records.js';
import { IndexBudget } from '../../src/volume/block-index.js';
import { CacheSlabs } from '../../src/volume/cache-slabs.js';
import type { Lineage } from '../../src/volume/lineage.js';
import { PoolContent } from '../../src/volume/pool-content.js';
import type { View } from '../../src/volume/view.js';
import { ManualClock } from '../support/manual-clock.js';
import { newMemoryStore } from '../support/memory-array.js';

export interface PoolFixtureOptions {
  readonly clock?: ManualClock;
  readonly store?: MemoryStore;
  readonly capacityBytes?: number;
  readonly cacheBytes?: number;
}

export class PoolFixture {
  readonly damages: string[] = [];
  /** Codes of failures told, `works` where the pool recovered. */
  readonly failures: string[] = [];
  content!: PoolContent;
  private nextLineage = 1;
  private readonly frozen: View[] = [];
  private readonly heads: Lineage[] = [];

  private constructor(
    readonly clock: ManualClock,
    public store: MemoryStore,
    private readonly options: PoolFixtureOptions,
  ) {}

  static async open(options: PoolFixtureOptions = {}): Promise<PoolFixture> {
    const clock = options.clock ?? new ManualClock();
    const fixture = new PoolFixture(clock, options.store ?? newMemoryStore(clock), options);
    await fixture.mount();
    return fixture;
  }

  /** A volume's lineage, over `base` where one is given. */
  head(base?: View): Lineage {
    const lineage = this.content.lineages.begin(base);
    this.heads.push(lineage);
    return lineage;
  }

  /** A snapshot of the head. */
  freeze(lineage: Lineage): View {
    const view = { lineage, epoch: this.content.lineages.freeze(lineage) };
    this.frozen.push(view);
    return view;
  }

  write(lineage: Lineage, block: number, byte: number, count = 1): void {
    this.content.write(
      lineage,
      block * BLOCK_BYTES,
      new Uint8Array(count * BLOCK_BYTES).fill(byte),
    );
  }

  /** First byte of blocks 0 to `count` - 1. */
  bytes(view: View | Lineage, count: number): number[] {
    const seen = 'lineage' in view ? view : { lineage: view, epoch: view.epoch };
    return Array.from({ length: count }, (_, block) => {
      const target = new Uint8Array(BLOCK_BYTES).fill(0xee);
      this.content.read(seen, block * BLOCK_BYTES, target);
      return target[0] as number;
    });
  }

  get storedBlocks(): number {
    return this.content.space.storedBlocks;
  }

  hasRecord(...key: Parameters<typeof recordKey>): boolean {
    return this.store.get('records', recordKey(...key)) !== undefined;
  }

  /** Everything durable, and background work done. */
  async settle(): Promise<void> {
    await this.drive(this.content.durable());
    for (let turn = 0; turn < 30; turn += 1) await this.clock.advance(1_000);
  }

  /** Lets time go on until `work` is done. */
  drive<T>(work: Promise<T>): Promise<T> {
    return this.clock.drive(work);
  }

  /** Kills the daemon and opens the pool again; returns `lineage` as it is now. */
  async remount(lineage: Lineage): Promise<Lineage> {
    this.store = this.store.crash();
    await this.mount();
    for (const { id, epoch } of this.heads.filter((head) => head.hasHead)) {
      const again = this.content.lineages.get(id);
      again.hasHead = true;
      again.epoch = epoch;
    }
    for (const { lineage: old, epoch } of this.frozen) {
      if (old.isPinned(epoch, 'stored')) this.content.lineages.get(old.id).pin(epoch, 'stored');
    }
    this.content.start();
    return this.content.lineages.get(lineage.id);
  }

  private async mount(): Promise<void> {
    const { capacityBytes = 2 ** 40, cacheBytes = CACHE_BYTES_MIN } = this.options;
    const identity = unpackIdentity(this.store.get('records', recordKey('identity')) as Uint8Array);
    this.content = await PoolContent.open({
      store: this.store,
      tagSeed: identity.tagSeed,
      capacityBytes,
      slabs: new CacheSlabs(cacheBytes),
      clock: this.clock,
      indexBudget: new IndexBudget(2 ** 20),
      readOnly: false,
      takeLineageId: () => this.nextLineage++,
      onDamage: (place, block, reason) => this.damages.push(`${place.lineage}/${block}: ${reason}`),
      onChange: () => {},
      onFailure: (error) => this.failures.push(error?.code ?? 'works'),
    });
  }
}
