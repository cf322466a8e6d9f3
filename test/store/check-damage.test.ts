/**
 * Each kind of damage is really made, and found by its name; a repair rebuilds what it can, after which
 * nothing is found, and leaves everything else as it is.
 *
 * The store of `closedHistory`: lineage 1 is `db` (snapshots `a` at epoch 1, `b` at epoch 2, head 3),
 * lineage 2 is `copy`, branched off epoch 1. Block ids 1 to 16 are blocks 0 to 15 of `a`, 17 to 20 blocks
 * 0 to 3 of `b`, 21 is block 15 of `copy`.
 */
import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { BLOCK_BYTES } from '../../src/base/sizes.js';
import type { StoreTransaction } from '../../src/store/block-store.js';
import { blockKey, bornKey, EPOCH_MAX, mapKey, recordKey } from '../../src/store/keys.js';
import type { MemoryStore } from '../../src/store/memory-store.js';
import {
  ALL_SECTORS,
  type CountersRecord,
  type Location,
  mapTag,
  packAllocation,
  packCount,
  packCounters,
  packIds,
  packLineage,
  packMapEntry,
  packSnapshot,
  packVolume,
  unpackAllocation,
  unpackCounters,
  unpackIdentity,
  unpackMapEntry,
  unpackSnapshot,
  unpackVolume,
} from '../../src/store/records.js';
import { setShareCount } from '../../src/store/recover.js';
import { ManualClock } from '../support/manual-clock.js';
import { openMemoryArray } from '../support/memory-array.js';
import { check, close, closedHistory, kinds, settle, tableText } from './check-fixture.js';

type Change = (transaction: StoreTransaction, store: MemoryStore) => void;

function record(store: MemoryStore, key: Uint8Array): Uint8Array {
  const value = store.get('records', key);
  if (value === undefined) throw new Error('no such record');
  return value;
}

function flip(transaction: StoreTransaction, table: 'records' | 'map', key: Uint8Array): void {
  const value = new Uint8Array(transaction.get(table, key) ?? []);
  expect(value.length).toBeGreaterThan(4);
  value[3] = (value[3] as number) ^ 0x40;
  transaction.put(table, key, value);
}

/** Puts a map entry with a right tag. */
function putEntry(
  transaction: StoreTransaction,
  lineage: number,
  block: number,
  epoch: number,
  location: Location,
): void {
  const identity = unpackIdentity(transaction.get('records', recordKey('identity')) as Uint8Array);
  const tag = mapTag(crc32(identity.poolUuid), lineage, block, epoch, location);
  transaction.put('map', mapKey(lineage, block, epoch), packMapEntry(location, tag));
}

function locationOf(transaction: StoreTransaction, lineage: number, block: number, epoch: number) {
  return unpackMapEntry(transaction.get('map', mapKey(lineage, block, epoch)) as Uint8Array);
}

function changeCounters(transaction: StoreTransaction, changes: Partial<CountersRecord>): void {
  const counters = unpackCounters(transaction.get('records', recordKey('counters')) as Uint8Array);
  transaction.put('records', recordKey('counters'), packCounters({ ...counters, ...changes }));
}

async function damagedStore(change: Change): Promise<MemoryStore> {
  const store = await closedHistory();
  store.startIds(22);
  store.transaction((transaction) => change(transaction, store));
  return store;
}

const USAGE_HEAD = recordKey('usage', 1, EPOCH_MAX);

/** Damage that a repair undoes: its name, how it is made, what is found. */
const REPAIRABLE: readonly [string, Change, string[]][] = [
  [
    'a damaged usage count',
    (t) => flip(t, 'records', USAGE_HEAD),
    ['damaged record -', 'wrong usage count db'],
  ],
  [
    'a wrong usage count',
    (t) => t.put('records', USAGE_HEAD, packCount(3)),
    ['wrong usage count db'],
  ],
  [
    'a wrong usage count of a snapshot',
    (t) => t.put('records', recordKey('usage', 1, 2), packCount(99)),
    ['wrong usage count db@b'],
  ],
  ['damaged counters', (t) => flip(t, 'records', recordKey('counters')), ['damaged record -']],
  ['a wrong block count', (t) => changeCounters(t, { storedBlocks: 5 }), ['wrong block count -']],
  [
    'a next block id that would free what is in use',
    (t) => changeCounters(t, { nextBlockId: 10 }),
    ['wrong counter -'],
  ],
  [
    'a sequence older than what it says to be freed',
    (t) => t.put('records', recordKey('deferredFrees', 10_000), packIds([])),
    ['wrong counter -'],
  ],
  [
    'numbers that are in use already',
    (t) => {
      const key = recordKey('allocation');
      const allocation = unpackAllocation(t.get('records', key) as Uint8Array);
      t.put('records', key, packAllocation({ ...allocation, nextLineage: 2, nextNumber: 1 }));
    },
    ['wrong counter -', 'wrong counter -'],
  ],
  [
    'damaged allocation',
    (t) => flip(t, 'records', recordKey('allocation')),
    ['damaged record -', 'wrong counter -', 'wrong counter -', 'wrong counter -'],
  ],
  [
    'a damaged list of blocks to free',
    (t) => {
      t.put(
        'records',
        recordKey('deferredFrees', 1),
        packIds([t.blocks.put(new Uint8Array(BLOCK_BYTES))]),
      );
      flip(t, 'records', recordKey('deferredFrees', 1));
      changeCounters(t, { nextBlockId: t.blocks.nextId(), storedBlocks: 22 });
    },
    ['damaged record -', 'orphan block -'],
  ],
  [
    'a damaged reclaim',
    (t) => {
      t.put('records', recordKey('reclaim', 1, 2), packCount(2));
      flip(t, 'records', recordKey('reclaim', 1, 2));
    },
    ['damaged record -'],
  ],
  ['a damaged event', (t) => flip(t, 'records', recordKey('event', 2)), ['damaged record -']],
  [
    'an orphan block',
    (t) => {
      t.blocks.put(new Uint8Array(BLOCK_BYTES).fill(8));
      changeCounters(t, { nextBlockId: t.blocks.nextId(), storedBlocks: 22 });
    },
    ['orphan block -'],
  ],
  [
    'a block referenced twice',
    (t) => {
      // Block 3 of the clone takes over what `a` has there.
      putEntry(t, 2, 3, 1, locationOf(t, 1, 3, 1));
      const key = bornKey(2, 1, 0);
      const bitmap = new Uint8Array(t.get('born', key) as Uint8Array);
      bitmap[1] = (bitmap[1] as number) | 8;
      t.put('born', key, bitmap);
    },
    ['block referenced twice -'],
  ],
  ['a share count too high', (t) => setShareCount(t, 7, 2), ['wrong share count -']],
  ['a share count of no block', (t) => setShareCount(t, 4_000, 1), ['wrong share count -']],
  [
    'a damaged share count',
    (t) => t.put('share', blockKey(7), new Uint8Array(3)),
    ['damaged record -'],
  ],
  [
    'a missing born bitmap',
    (t) => t.remove('born', bornKey(1, 1, 0)),
    ['wrong born bitmap db db@a db@b'],
  ],
  [
    'a damaged born bitmap',
    (t) => t.put('born', bornKey(1, 1, 0), new Uint8Array(9)),
    ['wrong born bitmap db db@a db@b'],
  ],
  [
    'a born bitmap with a bit too many',
    (t) => {
      const bitmap = new Uint8Array(t.get('born', bornKey(1, 1, 0)) as Uint8Array);
      bitmap[100] = 1;
      t.put('born', bornKey(1, 1, 0), bitmap);
    },
    ['wrong born bitmap db db@a db@b'],
  ],
  [
    'a born bitmap of nothing',
    (t) => t.put('born', bornKey(1, 3, 5), t.get('born', bornKey(1, 1, 0)) as Uint8Array),
    ['wrong born bitmap -'],
  ],
  [
    'map entries of no lineage',
    (t) => putEntry(t, 9, 3, 1, { id: 0, crc: 0, sectors: ALL_SECTORS }),
    ['orphan map entry -'],
  ],
  [
    'records of no lineage',
    (t) => t.put('records', recordKey('clip', 9, 1), packCount(1)),
    ['orphan record -'],
  ],
  [
    'a lineage of nothing',
    (t) => {
      t.put('records', recordKey('lineage', 3), packLineage({ id: 3, parent: 1, parentEpoch: 2 }));
      const key = recordKey('allocation');
      const allocation = unpackAllocation(t.get('records', key) as Uint8Array);
      t.put('records', key, packAllocation({ ...allocation, nextLineage: 4 }));
    },
    ['orphan lineage -'],
  ],
  [
    'versions nothing shows',
    // The snapshot goes without anybody being told to reclaim what only it showed.
    (t) => {
      putEntry(t, 1, 9, 0, { id: 0, crc: 0, sectors: ALL_SECTORS });
      const born = new Uint8Array(513);
      born.set([1, 0, 2]);
      t.put('born', bornKey(1, 0, 0), born);
    },
    ['unreachable version db db@a db@b'],
  ],
];

describe('checkStore on damage that can be rebuilt', () => {
  it.each(REPAIRABLE)('finds %s', async (_name, change, expected) => {
    const store = await damagedStore(change);
    const before = tableText(store, 'map');
    const report = await check(store);
    expect(kinds(report)).toEqual(expected);
    expect(report.findings.every((finding) => !finding.repaired)).toBe(true);
    expect(report.findings.every((finding) => finding.pool === 'main')).toBe(true);
    expect(tableText(store, 'map')).toEqual(before);
  });

  it.each(REPAIRABLE)('repairs %s', async (_name, change, expected) => {
    const sound = await closedHistory();
    const store = await damagedStore(change);
    const report = await check(store, { repair: true });
    expect(kinds(report)).toEqual(expected);
    expect(report.findings.every((finding) => finding.repaired)).toBe(true);
    expect((await check(store)).findings).toEqual([]);
    // The array opens, gives back what it was told to, and its content is untouched.
    const clock = new ManualClock();
    const mounted = store.crash();
    const array = await openMemoryArray(mounted, clock);
    const image = array.openImage(array.snapshot('db', 'a'), { write: false });
    const bytes = new Uint8Array(16 * BLOCK_BYTES);
    expect(image.read(0, bytes)).toBe(bytes.length);
    expect(bytes.every((byte) => byte === 1)).toBe(true);
    image.close();
    await settle(array, clock);
    await close(array, clock);
    const after = await check(mounted.crash());
    expect(after.findings).toEqual([]);
    expect(after.blocksChecked).toBe((await check(sound)).blocksChecked);
  });
});

/** Damage that stays: its name, how it is made, what is found. */
const LASTING: readonly [string, Change, string[]][] = [
  [
    'a damaged map entry',
    (t) => flip(t, 'map', mapKey(1, 5, 1)),
    ['damaged map entry db db@a db@b copy', 'orphan block -'],
  ],
  [
    'a map entry in a foreign place',
    (t) => t.put('map', mapKey(1, 5, 1), t.get('map', mapKey(1, 6, 1)) as Uint8Array),
    ['damaged map entry db db@a db@b copy', 'orphan block -'],
  ],
  [
    'a map entry of a wrong size',
    (t) => t.put('map', mapKey(2, 15, 1), new Uint8Array(4)),
    ['damaged map entry copy', 'orphan block -'],
  ],
  [
    'a missing block',
    (t) => {
      t.blocks.free(17);
      changeCounters(t, { storedBlocks: 20 });
    },
    ['missing block db db@b'],
  ],
  [
    'damaged content',
    (_t, store) => store.damage(16, (content) => content.fill(77, 0, 1)),
    ['wrong checksum db db@a db@b'],
  ],
  [
    'lost sectors',
    (t) => putEntry(t, 1, 0, 1, { ...locationOf(t, 1, 0, 1), sectors: 0xffff }),
    ['lost sectors db@a copy'],
  ],
  [
    'an epoch after the newest',
    (t) => {
      const born = new Uint8Array(513);
      born.set([1, 1]);
      putEntry(t, 1, 0, 8, { id: 0, crc: 0, sectors: ALL_SECTORS });
      t.put('born', bornKey(1, 8, 0), born);
    },
    ['epoch after head db db@a db@b'],
  ],
  [
    'a damaged volume',
    (t) => flip(t, 'records', recordKey('volume', 1)),
    ['damaged record -', 'snapshot without volume a', 'snapshot without volume b'],
  ],
  ['a damaged snapshot', (t) => flip(t, 'records', recordKey('snapshot', 2)), ['damaged record -']],
  [
    'a damaged lineage',
    (t) => flip(t, 'records', recordKey('lineage', 2)),
    ['damaged record -', 'broken lineage copy', 'orphan record -', 'orphan map entry -'],
  ],
  [
    'a damaged clip',
    (t) => {
      t.put('records', recordKey('clip', 1, 3), packCount(12));
      flip(t, 'records', recordKey('clip', 1, 3));
    },
    ['damaged record -'],
  ],
  [
    'a lost lineage',
    (t) => t.remove('records', recordKey('lineage', 1)),
    [
      'broken lineage db',
      'broken lineage db@a',
      'broken lineage db@b',
      'broken lineage copy',
      'orphan record -',
      'orphan record -',
      'orphan record -',
      'orphan map entry -',
    ],
  ],
  [
    'a lineage in a circle',
    (t) =>
      t.put('records', recordKey('lineage', 1), packLineage({ id: 1, parent: 2, parentEpoch: 0 })),
    ['broken lineage db db@a db@b', 'broken lineage copy'],
  ],
  [
    'a branch off an epoch to come',
    (t) =>
      t.put('records', recordKey('lineage', 2), packLineage({ id: 2, parent: 1, parentEpoch: 3 })),
    ['broken lineage copy'],
  ],
  [
    'two volumes on one lineage',
    (t, store) => {
      const volume = unpackVolume(record(store, recordKey('volume', 4)));
      t.put('records', recordKey('volume', 4), packVolume({ ...volume, lineage: 1, epoch: 3 }));
    },
    ['two volumes on one lineage copy', 'orphan lineage -'],
  ],
  [
    'a snapshot of no volume',
    (t, store) => {
      const snapshot = unpackSnapshot(record(store, recordKey('snapshot', 2)));
      t.put('records', recordKey('snapshot', 2), packSnapshot({ ...snapshot, volumeNumber: 70 }));
    },
    ['snapshot without volume a'],
  ],
  [
    'one name for two',
    (t, store) => {
      const volume = unpackVolume(record(store, recordKey('volume', 4)));
      t.put('records', recordKey('volume', 4), packVolume({ ...volume, name: 'db' }));
    },
    ['duplicate name db'],
  ],
  [
    'a record in a wrong place',
    (t, store) => {
      t.put('records', recordKey('volume', 5), record(store, recordKey('volume', 4)));
    },
    ['damaged record -'],
  ],
  [
    'a damaged identity',
    (t) => {
      const key = recordKey('identity');
      const value = new Uint8Array(t.get('records', key) as Uint8Array);
      value[9] = (value[9] as number) ^ 1;
      t.put('records', key, value);
    },
    ['damaged record -'],
  ],
];

describe('checkStore on damage that cannot be rebuilt', () => {
  it.each(LASTING)('finds %s', async (_name, change, expected) => {
    const store = await damagedStore(change);
    expect(kinds(await check(store)).sort()).toEqual([...expected].sort());
  });

  it.each(LASTING)('removes nothing on account of %s', async (_name, change, expected) => {
    const store = await damagedStore(change);
    const before = [tableText(store, 'map'), tableText(store, 'records'), [...store.blocks.ids(1)]];
    const report = await check(store, { repair: true });
    expect(kinds(report).sort()).toEqual([...expected].sort());
    expect(report.findings.some((finding) => finding.repaired)).toBe(false);
    expect([
      tableText(store, 'map'),
      tableText(store, 'records'),
      [...store.blocks.ids(1)],
    ]).toEqual(before);
  });

  it('names the byte address', async () => {
    const store = await damagedStore((_t, damaged) =>
      damaged.damage(16, (content) => content.fill(0)),
    );
    const { findings } = await check(store);
    expect(findings[0]?.detail).toBe(`byte ${15 * BLOCK_BYTES}: block id 16`);
  });

  it('lists a bounded number of findings of one kind, and counts the rest', async () => {
    const store = await damagedStore((transaction) => {
      for (let block = 0; block < 10_007; block += 1) {
        transaction.put('map', mapKey(1, 100 + block, 3), new Uint8Array(1));
      }
    });
    const { findings } = await check(store, { repair: true });
    const damaged = findings.filter(({ kind }) => kind === 'damaged map entry');
    expect(damaged.length).toBe(10_001);
    expect(damaged[10_000]?.detail).toBe('7 more of this kind are not listed');
  });
});
