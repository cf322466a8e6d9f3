/**
 * Damage that can be derived is found by its name, and a repair undoes it: after that nothing is found,
 * the array opens, and its content is untouched.
 */
import { describe, expect, it } from 'vitest';
import { BLOCK_BYTES } from '../../src/base/sizes.js';
import { blockKey, bornKey, EPOCH_MAX, recordKey } from '../../src/store/keys.js';
import {
  ALL_SECTORS,
  packAllocation,
  packCount,
  packIds,
  packLineage,
  unpackAllocation,
} from '../../src/store/records.js';
import { setShareCount } from '../../src/store/recover.js';
import {
  packController,
  packDevice,
  packHost,
  packLunMapping,
  packPort,
  packPortGroup,
} from '../../src/store/san-records.js';
import { ManualClock } from '../support/manual-clock.js';
import { openMemoryArray } from '../support/memory-array.js';
import {
  type Change,
  changeCounters,
  damagedStore,
  flip,
  locationOf,
  putEntry,
} from './check-damaging.js';
import { check, close, closedHistory, kinds, settle, tableText } from './check-fixture.js';

const USAGE_HEAD = recordKey('usage', 1, EPOCH_MAX);

/** Settings of ports and hosts, sound and then damaged: the repair drops them. */
const SETTINGS = (
  [
    ['controller', packController({ id: 'CL1', state: 'down' })],
    ['port', packPort({ id: 'CL1-A', role: 'both', usage: 'both', state: 'up', devices: [] })],
    ['portGroup', packPortGroup({ number: 1, name: 'g', targets: [], initiators: [] })],
    ['host', packHost({ number: 1, name: 'h', uids: [0] })],
    ['lunMapping', packLunMapping({ port: 'CL1-A', lun: 0, host: 'h', volume: 1 })],
    ['device', packDevice({ number: 1, name: 't', kind: 'tape', path: '/t' })],
  ] as const
).map(([kind, value]): [string, Change] => [
  kind,
  (t) => {
    t.put('records', recordKey(kind, 1), value);
    t.put('records', recordKey(kind, 2), value);
    flip(t, 'records', recordKey(kind, 2));
  },
]);

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
  ...SETTINGS.map(([name, change]): (typeof REPAIRABLE)[number] => [
    `a damaged ${name}`,
    change,
    ['damaged record -'],
  ]),
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
