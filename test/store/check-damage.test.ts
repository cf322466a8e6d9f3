/**
 * Damage that cannot be derived is found by its name, volumes and address, and a repair leaves all that
 * may hang on it.
 */

import { describe, expect, it } from 'vitest';
import { BLOCK_BYTES } from '../../src/base/sizes.js';
import {
  packSnapshot,
  packVolume,
  unpackSnapshot,
  unpackVolume,
} from '../../src/store/copy-records.js';
import { bornKey, mapKey, recordKey } from '../../src/store/keys.js';
import { ALL_SECTORS, packCount, packLineage } from '../../src/store/records.js';
import {
  type Change,
  changeCounters,
  damagedStore,
  flip,
  locationOf,
  putEntry,
  record,
} from './check-damaging.js';
import { check, kinds, tableText } from './check-fixture.js';

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
