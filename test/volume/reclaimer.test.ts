/** Background work: what gives space back, what it waits for, and how it goes on after a restart. */
import { beforeEach, describe, expect, it } from 'vitest';
import { LINEAGE_DEPTH_MAX, SLICE_VERSIONS } from '../../src/base/limits.js';
import type { Lineage } from '../../src/volume/lineage.js';
import { PoolFixture } from './pool-fixture.js';

let pool: PoolFixture;
let head: Lineage;
beforeEach(async () => {
  pool = await PoolFixture.open();
  head = pool.head();
});

describe('a snapshot that is deleted', () => {
  it('gives back what only it showed', async () => {
    pool.write(head, 0, 1, 4);
    const { epoch } = pool.freeze(head);
    pool.write(head, 0, 2, 3);
    await pool.settle();
    expect(pool.storedBlocks).toBe(7);
    pool.content.lineages.releaseEpoch(head, epoch);
    await pool.settle();
    expect([pool.storedBlocks, pool.content.reclaimsPending]).toEqual([4, 0]);
    expect(pool.bytes(head, 4)).toEqual([2, 2, 2, 1]);
  });

  it('leaves what an older snapshot shows', async () => {
    pool.write(head, 0, 1);
    const first = pool.freeze(head);
    pool.write(head, 0, 2);
    const second = pool.freeze(head);
    pool.write(head, 0, 3);
    pool.content.lineages.releaseEpoch(head, second.epoch);
    await pool.settle();
    expect([pool.storedBlocks, pool.bytes(first, 1), pool.bytes(head, 1)]).toEqual([2, [1], [3]]);
  });

  it('is reclaimed only when it is no longer open', async () => {
    pool.write(head, 0, 1);
    const view = pool.freeze(head);
    pool.write(head, 0, 2);
    pool.content.lineages.pinOpen(head, view.epoch);
    pool.content.lineages.releaseEpoch(head, view.epoch);
    await pool.settle();
    expect([pool.storedBlocks, pool.bytes(view, 1)]).toEqual([2, [1]]);
    pool.content.lineages.unpinOpen(head, view.epoch);
    await pool.settle();
    expect([pool.storedBlocks, pool.content.reclaimsPending]).toEqual([1, 0]);
  });

  it('keeps its epoch where a clone stands on it', async () => {
    pool.write(head, 0, 1);
    const view = pool.freeze(head);
    const clone = pool.head(view);
    pool.write(head, 0, 2);
    pool.content.lineages.releaseEpoch(head, view.epoch);
    await pool.settle();
    expect([pool.bytes(clone, 1), pool.storedBlocks]).toEqual([[1], 2]);
  });
});

describe('a snapshot that is deleted while a clone stands on it', () => {
  it('keeps its blocks until its deletion is published, also when the clone goes first', async () => {
    pool.write(head, 0, 1);
    const view = pool.freeze(head);
    const clone = pool.head(view);
    pool.write(head, 0, 2);
    await pool.settle();
    pool.content.lineages.abandon(clone);
    const abandoned = pool.content.durable();
    pool.content.cut();
    pool.content.lineages.releaseEpoch(head, view.epoch);
    pool.write(head, 0, 3);
    await pool.drive(abandoned);
    await pool.clock.advance(100);
    expect([pool.hasRecord('lineage', clone.id), pool.storedBlocks]).toEqual([false, 2]);
    await pool.settle();
    expect([pool.storedBlocks, pool.content.reclaimsPending]).toEqual([1, 0]);
  });
});

describe('a shrink', () => {
  it('gives back what it hides', async () => {
    pool.write(head, 0, 1, 6);
    await pool.settle();
    pool.content.lineages.clip(head, 2);
    await pool.settle();
    expect(pool.storedBlocks).toBe(2);
  });

  it('keeps what a snapshot shows', async () => {
    pool.write(head, 0, 1, 6);
    const view = pool.freeze(head);
    pool.content.lineages.clip(head, 2);
    await pool.settle();
    expect([pool.storedBlocks, pool.bytes(view, 6)]).toEqual([6, [1, 1, 1, 1, 1, 1]]);
  });
});

describe('a lineage nobody writes to any more', () => {
  it('goes with all its blocks and records', async () => {
    pool.write(head, 0, 1, 5);
    await pool.settle();
    pool.content.lineages.abandon(head);
    await pool.settle();
    expect([pool.storedBlocks, pool.hasRecord('lineage', head.id)]).toEqual([0, false]);
    expect(() => pool.content.lineages.get(head.id)).toThrow(/^EIO: lineage 1 has no record/);
  });

  it('stays as far as its snapshots show it', async () => {
    pool.write(head, 0, 1, 2);
    const view = pool.freeze(head);
    pool.write(head, 0, 2);
    pool.content.lineages.abandon(head);
    await pool.settle();
    expect([pool.storedBlocks, pool.bytes(view, 2)]).toEqual([2, [1, 1]]);
    pool.content.lineages.releaseEpoch(head, view.epoch);
    await pool.settle();
    expect([pool.storedBlocks, pool.hasRecord('lineage', head.id)]).toEqual([0, false]);
  });

  it('stays while a child stands on it, and goes with the child', async () => {
    pool.write(head, 0, 1, 3);
    const view = pool.freeze(head);
    const child = pool.head(view);
    pool.content.lineages.releaseEpoch(head, view.epoch);
    pool.content.lineages.abandon(head);
    await pool.settle();
    expect([pool.bytes(child, 3), pool.hasRecord('lineage', head.id)]).toEqual([[1, 1, 1], true]);
    pool.content.lineages.abandon(child);
    await pool.settle();
    expect([pool.storedBlocks, pool.hasRecord('lineage', head.id)]).toEqual([0, false]);
    expect(pool.content.reclaimsPending).toBe(0);
  });

  it('takes along what the cache still had to publish', async () => {
    pool.write(head, 0, 1);
    await pool.settle();
    pool.content.lineages.abandon(head);
    pool.write(head, 1, 2, 3);
    await pool.settle();
    expect([pool.storedBlocks, [...pool.store.blocks.ids(1)]]).toEqual([0, []]);
  });
});

describe('a chain of lineages', () => {
  /** `count` restores one after the other: each a lineage over a snapshot of the last. */
  function chain(count: number): Lineage {
    pool.write(head, 0, 1, count + 1);
    let top = head;
    for (let level = 1; level <= count; level += 1) {
      top = pool.head(pool.freeze(top));
      pool.write(top, level, 10 + level);
    }
    return top;
  }

  it('is left alone up to its limit', async () => {
    const top = chain(LINEAGE_DEPTH_MAX);
    await pool.settle();
    expect(top.depth).toBe(LINEAGE_DEPTH_MAX);
  });

  it('is merged beyond its limit and shows the same', async () => {
    const top = chain(LINEAGE_DEPTH_MAX + 4);
    const expected = pool.bytes(top, LINEAGE_DEPTH_MAX + 5);
    expect(expected).toEqual([1, ...Array.from({ length: 12 }, (_, level) => 11 + level)]);
    await pool.settle();
    expect(top.depth).toBe(LINEAGE_DEPTH_MAX);
    expect(pool.bytes(top, LINEAGE_DEPTH_MAX + 5)).toEqual(expected);
    const again = await pool.remount(top);
    expect([again.depth, pool.bytes(again, LINEAGE_DEPTH_MAX + 5)]).toEqual([
      LINEAGE_DEPTH_MAX,
      expected,
    ]);
  });

  it('frees every block in the end, shared or not', async () => {
    const top = chain(LINEAGE_DEPTH_MAX + 4);
    await pool.settle();
    const lineages = Array.from({ length: LINEAGE_DEPTH_MAX + 4 }, (_, index) => index + 1);
    for (const id of lineages) {
      const lineage = pool.content.lineages.get(id);
      if (lineage.isPinned(1, 'stored')) pool.content.lineages.releaseEpoch(lineage, 1);
      pool.content.lineages.abandon(lineage);
    }
    await pool.settle();
    expect(pool.bytes(top, 2)).toEqual([1, 11]);
    pool.content.lineages.abandon(top);
    await pool.settle();
    expect([pool.storedBlocks, [...pool.store.blocks.ids(1)]]).toEqual([0, []]);
  });
});

describe('background work', () => {
  it('goes on after a kill', async () => {
    pool = await PoolFixture.open({ cacheBytes: 2 ** 26 });
    head = pool.head();
    pool.write(head, 0, 1, 700);
    const view = pool.freeze(head);
    pool.write(head, 0, 2, 700);
    await pool.settle();
    pool.content.lineages.releaseEpoch(head, view.epoch);
    // The generation and one of two slices.
    pool.store.failTransactionAfter(2);
    await pool.content.durable();
    await pool.clock.advance(100);
    await pool.remount(head);
    expect([pool.storedBlocks, pool.content.reclaimsPending]).toEqual([1_400 - SLICE_VERSIONS, 1]);
    await pool.settle();
    expect([pool.storedBlocks, pool.hasRecord('reclaim', head.id, view.epoch)]).toEqual([
      700,
      false,
    ]);
  });

  it('leaves an epoch alone that its volume came back to by a crash', async () => {
    pool.write(head, 0, 1, 6);
    await pool.settle();
    pool.content.lineages.clip(head, 2);
    // As by a command of another volume: the shrink and the volume's new epoch are not logged.
    await pool.drive(pool.content.confirmed());
    head.epoch -= 1;
    head = await pool.remount(head);
    await pool.settle();
    expect(pool.bytes(head, 6)).toEqual([1, 1, 1, 1, 1, 1]);
    expect([pool.storedBlocks, pool.content.reclaimsPending]).toEqual([6, 0]);
  });

  it('is tried again when the disk fails', async () => {
    pool.write(head, 0, 1);
    const view = pool.freeze(head);
    pool.write(head, 0, 2);
    await pool.settle();
    pool.content.lineages.releaseEpoch(head, view.epoch);
    pool.store.failTransactionAfter(1);
    await pool.content.durable();
    await pool.clock.advance(100);
    expect([pool.storedBlocks, pool.content.reclaimsPending]).toEqual([2, 1]);
    pool.store.failTransactionAfter(undefined);
    await pool.settle();
    expect([pool.storedBlocks, pool.content.reclaimsPending]).toEqual([1, 0]);
  });
});
