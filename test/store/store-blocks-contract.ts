/**
 * Storing blocks before they are published, what lies between the two, and blocks that get one more
 * reference or are given up. Part of the store's contract suite.
 */
import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { BLOCK_BYTES } from '../../src/base/sizes.js';
import { blockKey } from '../../src/store/keys.js';
import { locationAt } from '../../src/store/locations.js';
import { ALL_SECTORS } from '../../src/store/records.js';
import { ZEROS } from '../../src/store/resolve.js';
import type { LayerStep } from '../../src/store/tasks.js';
import { layer, publishTask } from './store-layers.js';
import type { StorePool } from './store-pool.js';

function shares(pool: StorePool, id: number): number {
  const value = pool.store.get('share', blockKey(id));
  return value === undefined ? 0 : Buffer.from(value).readUInt32BE(0);
}

const oneBlock = (slot: number, block = 0, epoch = 1) => layer(1, epoch, [{ block, slot }]);

/** Its last block lies in a slot nobody shared. */
function failing(count: number) {
  const blocks = Array.from({ length: count }, (_, block) => ({ block, slot: 1 }));
  return layer(1, 1, [...blocks, { block: count, slot: 9_999 }]);
}

export function describeStoredBlocks(pool: () => StorePool): void {
  describe('storeBlocks', () => {
    it('says of each block where it is, zeros nowhere', async () => {
      const blocks = [3, 0, 4].map((slot, block) => ({ block, slot }));
      const [step] = await pool().storeBlocks([layer(1, 1, blocks)]);
      const { locations } = step as LayerStep;
      const crcOf = (byte: number) => crc32(new Uint8Array(BLOCK_BYTES).fill(byte));
      expect([0, 1, 2].map((index) => locationAt(locations, index))).toEqual([
        { id: 1, crc: crcOf(3), sectors: ALL_SECTORS },
        ZEROS,
        { id: 2, crc: crcOf(4), sectors: ALL_SECTORS },
      ]);
    });

    it('keeps the parts of a task apart', async () => {
      const [first, second] = await pool().storeBlocks([oneBlock(1), layer(2, 1, [])]);
      const [third] = await pool().storeBlocks([layer(2, 7, [{ block: 9, slot: 5 }])]);
      expect([first, second, third].map((step) => Array.from((step as LayerStep).blocks))).toEqual([
        [0],
        [],
        [9],
      ]);
      await pool().publishStored([first, second, third] as LayerStep[]);
      expect([pool().versions(1), pool().versions(2)]).toEqual([['0@1=1'], ['9@7=2']]);
    });

    it('changes nothing that is shown, counted or kept', async () => {
      await pool().publish([oneBlock(1)]);
      const counters = pool().counters();
      await pool().storeBlocks([oneBlock(2), oneBlock(3, 1)]);
      expect([pool().versions(1), pool().born(1), pool().usage(1)]).toEqual([
        ['0@1=1'],
        ['0@1'],
        1,
      ]);
      expect(pool().counters()).toEqual(counters);
      expect([2, 3].map((id) => pool().sectorBytes(id)[0])).toEqual([2, 3]);
    });

    it('never overwrites what was stored and is not published yet', async () => {
      const first = await pool().storeBlocks([oneBlock(1)]);
      const second = await pool().storeBlocks([oneBlock(2, 1)]);
      await pool().store.run({ kind: 'trim' });
      const third = await pool().storeBlocks([oneBlock(3, 2)]);
      await pool().publishStored([...first, ...second, ...third]);
      expect(pool().versions(1)).toEqual(['0@1=1', '1@1=2', '2@1=3']);
      expect([1, 2, 3].map((id) => pool().sectorBytes(id)[0])).toEqual([1, 2, 3]);
      expect(pool().counters()).toMatchObject({ nextBlockId: 4, storedBlocks: 3 });
    });

    it.each([0, 1, 511, 512, 600])(
      'that fails after %d blocks leaves ids that are taken again',
      async (count) => {
        const kept = await pool().storeBlocks([oneBlock(5, 7)]);
        await expect(pool().storeBlocks([failing(count)])).rejects.toMatchObject({ code: 'EIO' });
        const next = await pool().storeBlocks([oneBlock(6, 8)]);
        await pool().publishStored([...kept, ...next]);
        expect(pool().versions(1)).toEqual(['7@1=1', '8@1=2']);
        expect([1, 2].map((id) => pool().sectorBytes(id)[0])).toEqual([5, 6]);
        await pool().store.run({ kind: 'recover' });
        expect(pool().ids()).toEqual([1, 2]);
      },
    );
  });

  describe('between storing and publishing', () => {
    it('a refused publish leaves the blocks, and can be repeated', async () => {
      const steps = await pool().storeBlocks([oneBlock(1)]);
      await expect(pool().store.run(publishTask(0, steps))).rejects.toMatchObject({
        code: 'EIO',
      });
      expect([pool().versions(1), pool().sectorBytes(1)[0]]).toEqual([[], 1]);
      await pool().publishStored(steps);
      expect([pool().versions(1), pool().ids()]).toEqual([['0@1=1'], [1]]);
    });

    it('a crash leaves blocks that recover frees, and their ids begin again', async () => {
      await pool().publish([oneBlock(1)]);
      const many = Array.from({ length: 520 }, (_, block) => ({ block, slot: 2 }));
      await pool().storeBlocks([layer(1, 2, many)]);
      await pool().edit(() => {});
      const counters = await pool().store.run({ kind: 'recover' });
      expect(counters).toEqual({ nextBlockId: 2, storedBlocks: 1, publishedSequence: 1 });
      expect(pool().ids()).toEqual([1]);
      await pool().publish([oneBlock(3, 5)]);
      expect(pool().versions(1)).toEqual(['0@1=1', '5@1=2']);
    });
  });

  describe('a shared block', () => {
    it('gets one more reference and is counted once', async () => {
      await pool().publish([oneBlock(1)]);
      const shared = pool().location(1, 0, 1);
      const { counters } = await pool().publish([
        layer(2, 1, [
          { block: 4, shared },
          { block: 5, shared },
        ]),
      ]);
      expect(pool().versions(2)).toEqual(['4@1=1', '5@1=1']);
      expect([shares(pool(), 1), counters.storedBlocks, pool().usage(2)]).toEqual([2, 1, 2]);
    });

    it('is freed with its last reference', async () => {
      await pool().publish([oneBlock(1)]);
      const shared = pool().location(1, 0, 1);
      await pool().publish([layer(2, 1, [{ block: 4, shared }])]);
      for (const [lineage, block, left] of [
        [1, 0, [1]],
        [2, 4, []],
      ] as const) {
        await pool().publish([layer(lineage, 1, [{ block }])]);
        await pool().store.run({ kind: 'trim' });
        expect(pool().ids()).toEqual(left);
      }
      expect([shares(pool(), 1), pool().counters().storedBlocks]).toEqual([0, 0]);
    });

    it('may be stored and shared by one generation', async () => {
      const [first] = await pool().storeBlocks([oneBlock(1)]);
      const shared = locationAt((first as LayerStep).locations, 0);
      const { counters } = await pool().publish([
        first as LayerStep,
        layer(2, 1, [{ block: 4, shared }]),
      ]);
      expect([pool().versions(2), shares(pool(), 1), counters.storedBlocks]).toEqual([
        ['4@1=1'],
        1,
        1,
      ]);
    });
  });

  describe('discards', () => {
    it('are freed by the publish and never counted', async () => {
      const old = await pool().storeBlocks([oneBlock(1)]);
      const discard = locationAt((old[0] as LayerStep).locations, 0).id;
      const { counters } = await pool().publish([oneBlock(2)], [], [discard]);
      expect(counters).toEqual({ nextBlockId: 3, storedBlocks: 1, publishedSequence: 1 });
      expect([pool().ids(), pool().versions(1)]).toEqual([[2], ['0@1=2']]);
    });

    it('of a publish that fails are still there', async () => {
      await pool().storeBlocks([oneBlock(1)]);
      await expect(pool().store.run({ ...publishTask(0, []), discards: [1] })).rejects.toThrow();
      expect(pool().sectorBytes(1)[0]).toBe(1);
    });
  });
}
