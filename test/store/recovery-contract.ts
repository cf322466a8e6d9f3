/** What is left by storing and publishing that did not end, and how it goes away. Part of the store's contract suite. */
import { describe, expect, it } from 'vitest';
import { recordKey } from '../../src/store/keys.js';
import { packCount } from '../../src/store/records.js';
import { layer } from './store-layers.js';
import type { StorePool } from './store-pool.js';

/** A layer whose second transaction fails: its last block lies in a slot nobody shared. */
function failingLayer() {
  const blocks = Array.from({ length: 600 }, (_, block) => ({ block, slot: 1 }));
  return layer(1, 1, [...blocks, { block: 600, slot: 9_999 }]);
}

export function describeRecovery(pool: () => StorePool): void {
  describe('storing that fails in a later transaction', () => {
    it('says EIO and changes nothing but unnamed blocks', async () => {
      const records = [{ key: recordKey('job', 1), value: packCount(1) }];
      await expect(pool().publish([failingLayer()], records)).rejects.toMatchObject({
        code: 'EIO',
      });
      expect([pool().versions(1), pool().born(1), pool().usage(1)]).toEqual([[], [], undefined]);
      expect([pool().hasRecord('job', 1), pool().hasRecord('counters')]).toEqual([false, false]);
    });

    it('leaves ids that the next publish uses again', async () => {
      await expect(pool().publish([failingLayer()])).rejects.toThrow();
      await pool().publish([layer(1, 1, [{ block: 0, slot: 2 }])]);
      expect(pool().versions(1)).toEqual(['0@1=1']);
      expect(pool().sectorBytes(1)[0]).toBe(2);
      expect(pool().counters()).toMatchObject({ nextBlockId: 2, storedBlocks: 1 });
    });

    it('leaves blocks that recover frees', async () => {
      await pool().publish([layer(1, 1, [{ block: 0, slot: 2 }])]);
      await expect(pool().publish([failingLayer()])).rejects.toThrow();
      await pool().store.run({ kind: 'recover' });
      expect(pool().ids()).toEqual([1]);
      expect(pool().counters().storedBlocks).toBe(1);
    });
  });

  describe('recover', () => {
    it('has nothing to do in a new pool', async () => {
      expect(await pool().store.run({ kind: 'recover' })).toEqual({
        nextBlockId: 1,
        storedBlocks: 0,
        publishedSequence: 0,
      });
    });

    it.each([1, 511, 512, 513, 1_100])('frees %d blocks of a killed publish', async (count) => {
      await pool().publish([
        layer(1, 1, [
          { block: 0, slot: 2 },
          { block: 1, slot: 3 },
        ]),
      ]);
      await pool().putUnpublished(count);
      const counters = await pool().store.run({ kind: 'recover' });
      expect(pool().ids()).toEqual([1, 2]);
      expect(counters).toEqual({ nextBlockId: 3, storedBlocks: 2, publishedSequence: 1 });
    });

    it('frees what a published generation had replaced', async () => {
      await pool().publish([layer(1, 1, [{ block: 0, slot: 1 }])]);
      await pool().publish([layer(1, 1, [{ block: 0, slot: 2 }])]);
      await pool().edit(() => {});
      const counters = await pool().store.run({ kind: 'recover' });
      expect(pool().ids()).toEqual([2]);
      expect(counters.storedBlocks).toBe(1);
    });

    it('lets sequences and ids go on where they were', async () => {
      await pool().publish([layer(1, 1, [{ block: 0, slot: 1 }])]);
      await pool().putUnpublished(3);
      await pool().store.run({ kind: 'recover' });
      const { counters } = await pool().publish([layer(1, 1, [{ block: 1, slot: 1 }])]);
      expect(counters).toEqual({ nextBlockId: 3, storedBlocks: 2, publishedSequence: 2 });
      expect(pool().versions(1)).toEqual(['0@1=1', '1@1=2']);
    });
  });

  describe('trim', () => {
    it('frees what was replaced, once', async () => {
      await pool().publish([
        layer(1, 1, [
          { block: 0, slot: 1 },
          { block: 1, slot: 1 },
        ]),
      ]);
      await pool().publish([layer(1, 1, [{ block: 0, slot: 2 }, { block: 1 }])]);
      expect(pool().ids()).toEqual([1, 2, 3]);
      expect((await pool().store.run({ kind: 'trim' })).storedBlocks).toBe(1);
      expect((await pool().store.run({ kind: 'trim' })).storedBlocks).toBe(1);
      expect(pool().ids()).toEqual([3]);
      expect(pool().counters().storedBlocks).toBe(1);
    });

    it('removes the list of what was replaced', async () => {
      await pool().publish([layer(1, 1, [{ block: 0, slot: 1 }])]);
      await pool().publish([layer(1, 1, [{ block: 0, slot: 2 }])]);
      expect(pool().hasRecord('deferredFrees', 2)).toBe(true);
      await pool().store.run({ kind: 'trim' });
      expect(pool().hasRecord('deferredFrees', 2)).toBe(false);
    });
  });
}
