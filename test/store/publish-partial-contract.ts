/** How a publish fills up blocks of which the cache has some sectors. Part of the store's contract suite. */
import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { ALL_SECTORS } from '../../src/store/records.js';
import { layer, type StorePool } from './store-pool.js';

export function describePartialBlocks(pool: () => StorePool): void {
  describe('publish of partial blocks', () => {
    const half = 0x0000_ffff;

    it('fills up with zeros where there is no base', async () => {
      await pool().publish([layer(1, 1, [{ block: 0, slot: 7, sectors: 0x8000_0001 }])]);
      expect(pool().sectorBytes(1)).toEqual([7, ...Array<number>(30).fill(0), 7]);
      expect(pool().location(1, 0, 1).sectors).toBe(ALL_SECTORS);
    });

    it('lays the sectors over their base', async () => {
      await pool().publish([layer(1, 1, [{ block: 0, slot: 1 }])]);
      const base = pool().location(1, 0, 1);
      await pool().publish([
        layer(1, 2, [{ block: 0, slot: 2, sectors: half, base, mapped: true }]),
      ]);
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
      await pool().publish([
        layer(1, 2, [{ block: 0, slot: 2, sectors: half, base, mapped: true }]),
      ]);
      const { id, sectors } = pool().location(1, 0, 2);
      expect(sectors).toBe(half);
      expect(pool().sectorBytes(id).slice(14, 18)).toEqual([2, 2, 0, 0]);
    });

    it('does not take lost sectors over zeros for a block of zeros', async () => {
      const base = { id: 99, crc: 1, sectors: ALL_SECTORS };
      await pool().publish([
        layer(1, 1, [{ block: 0, slot: 0, sectors: half, base, mapped: true }]),
      ]);
      expect(pool().location(1, 0, 1)).toMatchObject({ id: 1, sectors: half });
    });

    it('keeps sectors lost that the base had lost', async () => {
      await pool().publish([layer(1, 1, [{ block: 0, slot: 1 }])]);
      const base = { ...pool().location(1, 0, 1), sectors: 0x00ff_ffff };
      await pool().publish([
        layer(1, 2, [{ block: 0, slot: 2, sectors: half, base, mapped: true }]),
      ]);
      expect(pool().location(1, 0, 2).sectors).toBe(0x00ff_ffff);
    });
  });
}
