/** How a publish fills up blocks of which the cache has some sectors. Part of the store's contract suite. */
import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { locationAt } from '../../src/store/locations.js';
import { ALL_SECTORS } from '../../src/store/records.js';
import { ZEROS } from '../../src/store/resolve.js';
import type { LayerStep, PublishStep } from '../../src/store/tasks.js';
import { layer } from './store-layers.js';
import type { StorePool } from './store-pool.js';

const half = 0x0000_ffff;

export function describePartialBlocks(pool: () => StorePool): void {
  describe('publish of partial blocks', () => {
    it('fills up with zeros where there is no base', async () => {
      await pool().publish([layer(1, 1, [{ block: 0, slot: 7, sectors: 0x8000_0001 }])]);
      expect(pool().sectorBytes(1)).toEqual([7, ...Array<number>(30).fill(0), 7]);
      expect(pool().location(1, 0, 1).sectors).toBe(ALL_SECTORS);
    });

    it('lays the sectors over their base', async () => {
      await pool().publish([layer(1, 1, [{ block: 0, slot: 1 }])]);
      const base = pool().location(1, 0, 1);
      await pool().publish([layer(1, 2, [{ block: 0, slot: 2, sectors: half, base }])]);
      const { id, crc, sectors } = pool().location(1, 0, 2);
      expect(pool().sectorBytes(id)).toEqual([
        ...Array<number>(16).fill(2),
        ...Array<number>(16).fill(1),
      ]);
      expect([sectors, crc]).toEqual([
        ALL_SECTORS,
        crc32(pool().store.blocks.read(id) as Uint8Array),
      ]);
    });

    it.each([0, 1, 2, 3])('puts the only page given to its place %d', async (page) => {
      await pool().publish([layer(1, 1, [{ block: 0, slot: 1 }])]);
      pool().paint(40, (sector) => 100 + sector);
      const sectors = (0b0110_0101 << (8 * page)) >>> 0;
      await pool().publish([layer(1, 2, [{ block: 0, slot: 40, single: true, sectors }])]);
      const { id } = pool().location(1, 0, 2);
      const expected = Array<number>(32).fill(1);
      for (const sector of [0, 2, 5, 6]) expected[8 * page + sector] = 100 + sector;
      expect(pool().sectorBytes(id)).toEqual(expected);
    });

    it('keeps the content of a block apart from that of the one before it', async () => {
      await pool().publish([
        layer(1, 1, [
          { block: 0, slot: 7, sectors: 0xffff_fff0 },
          { block: 1, slot: 8, sectors: half },
        ]),
      ]);
      const { id } = pool().location(1, 1, 1);
      expect(pool().sectorBytes(id)).toEqual([
        ...Array<number>(16).fill(8),
        ...Array<number>(16).fill(0),
      ]);
    });

    it('stores nothing where the sectors and the base are zeros', async () => {
      await pool().publish([layer(1, 1, [{ block: 0, slot: 0, sectors: half }])]);
      expect([pool().versions(1), pool().ids()]).toEqual([[], []]);
    });

    it.each<[string, { id: number; crc: number }]>([
      ['is missing', { id: 99, crc: 1 }],
      ['has another checksum', { id: 1, crc: 1 }],
    ])('marks the other sectors lost where the base %s', async (_what, damaged) => {
      await pool().publish([layer(1, 1, [{ block: 0, slot: 1 }])]);
      const base = { ...damaged, sectors: ALL_SECTORS };
      await pool().publish([layer(1, 2, [{ block: 0, slot: 2, sectors: half, base }])]);
      const { id, sectors } = pool().location(1, 0, 2);
      expect(sectors).toBe(half);
      expect(pool().sectorBytes(id).slice(14, 18)).toEqual([2, 2, 0, 0]);
    });

    it('does not take lost sectors over zeros for a block of zeros', async () => {
      const base = { id: 99, crc: 1, sectors: ALL_SECTORS };
      await pool().publish([layer(1, 1, [{ block: 0, slot: 0, sectors: half, base }])]);
      expect(pool().location(1, 0, 1)).toMatchObject({ id: 1, sectors: half });
    });

    it('keeps sectors lost that the base had lost', async () => {
      await pool().publish([layer(1, 1, [{ block: 0, slot: 1 }])]);
      const base = { ...pool().location(1, 0, 1), sectors: 0x00ff_ffff };
      await pool().publish([layer(1, 2, [{ block: 0, slot: 2, sectors: half, base }])]);
      expect(pool().location(1, 0, 2).sectors).toBe(0x00ff_ffff);
    });
  });

  describe('the base of a partial block', () => {
    /** Publishes the lower half of block 0; returns the byte below it in the upper half. */
    const baseByte = async (lineage: number, epoch: number, clips: readonly PublishStep[] = []) => {
      const block = { block: 0, slot: 50, sectors: half };
      await pool().publish([...clips, layer(lineage, epoch, [block])]);
      return pool().sectorBytes(pool().location(lineage, 0, epoch).id)[31];
    };
    const clip = (lineage: number, epoch: number, block: number): PublishStep => {
      return { kind: 'clip', lineage, epoch, block, replaces: [] };
    };

    it('is the version of the same epoch', async () => {
      await pool().publish([layer(1, 3, [{ block: 0, slot: 3 }])]);
      expect(await baseByte(1, 3)).toBe(3);
    });

    it('is the newest version not after the epoch', async () => {
      for (const epoch of [1, 2, 4]) {
        await pool().publish([layer(1, epoch, [{ block: 0, slot: epoch }])]);
      }
      expect(await baseByte(1, 3)).toBe(2);
    });

    it('is what the parent shows where the lineage has nothing', async () => {
      await pool().lineages([1, 0, 0], [2, 1, 2]);
      for (const epoch of [1, 2, 3]) {
        await pool().publish([layer(1, epoch, [{ block: 0, slot: epoch }])]);
      }
      expect(await baseByte(2, 1)).toBe(2);
    });

    it('is zeros where zeros hide what is older', async () => {
      await pool().publish([layer(1, 1, [{ block: 0, slot: 1 }])]);
      await pool().publish([layer(1, 2, [{ block: 0 }])]);
      expect(await baseByte(1, 3)).toBe(0);
    });

    it.each<[string, number, number, number]>([
      ['a clip of the lineage hides', 1, 2, 0],
      ['a clip past the block leaves', 1, 2, 1],
      ['a clip older than the version leaves', 1, 1, 0],
    ])('is with what %s in mind', async (_what, lineage, epoch, block) => {
      await pool().publish([layer(1, 1, [{ block: 0, slot: 1 }])]);
      const isHidden = epoch === 2 && block === 0;
      expect(await baseByte(1, 3, [clip(lineage, epoch, block)])).toBe(isHidden ? 0 : 1);
    });

    it.each<[number, number]>([
      [2, 0],
      [3, 1],
    ])('is with a clip of the parent of epoch %d in mind', async (epoch, expected) => {
      await pool().lineages([1, 0, 0], [2, 1, 2]);
      await pool().publish([layer(1, 1, [{ block: 0, slot: 1 }])]);
      expect(await baseByte(2, 1, [clip(1, epoch, 0)])).toBe(expected);
    });

    it('is the stored, unpublished block the caller names', async () => {
      await pool().publish([layer(1, 1, [{ block: 0, slot: 1 }])]);
      const [first] = await pool().storeBlocks([layer(1, 2, [{ block: 0, slot: 2 }])]);
      const base = locationAt((first as LayerStep).locations, 0);
      const [second] = await pool().storeBlocks([
        layer(1, 3, [{ block: 0, slot: 3, sectors: half, base }]),
      ]);
      await pool().publishStored([first, second] as PublishStep[]);
      expect(
        pool()
          .sectorBytes(pool().location(1, 0, 3).id)
          .slice(15, 17),
      ).toEqual([3, 2]);
    });

    it('is zeros where the caller knows that', async () => {
      await pool().publish([layer(1, 1, [{ block: 0, slot: 1 }])]);
      await pool().publish([layer(1, 2, [{ block: 0, slot: 2, sectors: half, base: ZEROS }])]);
      expect(
        pool()
          .sectorBytes(pool().location(1, 0, 2).id)
          .slice(15, 17),
      ).toEqual([2, 0]);
    });
  });
}
