/**
 * A pool for the store's contract suite: a store that was opened, memory of 64 blocks (slots) it may
 * store from, and short ways to store blocks, to publish them and to look at what is stored. An
 * implementation brings a StoreBackend.
 */

import { BLOCK_BYTES, SECTOR_BYTES, SECTORS_PER_BLOCK } from '../../src/base/sizes.js';
import type {
  BlockContainer,
  BlockStore,
  StoreReader,
  StoreTransaction,
} from '../../src/store/block-store.js';
import { setBits, unpackBorn } from '../../src/store/born-bitmaps.js';
import {
  bornKey,
  CHUNK_BLOCKS,
  EPOCH_MAX,
  mapKey,
  parseBornKey,
  parseMapKey,
  recordKey,
} from '../../src/store/keys.js';
import type { Locations } from '../../src/store/locations.js';
import { newIdentity } from '../../src/store/pool-files.js';
import {
  type CountersRecord,
  type Location,
  packLineage,
  unpackCount,
  unpackCounters,
} from '../../src/store/records.js';
import { checkedLocation, loadChain } from '../../src/store/resolve.js';
import type { Level, PublishResult, PublishStep, RecordChange } from '../../src/store/tasks.js';
import { ManualClock } from '../support/manual-clock.js';
import {
  blocksToStore,
  type LayerToStore,
  locatedLayer,
  publishTask,
  type Step,
} from './store-layers.js';

export interface StoreBackend {
  /** Opens the store over what is stored by now. */
  open(): BlockStore;
  /** Changes the closed store in one transaction; blocks put are stored with it. */
  edit(action: (transaction: StoreTransaction) => void): Promise<void>;
  /** Leaves in the closed store what a publish that is killed after `count` blocks leaves. */
  putUnpublished(count: number): Promise<void>;
  /** Replaces the content of a block of the closed store. */
  damage(id: number, content: Uint8Array): Promise<void>;
  remove(): Promise<void>;
}

export const IDENTITY = newIdentity({ capacityBytes: 2 ** 27, blocks: 'lmdb' }, new ManualClock());
const SLOTS = 64;

/** The first id that no published block has. */
export function nextBlockId(reader: StoreReader): number {
  const value = reader.get('records', recordKey('counters'));
  return value === undefined ? 1 : unpackCounters(value).nextBlockId;
}

/** Puts a block that stays. */
export function storeBlock({ blocks }: StoreTransaction, content: Uint8Array): number {
  const id = blocks.put(content);
  blocks.keep(id);
  return id;
}

export function putBlocks(blocks: BlockContainer, count: number): void {
  const content = new Uint8Array(BLOCK_BYTES).fill(9);
  for (let index = 0; index < count; index += 1) blocks.put(content);
}

/** Slot `slot` of every pool holds 16 KiB of this byte; slot 0 holds zeros. */
export function slotByte(slot: number): number {
  return slot;
}

export class StorePool {
  store: BlockStore;
  readonly seed = IDENTITY.tagSeed;
  private readonly slab = new SharedArrayBuffer(SLOTS * BLOCK_BYTES);
  private sequence = 0;

  constructor(private readonly backend: StoreBackend) {
    for (let slot = 0; slot < SLOTS; slot += 1) this.paint(slot, () => slotByte(slot));
    this.store = this.open();
  }

  /** Fills each sector of a slot with a byte of its own. */
  paint(slot: number, byteOf: (sector: number) => number): void {
    for (let sector = 0; sector < SECTORS_PER_BLOCK; sector += 1) {
      const start = slot * BLOCK_BYTES + sector * SECTOR_BYTES;
      new Uint8Array(this.slab, start, SECTOR_BYTES).fill(byteOf(sector));
    }
  }

  /** Stores the blocks of `steps` and publishes them with `records` under the next sequence number. */
  async publish(
    steps: readonly Step[],
    records: readonly RecordChange[] = [],
    discards: readonly number[] = [],
  ): Promise<PublishResult> {
    return this.publishStored(await this.storeBlocks(steps), records, discards);
  }

  /** The first half of a publish: the layers of `steps` as they are published then. */
  async storeBlocks(steps: readonly Step[]): Promise<PublishStep[]> {
    const layers = steps.filter((step): step is LayerToStore => step.kind === 'toStore');
    const parts = layers.map((step) => blocksToStore(step, this.levels(step, steps)));
    const stored = await this.store.run({ kind: 'storeBlocks', parts });
    return steps.map((step) => {
      if (step.kind !== 'toStore') return step;
      const locations = stored.parts[layers.indexOf(step)] as Locations;
      return locatedLayer(step, this.levels(step, steps), locations);
    });
  }

  /** The second half. */
  publishStored(
    steps: readonly PublishStep[],
    records: readonly RecordChange[] = [],
    discards: readonly number[] = [],
  ): Promise<PublishResult> {
    this.sequence += 1;
    return this.store.run({ ...publishTask(this.sequence, steps), records, discards });
  }

  /** Makes the records of lineages: [id, parent, epoch of the parent]. */
  async lineages(...rows: readonly [number, number, number][]): Promise<void> {
    const records = rows.map(([id, parent, parentEpoch]) => ({
      key: recordKey('lineage', id),
      value: packLineage({ id, parent, parentEpoch }),
    }));
    await this.publish([], records);
  }

  /** Changes the store behind its back, as damage or an older daemon would, and opens it again. */
  edit(action: (transaction: StoreTransaction) => void): Promise<void> {
    return this.whileClosed((backend) => backend.edit(action));
  }

  putUnpublished(count: number): Promise<void> {
    return this.whileClosed((backend) => backend.putUnpublished(count));
  }

  damage(id: number, content: Uint8Array): Promise<void> {
    return this.whileClosed((backend) => backend.damage(id, content));
  }

  async close(): Promise<void> {
    await this.store.close();
    await this.backend.remove();
  }

  /** The versions of a lineage as `block@epoch=id`, in the order of the map. */
  versions(lineage: number): string[] {
    const { store } = this;
    const found: string[] = [];
    const end = mapKey(lineage + 1, 0, EPOCH_MAX);
    for (const { key, value } of store.range('map', mapKey(lineage, 0, EPOCH_MAX), end)) {
      const { block, epoch } = parseMapKey(key);
      found.push(
        `${block}@${epoch}=${checkedLocation(value, this.seed, lineage, block, epoch).id}`,
      );
    }
    return found;
  }

  location(lineage: number, block: number, epoch: number): Location {
    const value = this.store.get('map', mapKey(lineage, block, epoch));
    if (value === undefined) throw new Error(`no version ${lineage}/${block}@${epoch}`);
    const { id, crc, sectors } = checkedLocation(value, this.seed, lineage, block, epoch);
    return { id, crc, sectors };
  }

  /** What the born bitmaps of a lineage say, as `block@epoch`. */
  born(lineage: number): string[] {
    const found: string[] = [];
    const end = bornKey(lineage + 1, 0, 0);
    for (const { key, value } of this.store.range('born', bornKey(lineage, 0, 0), end)) {
      const { epoch, chunk } = parseBornKey(key);
      const bitmap = unpackBorn(value) ?? new Uint8Array(0);
      for (const bit of setBits(bitmap)) found.push(`${chunk * CHUNK_BLOCKS + bit}@${epoch}`);
    }
    return found;
  }

  ids(): number[] {
    return [...this.store.blocks.ids(1)];
  }

  /** First byte of each sector of a block. */
  sectorBytes(id: number): number[] {
    const content = this.store.blocks.read(id);
    if (content === undefined) throw new Error(`no block ${id}`);
    return Array.from({ length: 32 }, (_, sector) => content[sector * 512] as number);
  }

  counters(): CountersRecord {
    return unpackCounters(this.store.get('records', recordKey('counters')) as Uint8Array);
  }

  usage(lineage: number, epoch = EPOCH_MAX): number | undefined {
    const value = this.store.get('records', recordKey('usage', lineage, epoch));
    return value && unpackCount(value);
  }

  hasRecord(...key: Parameters<typeof recordKey>): boolean {
    return this.store.get('records', recordKey(...key)) !== undefined;
  }

  private async whileClosed(action: (backend: StoreBackend) => Promise<void>): Promise<void> {
    await this.store.close();
    try {
      await action(this.backend);
    } finally {
      this.store = this.open();
    }
  }

  /** The chain under a layer, with the clips that are published with it. */
  private levels({ lineage, epoch }: LayerToStore, steps: readonly Step[]): Level[] {
    const added = steps.filter((step) => step.kind === 'clip');
    return loadChain(this.store, lineage, epoch).map((level) => {
      const clips = added.filter((clip) => {
        return clip.lineage === level.lineage && clip.epoch <= level.epoch;
      });
      return { ...level, clips: [...level.clips, ...clips] };
    });
  }

  private open(): BlockStore {
    const store = this.backend.open();
    store.shareSlab(this.slab);
    return store;
  }
}
