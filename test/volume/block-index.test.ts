/** Locations in memory: loaded once, kept up to date, dropped at the memory bound. */
import { describe, expect, it } from 'vitest';
import { ALL_SECTORS } from '../../src/store/records.js';
import {
  BlockIndex,
  emptyRegion,
  IndexBudget,
  REGION_BLOCKS,
  REGION_BYTES,
  setLocation,
} from '../../src/volume/block-index.js';

/** An index over a map that shows id block + 1 everywhere, and the regions it has loaded. */
function newIndex(budget = new IndexBudget(2 ** 30)): { index: BlockIndex; loads: number[] } {
  const loads: number[] = [];
  const index = new BlockIndex(budget, (first) => {
    loads.push(first / REGION_BLOCKS);
    const region = emptyRegion();
    for (let position = 0; position < REGION_BLOCKS; position += 1) {
      const id = first + position + 1;
      setLocation(region, position, { id, crc: id, sectors: ALL_SECTORS });
    }
    return region;
  });
  return { index, loads };
}

/** A budget for `count` regions. */
function budgetOf(count: number): IndexBudget {
  return new IndexBudget(count * REGION_BYTES);
}

describe('BlockIndex', () => {
  it('loads a region on first touch, once', () => {
    const { index, loads } = newIndex();
    expect(index.locate(3)).toEqual({ id: 4, crc: 4, sectors: ALL_SECTORS });
    index.locate(REGION_BLOCKS - 1);
    index.locate(5 * REGION_BLOCKS + 2);
    index.locate(0);
    expect(loads).toEqual([0, 5]);
  });

  it('shows what was published since', () => {
    const { index, loads } = newIndex();
    index.locate(3);
    index.update(3, { id: 99, crc: 7, sectors: ALL_SECTORS });
    expect(index.locate(3)).toEqual({ id: 99, crc: 7, sectors: ALL_SECTORS });
    expect(loads).toEqual([0]);
  });

  it('leaves regions that are not in memory to the map', () => {
    const { index, loads } = newIndex();
    index.update(3, { id: 99, crc: 7, sectors: ALL_SECTORS });
    expect(loads).toEqual([]);
    expect(index.locate(3).id).toBe(4);
  });

  it('remembers lost sectors until the block is whole again', () => {
    const { index } = newIndex();
    index.locate(3);
    index.update(3, { id: 9, crc: 0, sectors: 0x0f });
    expect([index.locate(3).sectors, index.locate(2).sectors]).toEqual([0x0f, ALL_SECTORS]);
    index.update(3, { id: 10, crc: 0, sectors: ALL_SECTORS });
    expect(index.locate(3).sectors).toBe(ALL_SECTORS);
  });

  it('reads regions again that a clip reaches, and only those', () => {
    const { index, loads } = newIndex();
    for (const region of [0, 1, 2]) index.locate(region * REGION_BLOCKS);
    index.clip(REGION_BLOCKS + 1);
    for (const region of [0, 1, 2]) index.locate(region * REGION_BLOCKS);
    expect(loads).toEqual([0, 1, 2, 1, 2]);
  });

  it('keeps a region that ends where a clip begins', () => {
    const { index, loads } = newIndex();
    index.locate(0);
    index.clip(REGION_BLOCKS);
    index.locate(0);
    expect(loads).toEqual([0]);
  });

  it('is usable after it was cleared', () => {
    const { index, loads } = newIndex();
    index.locate(0);
    index.clear();
    expect(index.locate(0).id).toBe(1);
    expect(loads).toEqual([0, 0]);
  });
});

describe('IndexBudget', () => {
  it('drops a region when the bound is reached', () => {
    const { index, loads } = newIndex(budgetOf(2));
    for (const region of [0, 1, 2]) index.locate(region * REGION_BLOCKS);
    index.locate(2 * REGION_BLOCKS);
    expect(loads).toEqual([0, 1, 2]);
    for (const region of [0, 1]) index.locate(region * REGION_BLOCKS);
    expect(loads.length).toBeGreaterThan(3);
  });

  it('gives regions that were touched a second chance', () => {
    const { index, loads } = newIndex(budgetOf(3));
    for (const region of [0, 1, 2, 3]) index.locate(region * REGION_BLOCKS);
    // Region 0 went; 1 and 2 have lost their mark. Touching 1 leaves 2 as the next to go.
    index.locate(1 * REGION_BLOCKS);
    index.locate(4 * REGION_BLOCKS);
    index.locate(1 * REGION_BLOCKS);
    expect(loads).toEqual([0, 1, 2, 3, 4]);
    index.locate(2 * REGION_BLOCKS);
    expect(loads).toEqual([0, 1, 2, 3, 4, 2]);
  });

  it('is shared by all indexes', () => {
    const budget = budgetOf(2);
    const [first, second] = [newIndex(budget), newIndex(budget)];
    first.index.locate(0);
    second.index.locate(0);
    second.index.locate(REGION_BLOCKS);
    second.index.locate(0);
    first.index.locate(0);
    expect(first.loads.length).toBe(2);
  });

  it.each<[string, (index: BlockIndex) => void]>([
    ['cleared', (index) => index.clear()],
    ['clipped', (index) => index.clip(0)],
  ])('has room again for what an index gives back when %s', (_what, give) => {
    const budget = budgetOf(2);
    const [first, second] = [newIndex(budget), newIndex(budget)];
    first.index.locate(0);
    second.index.locate(0);
    give(second.index);
    second.index.locate(REGION_BLOCKS);
    first.index.locate(0);
    expect(first.loads).toEqual([0]);
  });
});
