/** Which version a view sees: clips, levels, chains, on a map written by hand. */

import { describe, expect, it } from 'vitest';
import type { StoreReader, TableName } from '../../src/store/block-store.js';
import { BLOCK_INDEX_MAX, EPOCH_MAX, mapKey, recordKey } from '../../src/store/keys.js';
import { MemoryStore } from '../../src/store/memory-store.js';
import {
  ALL_SECTORS,
  mapTag,
  packCount,
  packLineage,
  packMapEntry,
} from '../../src/store/records.js';
import {
  type BlockVersion,
  clipFloor,
  countMapped,
  DAMAGED_LOCATION,
  isStored,
  levelVersions,
  loadChain,
  visibleVersions,
} from '../../src/store/resolve.js';
import type { Clip } from '../../src/store/tasks.js';

const SEED = 77;

/** [lineage, block, epoch, id] */
type Row = readonly [number, number, number, number];

function storeWith(rows: readonly Row[]): MemoryStore {
  const store = new MemoryStore();
  store.transaction((transaction) => {
    for (const [lineage, block, epoch, id] of rows) {
      const location = { id, crc: id + 1, sectors: ALL_SECTORS };
      const tag = mapTag(SEED, lineage, block, epoch, location);
      transaction.put('map', mapKey(lineage, block, epoch), packMapEntry(location, tag));
    }
  });
  return store;
}

/** `block:id` of each version. */
function ids(versions: Iterable<BlockVersion>): string[] {
  return [...versions].map(({ block, location }) => `${block}:${location.id}`);
}

describe('clipFloor', () => {
  const clips: readonly Clip[] = [
    { epoch: 2, block: 10 },
    { epoch: 5, block: 4 },
    { epoch: 7, block: 20 },
  ];
  it.each<[number, number, number]>([
    [9, 3, -1],
    [9, 4, 5],
    [9, 10, 5],
    [9, 20, 7],
    [6, 20, 5],
    [4, 10, 2],
    [4, 9, -1],
    [1, 30, -1],
    [2, 10, 2],
  ])('at epoch %d hides from block %d what is older than %d', (epoch, block, floor) => {
    expect(clipFloor(clips, epoch, block)).toBe(floor);
  });
});

describe('levelVersions', () => {
  const level = (epoch: number, clips: readonly Clip[] = []) => ({ lineage: 1, epoch, clips });

  it('shows the newest version not after the epoch', () => {
    const store = storeWith([
      [1, 0, 1, 10],
      [1, 0, 3, 30],
      [1, 0, 5, 50],
      [1, 1, 4, 41],
    ]);
    expect(ids(levelVersions(store, SEED, level(4), 0, 9))).toEqual(['0:30', '1:41']);
    expect(ids(levelVersions(store, SEED, level(0), 0, 9))).toEqual([]);
    expect(ids(levelVersions(store, SEED, level(EPOCH_MAX), 0, 9))).toEqual(['0:50', '1:41']);
  });

  it('stays within its lineage and its blocks', () => {
    const store = storeWith([
      [1, 4, 1, 4],
      [1, 5, 1, 5],
      [1, 6, 1, 6],
      [2, 5, 1, 9],
    ]);
    expect(ids(levelVersions(store, SEED, level(1), 5, 6))).toEqual(['5:5']);
  });

  it('shows zeros as versions of their own', () => {
    const store = storeWith([
      [1, 0, 1, 10],
      [1, 0, 2, 0],
    ]);
    expect(ids(levelVersions(store, SEED, level(2), 0, 9))).toEqual(['0:0']);
  });

  it('hides what a clip hides and shows what was written with or after it', () => {
    const store = storeWith([
      [1, 0, 1, 10],
      [1, 5, 1, 15],
      [1, 6, 3, 36],
    ]);
    const versions = levelVersions(store, SEED, level(3, [{ epoch: 3, block: 5 }]), 0, 9);
    expect(ids(versions)).toEqual(['0:10', '6:36']);
  });

  it('shows a damaged entry as a version with no valid sector', () => {
    const store = storeWith([[1, 0, 1, 10]]);
    const value = store.get('map', mapKey(1, 0, 1)) as Uint8Array;
    store.transaction((transaction) => transaction.put('map', mapKey(1, 1, 1), value));
    const versions = [...levelVersions(store, SEED, level(1), 0, 9)];
    expect(versions[1]?.location).toEqual(DAMAGED_LOCATION);
    expect(isStored(DAMAGED_LOCATION.id)).toBe(false);
  });

  it.each([1, 8, 9, 40])('finds the next block behind %d versions, older or newer', (count) => {
    const rows: Row[] = [];
    for (let epoch = 1; epoch <= 2 * count; epoch += 1) {
      rows.push([1, 0, epoch, epoch], [1, 1, epoch, 1_000 + epoch]);
    }
    const store = storeWith([...rows, [1, 2, 1, 7]]);
    const versions = ids(levelVersions(store, SEED, level(count), 0, 3));
    expect(versions).toEqual([`0:${count}`, `1:${1_000 + count}`, '2:7']);
  });

  it('seeks over long histories instead of reading them', () => {
    const rows: Row[] = [];
    for (let block = 0; block < 4; block += 1) {
      for (let epoch = 1; epoch <= 200; epoch += 1) rows.push([1, block, epoch, epoch]);
    }
    const counting = new CountingReader(storeWith(rows));
    expect(ids(levelVersions(counting, SEED, level(100), 0, 4))).toHaveLength(4);
    expect(counting.entries).toBeLessThan(100);
  });
});

class CountingReader implements StoreReader {
  entries = 0;
  readonly blocks;
  constructor(private readonly inner: StoreReader) {
    this.blocks = inner.blocks;
  }
  get(table: TableName, key: Uint8Array): Uint8Array | undefined {
    return this.inner.get(table, key);
  }
  *range(table: TableName, start: Uint8Array, end: Uint8Array) {
    for (const entry of this.inner.range(table, start, end)) {
      this.entries += 1;
      yield entry;
    }
  }
}

describe('visibleVersions', () => {
  const chain = (...levels: [number, number, Clip[]?][]) =>
    levels.map(([lineage, epoch, clips = []]) => ({ lineage, epoch, clips }));

  it('takes each block from the nearest level that has it', () => {
    const store = storeWith([
      [1, 0, 1, 10],
      [1, 1, 1, 11],
      [1, 2, 1, 12],
      [2, 1, 1, 21],
      [3, 2, 1, 32],
    ]);
    const levels = chain([3, 9], [2, 9], [1, 9]);
    expect(ids(visibleVersions(store, SEED, levels, 0, 9))).toEqual(['0:10', '1:21', '2:32']);
  });

  it('shows a parent only up to the epoch it branched at', () => {
    const store = storeWith([
      [1, 0, 1, 10],
      [1, 0, 2, 20],
      [1, 1, 2, 21],
    ]);
    expect(ids(visibleVersions(store, SEED, chain([2, 9], [1, 1]), 0, 9))).toEqual(['0:10']);
  });

  it('ends at a clip of a nearer level, also where it has no version', () => {
    const store = storeWith([
      [1, 0, 1, 10],
      [1, 5, 1, 15],
      [1, 6, 1, 16],
      [2, 6, 4, 46],
    ]);
    const levels = chain([3, 9], [2, 9, [{ epoch: 3, block: 5 }]], [1, 9]);
    expect(ids(visibleVersions(store, SEED, levels, 0, 9))).toEqual(['0:10', '6:46']);
  });

  it('lets zeros of a nearer level hide content further down', () => {
    const store = storeWith([
      [1, 0, 1, 10],
      [2, 0, 1, 0],
    ]);
    const levels = chain([2, 9], [1, 9]);
    expect(ids(visibleVersions(store, SEED, levels, 0, 9))).toEqual(['0:0']);
    expect(countMapped(store, SEED, levels, 0, BLOCK_INDEX_MAX)).toBe(0);
    expect(countMapped(store, SEED, chain([1, 9]), 0, BLOCK_INDEX_MAX)).toBe(1);
  });
});

describe('loadChain', () => {
  it('follows the lineage records and takes the clips each level can see', () => {
    const store = new MemoryStore();
    store.transaction((transaction) => {
      transaction.put(
        'records',
        recordKey('lineage', 1),
        packLineage({ id: 1, parent: 0, parentEpoch: 0 }),
      );
      transaction.put(
        'records',
        recordKey('lineage', 2),
        packLineage({ id: 2, parent: 1, parentEpoch: 4 }),
      );
      transaction.put('records', recordKey('clip', 1, 3), packCount(8));
      transaction.put('records', recordKey('clip', 1, 5), packCount(2));
      transaction.put('records', recordKey('clip', 2, 0), packCount(6));
    });
    expect(loadChain(store, 2, EPOCH_MAX)).toEqual([
      { lineage: 2, epoch: EPOCH_MAX, clips: [{ epoch: 0, block: 6 }] },
      { lineage: 1, epoch: 4, clips: [{ epoch: 3, block: 8 }] },
    ]);
  });
});
