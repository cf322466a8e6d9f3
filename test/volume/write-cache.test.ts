/** The write-back cache: layers per lineage and epoch, generations, slots. */
import { beforeEach, describe, expect, it } from 'vitest';
import { BLOCK_BYTES, SECTOR_BYTES } from '../../src/base/sizes.js';
import { recordKey } from '../../src/store/keys.js';
import { ALL_SECTORS } from '../../src/store/records.js';
import { ZERO_SLOT } from '../../src/store/tasks.js';
import { BlockIndex, emptyRegion, IndexBudget } from '../../src/volume/block-index.js';
import type { Generation } from '../../src/volume/generation.js';
import { type CachedBlock, Lineage } from '../../src/volume/lineage.js';
import { SlotMemory } from '../../src/volume/slot-memory.js';
import { sectorMask, WriteCache } from '../../src/volume/write-cache.js';

const SLOTS = 16;

function newLineage(id: number): Lineage {
  return new Lineage(id, undefined, 0, 0, () => {
    return new BlockIndex(new IndexBudget(2 ** 20), () => emptyRegion());
  });
}

let cache: WriteCache;
let lineage: Lineage;
beforeEach(() => {
  cache = new WriteCache(new SlotMemory(SLOTS * BLOCK_BYTES, () => {}), 4, 0);
  lineage = newLineage(1);
});

const full = (byte: number) => new Uint8Array(BLOCK_BYTES).fill(byte);

function entry(layer: number, block: number): CachedBlock {
  const found = lineage.layers[layer]?.blocks.get(block);
  if (found === undefined) throw new Error(`block ${block} is not in layer ${layer}`);
  return found;
}

describe('sectorMask', () => {
  it.each<[number, number, number]>([
    [0, BLOCK_BYTES, 0xffff_ffff],
    [0, 1, 0x0000_0001],
    [511, 512, 0x0000_0001],
    [511, 513, 0x0000_0003],
    [512, 1024, 0x0000_0002],
    [BLOCK_BYTES - 1, BLOCK_BYTES, 0x8000_0000],
    [0, BLOCK_BYTES - 512, 0x7fff_ffff],
    [512, BLOCK_BYTES, 0xffff_fffe],
    [8192, 8192, 0],
  ])('of bytes %d to %d is %d', (start, end, mask) => {
    expect(sectorMask(start, end)).toBe(mask);
  });
});

describe('WriteCache', () => {
  it('gathers the sectors of a block in one slot', () => {
    cache.write(lineage, 5, SECTOR_BYTES, new Uint8Array(SECTOR_BYTES).fill(1));
    cache.write(lineage, 5, 3 * SECTOR_BYTES, new Uint8Array(SECTOR_BYTES).fill(3));
    expect(entry(0, 5).sectors).toBe(0b1010);
    expect([entry(0, 5).bytes[SECTOR_BYTES], entry(0, 5).bytes[3 * SECTOR_BYTES]]).toEqual([1, 3]);
    expect(cache.dirtyBlocks).toBe(1);
  });

  it('takes whole sectors only', () => {
    expect(() => cache.write(lineage, 0, 1, full(1))).toThrow(/assertion failed: whole sectors/);
    expect(() => cache.write(lineage, 0, 0, new Uint8Array(100))).toThrow(/assertion failed/);
  });

  it('overwrites in place within one epoch and generation', () => {
    cache.write(lineage, 0, 0, full(1));
    cache.write(lineage, 0, 0, full(2));
    expect([cache.dirtyBlocks, lineage.layers.length, entry(0, 0).bytes[0]]).toEqual([1, 1, 2]);
  });

  it('begins a layer for another epoch and keeps the older one', () => {
    cache.write(lineage, 0, 0, full(1));
    lineage.epoch += 1;
    cache.write(lineage, 0, 0, full(2));
    expect(lineage.layers.map(({ epoch }) => epoch)).toEqual([1, 2]);
    expect([entry(0, 0).bytes[0], entry(1, 0).bytes[0]]).toEqual([1, 2]);
  });

  it('begins a layer after a cut and leaves the closed generation as it was', () => {
    cache.write(lineage, 0, 0, full(1));
    const closed = cache.cut();
    cache.write(lineage, 0, 0, full(2));
    expect(closed?.steps).toEqual([lineage.layers[0]]);
    expect([entry(0, 0).bytes[0], entry(1, 0).bytes[0]]).toEqual([1, 2]);
  });

  it('keeps lineages apart', () => {
    const other = newLineage(2);
    cache.write(lineage, 0, 0, full(1));
    cache.write(other, 0, 0, full(2));
    expect([entry(0, 0).bytes[0], other.layers[0]?.blocks.get(0)?.bytes[0]]).toEqual([1, 2]);
  });

  it('asks for a cut when the generation has its slots', () => {
    let asked = 0;
    cache.onFull = () => {
      asked += 1;
    };
    for (let block = 0; block < 3; block += 1) cache.write(lineage, block, 0, full(1));
    expect(asked).toBe(0);
    cache.write(lineage, 3, 0, full(1));
    expect(asked).toBe(1);
  });
});

describe('WriteCache, blocks of zeros', () => {
  it('take no memory', () => {
    cache.zeroBlock(lineage, 0);
    expect([cache.dirtyBlocks, entry(0, 0).slot, entry(0, 0).sectors]).toEqual([
      0,
      ZERO_SLOT,
      ALL_SECTORS,
    ]);
  });

  it('give back the memory of what they replace', () => {
    cache.write(lineage, 0, 0, full(1));
    cache.zeroBlock(lineage, 0);
    expect([cache.dirtyBlocks, cache.active.slotCount]).toEqual([0, 0]);
  });

  it('get memory full of zeros when a sector is written', () => {
    cache.write(lineage, 0, 0, full(9));
    cache.zeroBlock(lineage, 0);
    cache.write(lineage, 0, SECTOR_BYTES, new Uint8Array(SECTOR_BYTES).fill(7));
    const { bytes, sectors } = entry(0, 0);
    expect([bytes[0], bytes[SECTOR_BYTES], bytes[BLOCK_BYTES - 1], sectors]).toEqual([
      0,
      7,
      0,
      ALL_SECTORS,
    ]);
  });
});

describe('WriteCache.slotsNeeded', () => {
  it('counts blocks that have no memory in the layer being written', () => {
    cache.write(lineage, 1, 0, full(1));
    cache.zeroBlock(lineage, 2);
    expect(cache.slotsNeeded(lineage, 0, 4)).toBe(3);
  });

  it.each<[string, () => void]>([
    ['another epoch', () => (lineage.epoch += 1)],
    ['another generation', () => cache.cut()],
  ])('counts all blocks for %s', (_what, change) => {
    cache.write(lineage, 0, 0, full(1));
    change();
    expect(cache.slotsNeeded(lineage, 0, 2)).toBe(2);
  });
});

describe('WriteCache.cut and retire', () => {
  it('closes nothing where nothing was written', () => {
    expect([cache.cut(), cache.closed]).toEqual([undefined, []]);
  });

  it('numbers generations one after the other', () => {
    for (let count = 0; count < 3; count += 1) {
      cache.write(lineage, 0, 0, full(1));
      cache.cut();
    }
    expect([...cache.closed, cache.active].map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4]);
  });

  it('gives back the slots and the layer of a published generation', () => {
    cache.write(lineage, 0, 0, full(1));
    cache.zeroBlock(lineage, 1);
    const first = cache.cut() as Generation;
    cache.write(lineage, 0, 0, full(2));
    cache.retire(first);
    expect([cache.dirtyBlocks, cache.closed, lineage.layers.length]).toEqual([1, [], 1]);
    expect(entry(0, 0).bytes[0]).toBe(2);
  });

  it('retires in order only', () => {
    cache.write(lineage, 0, 0, full(1));
    cache.cut();
    cache.write(lineage, 0, 0, full(1));
    const second = cache.cut() as Generation;
    expect(() => cache.retire(second)).toThrow(
      /assertion failed: generations are published in order/,
    );
  });

  it('packs the records touched as they stand at the cut, once each', () => {
    let state = 1;
    const source = { recordKey: recordKey('job', 1), packRecord: () => Uint8Array.of(state) };
    cache.active.change(recordKey('job', 1), Uint8Array.of(99));
    cache.active.touch(source);
    cache.active.touch(source);
    cache.active.change(recordKey('job', 2), undefined);
    state = 2;
    const closed = cache.cut();
    state = 3;
    expect(closed?.records).toEqual([
      { key: recordKey('job', 1), value: Uint8Array.of(2) },
      { key: recordKey('job', 2), value: undefined },
    ]);
  });
});

describe('SlotMemory', () => {
  it('shares a slab when one is needed, and reuses slots that were released', () => {
    const slabs: SharedArrayBuffer[] = [];
    const memory = new SlotMemory(300 * BLOCK_BYTES, (slab) => slabs.push(slab));
    expect([slabs.length, memory.available]).toEqual([0, 300]);
    const taken = Array.from({ length: 300 }, () => memory.take());
    expect(new Set(taken.map(({ slot }) => slot)).size).toBe(300);
    expect([slabs.length, memory.used, memory.available]).toEqual([2, 300, 0]);
    expect(() => memory.take()).toThrow(/assertion failed/);
    memory.release(taken[7]?.slot as number);
    expect(memory.take().slot).toBe(taken[7]?.slot);
  });

  it('gives each slot bytes of its own', () => {
    const memory = new SlotMemory(2 * BLOCK_BYTES, () => {});
    const [first, second] = [memory.take(), memory.take()];
    first.bytes.fill(1);
    second.bytes.fill(2);
    expect([first.bytes[BLOCK_BYTES - 1], second.bytes[0]]).toEqual([1, 2]);
  });
});
