/** A pool to replay into: entries of a log by hand, and what the pool shows afterwards. */
import { CACHE_BYTES_MIN } from '../../src/base/limits.js';
import { BLOCK_BYTES, SECTOR_BYTES } from '../../src/base/sizes.js';
import { loadCounters } from '../../src/store/execute-task.js';
import { blockKey, EPOCH_MAX, recordKey } from '../../src/store/keys.js';
import type { LogEntry, LoggedBlock } from '../../src/store/log-entries.js';
import type { MemoryStore } from '../../src/store/memory-store.js';
import {
  ALL_SECTORS,
  type Location,
  packLineage,
  unpackCount,
  unpackIdentity,
} from '../../src/store/records.js';
import { loadChain, locateVisible } from '../../src/store/resolve.js';
import { sectorCount } from '../../src/store/sector-runs.js';
import { CacheMemory } from '../../src/volume/cache-memory.js';
import { CacheSlabs } from '../../src/volume/cache-slabs.js';
import { replay } from '../../src/volume/replay.js';
import { ManualClock } from '../support/manual-clock.js';
import { newMemoryStore } from '../support/memory-array.js';

/** A block of one byte in the sectors of `mask`. */
export function written(block: number, byte: number, mask = ALL_SECTORS): LoggedBlock {
  return {
    block,
    sectors: mask,
    bytes: new Uint8Array(sectorCount(mask) * SECTOR_BYTES).fill(byte),
  };
}

export function layerEntry(
  sequence: number,
  order: number,
  [lineage, epoch, previousView = epoch - 1]: readonly [number, number, number?],
  ...blocks: LoggedBlock[]
): LogEntry {
  const place = { lineage, epoch, previousView };
  return { kind: 'layer', sequence, order, place, blocks };
}

export function clipEntry(
  sequence: number,
  order: number,
  lineage: number,
  epoch: number,
  block: number,
): LogEntry {
  return {
    kind: 'clip',
    sequence,
    order,
    step: { kind: 'clip', lineage, epoch, block, replaces: [] },
  };
}

export function usageEntry(
  sequence: number,
  order: number,
  lineage: number,
  toLineage: number,
  toEpoch = EPOCH_MAX,
): LogEntry {
  const step = { kind: 'usage', lineage, epoch: EPOCH_MAX, toLineage, toEpoch } as const;
  return { kind: 'usage', sequence, order, step };
}

/** The record of a lineage that branches off `parent` at `parentEpoch`. */
export function lineageEntry(sequence: number, id: number, parent = 0, parentEpoch = 0): LogEntry {
  const change = {
    key: recordKey('lineage', id),
    value: packLineage({ id, parent, parentEpoch }),
  };
  return { kind: 'record', sequence, change };
}

export class ReplayPool {
  readonly tagSeed: number;
  private readonly memory: CacheMemory;

  constructor(public store: MemoryStore = newMemoryStore(new ManualClock())) {
    const identity = store.get('records', recordKey('identity')) as Uint8Array;
    this.tagSeed = unpackIdentity(identity).tagSeed;
    this.memory = new CacheMemory(new CacheSlabs(CACHE_BYTES_MIN), (slab) => store.shareSlab(slab));
  }

  /** What a mount does with the entries of a log. */
  async replay(entries: readonly LogEntry[]): Promise<void> {
    const { store, tagSeed, memory } = this;
    await store.run({ kind: 'recover' });
    await replay({ store, tagSeed, memory }, entries, this.sequence);
    if (memory.usedBytes !== 0) throw new Error('memory was not given back');
  }

  crash(): ReplayPool {
    return new ReplayPool(this.store.crash());
  }

  get sequence(): number {
    return loadCounters(this.store).publishedSequence;
  }

  get storedBlocks(): number {
    return loadCounters(this.store).storedBlocks;
  }

  usage(lineage: number, epoch = EPOCH_MAX): number | undefined {
    const value = this.store.get('records', recordKey('usage', lineage, epoch));
    return value && unpackCount(value);
  }

  location(lineage: number, epoch: number, block: number): Location {
    const levels = loadChain(this.store, lineage, epoch);
    const { id, crc, sectors } = locateVisible(this.store, this.tagSeed, levels, block);
    return { id, crc, sectors };
  }

  /** References to a block beyond the first. */
  shares(id: number): number {
    const value = this.store.get('share', blockKey(id));
    return value === undefined ? 0 : Buffer.from(value).readUInt32BE(0);
  }

  /** First byte of each sector that a view shows at a block. */
  sectors(lineage: number, epoch: number, block: number): number[] {
    const { id } = this.location(lineage, epoch, block);
    const content = id === 0 ? new Uint8Array(BLOCK_BYTES) : this.store.blocks.read(id);
    if (content === undefined) throw new Error(`block ${id} is not stored`);
    return Array.from({ length: 32 }, (_, sector) => content[sector * SECTOR_BYTES] as number);
  }

  /** First byte of the first and of the last sector of some blocks. */
  ends(lineage: number, epoch: number, ...blocks: number[]): [number, number][] {
    return blocks.map((block) => {
      const bytes = this.sectors(lineage, epoch, block);
      return [bytes[0] as number, bytes[31] as number];
    });
  }
}
