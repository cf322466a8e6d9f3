/** What a publish does to blocks, map, born bitmaps and records. Part of the store's contract suite. */
import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { BLOCK_BYTES } from '../../src/base/sizes.js';
import { CHUNK_BLOCKS, EPOCH_MAX, recordKey } from '../../src/store/keys.js';
import { ALL_SECTORS, packCount } from '../../src/store/records.js';
import { layer, publishTask } from './store-layers.js';
import type { StorePool } from './store-pool.js';

export function describePublish(pool: () => StorePool): void {
  describe('publish', () => {
    it('stores blocks under fresh ids and names them in the map', async () => {
      await pool().publish([
        layer(1, 1, [
          { block: 5, slot: 3 },
          { block: 9, slot: 4 },
        ]),
      ]);
      expect(pool().versions(1)).toEqual(['5@1=1', '9@1=2']);
      expect(pool().location(1, 9, 1)).toEqual({
        id: 2,
        crc: crc32(new Uint8Array(BLOCK_BYTES).fill(4)),
        sectors: ALL_SECTORS,
      });
    });

    it('marks what was born, chunk by chunk', async () => {
      const blocks = [0, CHUNK_BLOCKS - 1, CHUNK_BLOCKS, 2 ** 30].map((block) => ({
        block,
        slot: 1,
      }));
      await pool().publish([layer(1, 3, blocks)]);
      expect(pool().born(1)).toEqual(blocks.map(({ block }) => `${block}@3`));
    });

    it('puts and removes records with the blocks', async () => {
      const [kept, gone] = [recordKey('job', 1), recordKey('job', 2)];
      await pool().publish([], [{ key: gone, value: packCount(1) }]);
      await pool().publish(
        [layer(1, 1, [{ block: 0, slot: 1 }])],
        [
          { key: kept, value: packCount(1) },
          { key: gone, value: undefined },
        ],
      );
      expect([pool().hasRecord('job', 1), pool().hasRecord('job', 2)]).toEqual([true, false]);
    });

    it('counts blocks, ids and its sequence', async () => {
      await pool().publish([layer(1, 1, [{ block: 0, slot: 1 }, { block: 1 }])]);
      const { counters } = await pool().publish([layer(1, 2, [{ block: 0, slot: 2 }])]);
      expect(counters).toEqual({ nextBlockId: 3, storedBlocks: 2, publishedSequence: 2 });
      expect(pool().counters()).toEqual(counters);
    });

    it('refuses a sequence that is not newer', async () => {
      await pool().publish([]);
      const again = pool().store.run(publishTask(1, []));
      await expect(again).rejects.toMatchObject({ code: 'EIO' });
    });

    it('publishes more blocks than one transaction holds', async () => {
      const blocks = Array.from({ length: 1_300 }, (_, block) => ({
        block,
        slot: 1 + (block % 60),
      }));
      const { counters } = await pool().publish([layer(1, 1, blocks)]);
      expect(counters.storedBlocks).toBe(1_300);
      expect(pool().born(1)).toHaveLength(1_300);
      expect(pool().sectorBytes(pool().location(1, 1_299, 1).id)[0]).toBe(1 + (1_299 % 60));
    });

    it('keeps a block that is rewritten until the next task', async () => {
      await pool().publish([layer(1, 1, [{ block: 0, slot: 1 }])]);
      await pool().publish([layer(1, 1, [{ block: 0, slot: 2 }])]);
      expect(pool().ids()).toEqual([1, 2]);
      const { counters } = await pool().publish([]);
      expect(pool().ids()).toEqual([2]);
      expect(counters.storedBlocks).toBe(1);
    });

    it('keeps the older version for another epoch', async () => {
      await pool().publish([layer(1, 1, [{ block: 0, slot: 1 }])]);
      await pool().publish([layer(1, 2, [{ block: 0, slot: 2 }])]);
      await pool().store.run({ kind: 'trim' });
      expect(pool().versions(1)).toEqual(['0@2=2', '0@1=1']);
      expect(pool().ids()).toEqual([1, 2]);
    });
  });

  describe('publish of zeros', () => {
    it('stores nothing where nothing was visible', async () => {
      await pool().publish([layer(1, 1, [{ block: 0 }, { block: 1, slot: 0 }])]);
      expect([pool().versions(1), pool().born(1), pool().ids()]).toEqual([[], [], []]);
    });

    it('is an entry without a block where a parent shows content', async () => {
      await pool().lineages([1, 0, 0], [2, 1, 1]);
      await pool().publish([
        layer(1, 1, [
          { block: 0, slot: 1 },
          { block: 1, slot: 1 },
        ]),
        { kind: 'usage', lineage: 1, epoch: EPOCH_MAX, toLineage: 2, toEpoch: EPOCH_MAX },
      ]);
      await pool().publish([layer(2, 1, [{ block: 0 }, { block: 1, slot: 0 }, { block: 2 }])]);
      expect(pool().versions(2)).toEqual(['0@1=0', '1@1=0']);
      expect(pool().born(2)).toEqual(['0@1', '1@1']);
      expect([pool().ids(), pool().usage(2)]).toEqual([[1, 2], 0]);
    });

    it('is an entry without a block above an older version', async () => {
      await pool().publish([layer(1, 1, [{ block: 0, slot: 1 }])]);
      await pool().publish([layer(1, 2, [{ block: 0 }])]);
      expect(pool().versions(1)).toEqual(['0@2=0', '0@1=1']);
      expect(pool().born(1)).toEqual(['0@1', '0@2']);
    });

    it('over a version of its own epoch removes that version', async () => {
      await pool().publish([layer(1, 1, [{ block: 0, slot: 1 }])]);
      await pool().publish([layer(1, 1, [{ block: 0 }])]);
      await pool().store.run({ kind: 'trim' });
      expect([pool().versions(1), pool().born(1), pool().ids()]).toEqual([[], [], []]);
    });

    it('over a version of its own epoch stays an entry above an older version', async () => {
      await pool().publish([layer(1, 1, [{ block: 0, slot: 1 }])]);
      await pool().publish([layer(1, 2, [{ block: 0, slot: 2 }])]);
      await pool().publish([layer(1, 2, [{ block: 0 }])]);
      expect(pool().versions(1)).toEqual(['0@2=0', '0@1=1']);
      expect(pool().born(1)).toEqual(['0@1', '0@2']);
    });

    it('over a version of its own epoch stays an entry above a parent', async () => {
      await pool().lineages([1, 0, 0], [2, 1, 1]);
      await pool().publish([layer(2, 1, [{ block: 0, slot: 1 }])]);
      await pool().publish([layer(2, 1, [{ block: 0 }])]);
      expect(pool().versions(2)).toEqual(['0@1=0']);
    });

    it('does not take the neighbouring block for an older version', async () => {
      await pool().publish([layer(1, 1, [{ block: 1, slot: 1 }])]);
      await pool().publish([layer(1, 2, [{ block: 0, slot: 2 }])]);
      await pool().publish([layer(1, 2, [{ block: 0 }])]);
      expect(pool().versions(1)).toEqual(['1@1=1']);
    });
  });

  describe('publish where views have gone', () => {
    const rewrite = (slot: number | undefined, previousView: number) => {
      const block = { block: 0, ...(slot === undefined ? {} : { slot }) };
      return pool().publish([layer(1, 5, [block], previousView)]);
    };

    it('removes versions that only the head still showed', async () => {
      for (const epoch of [1, 2, 3]) {
        await pool().publish([layer(1, epoch, [{ block: 0, slot: 1 }])]);
      }
      await rewrite(9, 1);
      expect(pool().versions(1)).toEqual(['0@5=4', '0@1=1']);
      expect(pool().born(1)).toEqual(['0@1', '0@5']);
    });

    it('frees their blocks with the next task', async () => {
      await pool().publish([layer(1, 1, [{ block: 0, slot: 1 }])]);
      await rewrite(9, -1);
      expect(pool().ids()).toEqual([1, 2]);
      expect((await pool().store.run({ kind: 'trim' })).storedBlocks).toBe(1);
      expect([pool().ids(), pool().usage(1)]).toEqual([[2], 1]);
    });

    it('leaves nothing where zeros replace the only version', async () => {
      await pool().publish([layer(1, 1, [{ block: 0, slot: 1 }])]);
      await rewrite(undefined, -1);
      expect([pool().versions(1), pool().born(1), pool().usage(1)]).toEqual([[], [], 0]);
    });

    it('leaves zeros where they replace zeros above an older version', async () => {
      await pool().publish([layer(1, 1, [{ block: 0, slot: 1 }])]);
      await pool().publish([layer(1, 2, [{ block: 0 }])]);
      await pool().publish([layer(1, 5, [{ block: 0 }], 1)]);
      expect(pool().versions(1)).toEqual(['0@5=0', '0@1=1']);
    });

    it('removes what an earlier layer of the same generation wrote', async () => {
      await pool().publish([
        layer(1, 1, [{ block: 0, slot: 1 }]),
        layer(1, 2, [{ block: 0, slot: 2 }], -1),
      ]);
      await pool().store.run({ kind: 'trim' });
      expect([pool().versions(1), pool().ids()]).toEqual([['0@2=2'], [2]]);
    });

    it('leaves other blocks of those epochs alone', async () => {
      await pool().publish([
        layer(1, 1, [
          { block: 0, slot: 1 },
          { block: 1, slot: 1 },
        ]),
      ]);
      await rewrite(9, -1);
      expect(pool().versions(1)).toEqual(['0@5=3', '1@1=2']);
    });
  });
}
