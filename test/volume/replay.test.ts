/** Replay: what the entries of a log make of a pool, whatever was published before, and killed at any time. */
import { beforeEach, describe, expect, it } from 'vitest';
import { recordKey } from '../../src/store/keys.js';
import type { LogEntry } from '../../src/store/log-entries.js';
import { ALL_SECTORS, packCount, unpackCount } from '../../src/store/records.js';
import {
  clipEntry,
  layerEntry,
  lineageEntry,
  ReplayPool,
  usageEntry,
  written,
} from './replay-fixture.js';

const LOW_HALF = 0x0000_ffff;
const HIGH_HALF = 0xffff_0000;

let pool: ReplayPool;
beforeEach(async () => {
  pool = new ReplayPool();
  // Published before: lineage 1 has blocks 0 to 3 of epoch 1.
  await pool.replay([
    lineageEntry(1, 1),
    layerEntry(1, 1, [1, 1], ...[0, 1, 2, 3].map((block) => written(block, 10 + block))),
  ]);
});

describe('replay', () => {
  it('publishes blocks and records as one generation', async () => {
    const key = recordKey('job', 7);
    await pool.replay([
      layerEntry(2, 1, [1, 1], written(0, 50)),
      { kind: 'record', sequence: 3, change: { key, value: packCount(1) } },
    ]);
    expect([pool.sequence, pool.ends(1, 1, 0, 1)]).toEqual([
      3,
      [
        [50, 50],
        [11, 11],
      ],
    ]);
    expect(pool.store.get('records', key)).toBeDefined();
    expect(pool.usage(1)).toBe(4);
  });

  it('leaves out what is published already', async () => {
    await pool.replay([layerEntry(1, 1, [1, 1], written(0, 99))]);
    expect([pool.sequence, pool.ends(1, 1, 0)]).toEqual([1, [[10, 10]]]);
    await pool.replay([
      layerEntry(1, 1, [1, 1], written(0, 99), written(1, 99)),
      layerEntry(2, 2, [1, 1], written(1, 50)),
    ]);
    expect([pool.sequence, pool.ends(1, 1, 0, 1)]).toEqual([
      2,
      [
        [10, 10],
        [50, 50],
      ],
    ]);
  });

  it('does nothing without entries', async () => {
    await pool.replay([]);
    expect(pool.sequence).toBe(1);
  });

  it('merges the batches of a layer, later sectors over earlier ones', async () => {
    await pool.replay([
      layerEntry(2, 5, [1, 1], written(9, 50)),
      layerEntry(2, 5, [1, 1], written(9, 51, LOW_HALF), written(8, 1)),
      layerEntry(3, 6, [1, 1], written(9, 52, 1)),
    ]);
    const expected = [52, ...Array<number>(15).fill(51), ...Array<number>(16).fill(50)];
    expect(pool.sectors(1, 1, 9)).toEqual(expected);
    expect([pool.storedBlocks, pool.usage(1)]).toEqual([6, 6]);
  });

  it('takes the last value of a record', async () => {
    const key = recordKey('job', 7);
    const record = (sequence: number, count: number | undefined): LogEntry => {
      const value = count === undefined ? undefined : packCount(count);
      return { kind: 'record', sequence, change: { key, value } };
    };
    await pool.replay([record(2, 1), record(2, undefined), record(2, 5)]);
    expect(unpackCount(pool.store.get('records', key) as Uint8Array)).toBe(5);
    await pool.replay([record(3, 6), record(3, undefined)]);
    expect(pool.store.get('records', key)).toBeUndefined();
  });

  it('stores more blocks than fit into the cache at once', async () => {
    const blocks = Array.from({ length: 700 }, (_, block) => written(block, 1 + (block % 200)));
    await pool.replay([layerEntry(2, 1, [1, 2], ...blocks)]);
    expect(pool.ends(1, 2, 0, 255, 699)).toEqual([
      [1, 1],
      [56, 56],
      [100, 100],
    ]);
  });
});

describe('replay of partial blocks', () => {
  const part = written(0, 50, LOW_HALF);

  it('lays them over what is published', async () => {
    await pool.replay([layerEntry(2, 1, [1, 2], part)]);
    expect([pool.ends(1, 2, 0), pool.ends(1, 1, 0)]).toEqual([[[50, 10]], [[10, 10]]]);
  });

  it('lays them over what the parent of a new lineage shows', async () => {
    await pool.replay([
      lineageEntry(2, 2, 1, 1),
      usageEntry(2, 1, 1, 2),
      layerEntry(2, 2, [2, 1], part, written(7, 60, 1)),
    ]);
    expect([pool.ends(2, 1, 0, 1, 7), pool.usage(2)]).toEqual([
      [
        [50, 10],
        [11, 11],
        [60, 0],
      ],
      5,
    ]);
  });

  it('lays them over layers replayed before, of the lineage and of its parent', async () => {
    await pool.replay([
      lineageEntry(2, 2, 1, 2),
      layerEntry(2, 1, [1, 2], written(0, 40), written(1, 41, LOW_HALF)),
      usageEntry(2, 2, 1, 2),
      layerEntry(2, 3, [1, 3], written(0, 99), written(1, 99)),
      layerEntry(2, 4, [2, 1], part, written(1, 51, 1)),
      layerEntry(2, 5, [2, 2], written(0, 60, HIGH_HALF)),
    ]);
    expect(pool.ends(2, 1, 0, 1)).toEqual([
      [50, 40],
      [51, 11],
    ]);
    expect(pool.sectors(2, 1, 1)[1]).toBe(41);
    expect(pool.ends(2, 2, 0)).toEqual([[50, 60]]);
  });

  it('lays them over zeros where zeros hide something', async () => {
    await pool.replay([
      layerEntry(2, 1, [1, 2], { block: 0, sectors: ALL_SECTORS }),
      layerEntry(2, 2, [1, 3], part),
    ]);
    expect([pool.ends(1, 2, 0), pool.ends(1, 3, 0)]).toEqual([[[0, 0]], [[50, 0]]]);
  });

  it.each<[string, number, number]>([
    ['a clip hides', 0, 0],
    ['a clip past the block leaves', 1, 10],
  ])('lays them over what %s', async (_what, firstHidden, below) => {
    await pool.replay([clipEntry(2, 1, 1, 2, firstHidden), layerEntry(2, 2, [1, 2], part)]);
    expect([pool.ends(1, 2, 0), pool.ends(1, 2, 3)]).toEqual([[[50, below]], [[0, 0]]]);
    expect(pool.usage(1)).toBe(1);
  });

  it('does not lay them over a layer that a later clip hides', async () => {
    await pool.replay([
      layerEntry(2, 1, [1, 1], written(0, 40)),
      clipEntry(2, 2, 1, 2, 0),
      layerEntry(2, 3, [1, 2], part),
    ]);
    expect([pool.ends(1, 1, 0), pool.ends(1, 2, 0)]).toEqual([[[40, 40]], [[50, 0]]]);
  });

  it('lays them over a shared block', async () => {
    const shared = pool.location(1, 1, 3);
    await pool.replay([
      layerEntry(2, 1, [1, 2], { block: 0, sectors: ALL_SECTORS, location: shared }),
      layerEntry(2, 1, [1, 2], part),
    ]);
    expect([pool.ends(1, 2, 0), pool.storedBlocks]).toEqual([[[50, 13]], 5]);
  });
});

describe('replay of zeros and references', () => {
  it('makes zeros of blocks, and frees what nobody shows', async () => {
    await pool.replay([layerEntry(2, 1, [1, 1], { block: 0, sectors: ALL_SECTORS })]);
    await pool.store.run({ kind: 'trim' });
    expect([pool.ends(1, 1, 0), pool.usage(1), pool.storedBlocks]).toEqual([[[0, 0]], 3, 3]);
  });

  it('makes one more reference of a shared block, once', async () => {
    const shared = pool.location(1, 1, 3);
    const reference = { block: 20, sectors: ALL_SECTORS, location: shared };
    const entry = layerEntry(2, 1, [1, 1], reference);
    await pool.replay([entry, entry]);
    expect([pool.location(1, 1, 20), pool.storedBlocks]).toEqual([shared, 4]);
    expect(pool.shares(shared.id)).toBe(1);
  });

  it('lets a whole write replace a reference, and a reference a write', async () => {
    const shared = pool.location(1, 1, 3);
    const reference = (block: number) => ({ block, sectors: ALL_SECTORS, location: shared });
    await pool.replay([
      layerEntry(2, 1, [1, 1], reference(20), written(21, 5)),
      layerEntry(2, 1, [1, 1], written(20, 6), reference(21)),
    ]);
    expect([pool.ends(1, 1, 20, 21), pool.location(1, 1, 21)]).toEqual([
      [
        [6, 6],
        [13, 13],
      ],
      shared,
    ]);
  });
});

describe('replay that is killed', () => {
  const entries = [
    lineageEntry(2, 2, 1, 2),
    layerEntry(2, 1, [1, 2], written(0, 40), written(1, 41, LOW_HALF)),
    usageEntry(2, 2, 1, 2),
    clipEntry(2, 3, 1, 3, 3),
    layerEntry(3, 4, [1, 3], ...Array.from({ length: 150 }, (_, block) => written(block, 70))),
    layerEntry(3, 5, [2, 1], written(0, 51, 1), { block: 1, sectors: ALL_SECTORS }),
  ];
  const look = (of: ReplayPool) => [
    of.ends(1, 2, 0, 1, 2),
    of.ends(1, 3, 0, 3, 149),
    of.ends(2, 1, 0, 1, 3),
    of.storedBlocks,
    of.usage(1),
    of.usage(2),
    of.sequence,
  ];

  it('after any transaction begins again and ends the same', async () => {
    const whole = pool.crash();
    await whole.replay(entries);
    let killed = 0;
    for (; ; killed += 1) {
      const attempt = pool.crash();
      attempt.store.failTransactionAfter(killed);
      const failed = await attempt.replay(entries).then(
        () => false,
        () => true,
      );
      const again = attempt.crash();
      if (failed) expect([again.sequence, again.ends(1, 1, 0)]).toEqual([1, [[10, 10]]]);
      await again.replay(entries);
      expect(look(again)).toEqual(look(whole));
      if (!failed) break;
    }
    // Some tasks store, one publishes.
    expect(killed).toBeGreaterThan(5);
  });
});
