/**
 * What a view reads, through cached layers, clips, parents and the store: each case with everything
 * still in the cache, with everything published, and after a kill and a remount.
 */

import { describe, expect, it } from 'vitest';
import { BLOCK_BYTES } from '../../src/base/sizes.js';
import type { Lineage } from '../../src/volume/lineage.js';
import type { View } from '../../src/volume/view.js';
import { PoolFixture } from './pool-fixture.js';

/** Brings the pool into the state in which it is read; returns the view as it is then. */
type Mode = (pool: PoolFixture, view: View | Lineage) => Promise<View | Lineage>;

const cached: Mode = async (_pool, view) => view;
const published: Mode = async (pool, view) => {
  pool.store.failTransactionAfter(undefined);
  await pool.settle();
  return view;
};
const remounted: Mode = async (pool, view) => {
  await published(pool, view);
  const isView = 'lineage' in view;
  const lineage = await pool.remount(isView ? view.lineage : view);
  return isView ? { lineage, epoch: view.epoch } : lineage;
};

/** A pool whose disk fails, so that everything stays in the cache until a mode heals it. */
async function openPool(): Promise<PoolFixture> {
  const pool = await PoolFixture.open();
  pool.store.failTransactionAfter(0);
  return pool;
}

describe.each<[string, Mode]>([
  ['in the cache', cached],
  ['published', published],
  ['remounted', remounted],
])('a view %s', (_name, mode) => {
  it('shows zeros where nothing was written', async () => {
    const pool = await openPool();
    const head = pool.head();
    pool.write(head, 1, 7);
    expect(pool.bytes(await mode(pool, head), 3)).toEqual([0, 7, 0]);
  });

  it('shows a snapshot as of its instant and the head as of now', async () => {
    const pool = await openPool();
    const head = pool.head();
    pool.write(head, 0, 1, 3);
    const snapshot = pool.freeze(head);
    pool.write(head, 1, 2);
    pool.content.zero(head, 2 * BLOCK_BYTES, BLOCK_BYTES);
    expect(pool.bytes(await mode(pool, snapshot), 3)).toEqual([1, 1, 1]);
    expect(pool.bytes(await mode(pool, pool.content.lineages.get(head.id)), 3)).toEqual([1, 2, 0]);
  });

  it('shows between two snapshots what was written between them', async () => {
    const pool = await openPool();
    const head = pool.head();
    pool.write(head, 0, 1);
    pool.freeze(head);
    pool.write(head, 0, 2);
    const second = pool.freeze(head);
    pool.write(head, 0, 3);
    expect(pool.bytes(await mode(pool, second), 1)).toEqual([2]);
  });

  it('shows nothing past a clip but what was written after it', async () => {
    const pool = await openPool();
    const head = pool.head();
    pool.write(head, 0, 1, 4);
    pool.content.lineages.clip(head, 1);
    pool.write(head, 2, 2);
    expect(pool.bytes(await mode(pool, head), 4)).toEqual([1, 0, 2, 0]);
  });

  it('shows a snapshot whole that was taken before a clip', async () => {
    const pool = await openPool();
    const head = pool.head();
    pool.write(head, 0, 1, 3);
    const snapshot = pool.freeze(head);
    pool.content.lineages.clip(head, 0);
    expect(pool.bytes(await mode(pool, snapshot), 3)).toEqual([1, 1, 1]);
  });

  it('shows a clone over the snapshot it came from, not what was written later', async () => {
    const pool = await openPool();
    const head = pool.head();
    pool.write(head, 0, 1, 3);
    const snapshot = pool.freeze(head);
    pool.write(head, 0, 2);
    const clone = pool.head(snapshot);
    pool.write(clone, 1, 3);
    pool.write(head, 2, 4);
    expect(pool.bytes(await mode(pool, clone), 3)).toEqual([1, 3, 1]);
  });

  it('shows a clone of a clone through both', async () => {
    const pool = await openPool();
    const head = pool.head();
    pool.write(head, 0, 1, 4);
    const middle = pool.head(pool.freeze(head));
    pool.write(middle, 1, 2, 2);
    const top = pool.head(pool.freeze(middle));
    pool.write(middle, 0, 9);
    pool.write(top, 2, 3);
    expect(pool.bytes(await mode(pool, top), 5)).toEqual([1, 2, 3, 1, 0]);
  });

  it('lets a clip of a clone hide its parent', async () => {
    const pool = await openPool();
    const head = pool.head();
    pool.write(head, 0, 1, 4);
    const clone = pool.head(pool.freeze(head));
    pool.content.lineages.clip(clone, 2);
    pool.write(clone, 3, 5);
    expect(pool.bytes(await mode(pool, clone), 4)).toEqual([1, 1, 0, 5]);
  });

  it('keeps the rest of a block that is written in part, over a snapshot and a clone', async () => {
    const pool = await openPool();
    const head = pool.head();
    pool.write(head, 0, 1);
    const clone = pool.head(pool.freeze(head));
    pool.content.write(clone, 700, new Uint8Array(2_000).fill(2));
    pool.freeze(clone);
    pool.content.write(clone, 1_500, Uint8Array.of(3));
    const view = (await mode(pool, clone)) as Lineage;
    const target = new Uint8Array(BLOCK_BYTES);
    pool.content.read({ lineage: view, epoch: view.epoch }, 0, target);
    const expected = new Uint8Array(BLOCK_BYTES).fill(1).fill(2, 700, 2_700).fill(3, 1_500, 1_501);
    expect(Buffer.from(target).equals(expected)).toBe(true);
  });

  it('reads any bytes over the border of blocks', async () => {
    const pool = await openPool();
    const head = pool.head();
    pool.write(head, 0, 1);
    pool.write(head, 2, 3);
    const view = (await mode(pool, head)) as Lineage;
    const target = new Uint8Array(BLOCK_BYTES + 2).fill(0xee);
    pool.content.read({ lineage: view, epoch: view.epoch }, BLOCK_BYTES - 1, target);
    expect([target[0], target[1], target[BLOCK_BYTES], target[BLOCK_BYTES + 1]]).toEqual([
      1, 0, 0, 3,
    ]);
  });
});

describe('a view that was read before', () => {
  it('shows what was published since', async () => {
    const pool = await PoolFixture.open();
    const head = pool.head();
    for (const byte of [1, 2, 3]) {
      pool.write(head, 0, byte);
      expect(pool.bytes(head, 1)).toEqual([byte]);
      await pool.settle();
      expect(pool.bytes(head, 1)).toEqual([byte]);
    }
  });

  it('shows a published clip', async () => {
    const pool = await PoolFixture.open();
    const head = pool.head();
    pool.write(head, 0, 1, 2);
    await pool.settle();
    expect(pool.bytes(head, 2)).toEqual([1, 1]);
    pool.content.lineages.clip(head, 1);
    expect(pool.bytes(head, 2)).toEqual([1, 0]);
    await pool.settle();
    expect(pool.bytes(head, 2)).toEqual([1, 0]);
  });
});

describe('a damaged block', () => {
  async function damaged(): Promise<{ pool: PoolFixture; head: Lineage }> {
    const pool = await PoolFixture.open();
    const head = pool.head();
    pool.write(head, 0, 1, 3);
    await pool.settle();
    return { pool, head };
  }

  it('is EIO and reported, and others are read', async () => {
    const { pool, head } = await damaged();
    pool.store.damage(2, (content) => {
      content[100] = 9;
    });
    expect(() => pool.bytes(head, 3)).toThrow(
      /^EIO: block 1 \(byte 16384\) is damaged: wrong checksum/,
    );
    expect(pool.damages).toEqual(['1/1: wrong checksum']);
    expect(pool.bytes(head, 1)).toEqual([1]);
  });

  it('that is missing is EIO', async () => {
    const { pool, head } = await damaged();
    pool.store.transaction((transaction) => transaction.blocks.free(1));
    expect(() => pool.bytes(head, 1)).toThrow(/block is missing/);
  });

  it('is whole again once it was written in whole', async () => {
    const { pool, head } = await damaged();
    pool.store.transaction((transaction) => transaction.blocks.free(1));
    pool.write(head, 0, 4);
    expect(pool.bytes(head, 1)).toEqual([4]);
    await pool.settle();
    expect(pool.bytes(head, 1)).toEqual([4]);
  });

  it('that is written in part keeps its other sectors lost', async () => {
    const { pool, head } = await damaged();
    pool.store.transaction((transaction) => transaction.blocks.free(1));
    pool.content.write(head, 512, new Uint8Array(512).fill(6));
    await pool.settle();
    const view = { lineage: head, epoch: head.epoch };
    const sector = new Uint8Array(512);
    pool.content.read(view, 512, sector);
    expect(sector[0]).toBe(6);
    expect(() => pool.content.read(view, 0, sector)).toThrow(/lost sectors/);
    expect(head.index.locate(0).sectors).toBe(0b10);
  });
});
