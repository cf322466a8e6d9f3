/** Fetching of cold blocks: what is waited for, and what only once. */
import { describe, expect, it } from 'vitest';
import { BlockFetcher } from '../../src/store/block-fetcher.js';
import type { BlockStore } from '../../src/store/block-store.js';
import { DAMAGED_LOCATION } from '../../src/store/resolve.js';

/** A store whose fetches end when the test says so. */
class SlowStore {
  readonly calls: { ids: readonly number[]; end: () => void }[] = [];
  readonly blocks = {
    prefetch: (ids: readonly number[]): Promise<void> =>
      new Promise((end) => this.calls.push({ ids, end })),
  };

  /** A fetcher that has just seen a slow read, of block 999,999. */
  fetcher(): BlockFetcher {
    const fetcher = new BlockFetcher(this as unknown as BlockStore);
    fetcher.noteRead(999_999, 1);
    return fetcher;
  }
}

function range(from: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => from + index);
}

describe('BlockFetcher', () => {
  it('waits for nothing where all blocks are warm, zeros or damaged', () => {
    const store = new SlowStore();
    const fetcher = store.fetcher();
    fetcher.warm.add(7);
    expect(fetcher.fetch([0, 7, DAMAGED_LOCATION.id])).toBeUndefined();
    expect(store.calls).toEqual([]);
  });

  it('believes all blocks to be warm until a read was slow', () => {
    const store = new SlowStore();
    const fetcher = new BlockFetcher(store as unknown as BlockStore);
    expect([fetcher.isActive, fetcher.fetch([5])]).toEqual([false, undefined]);
    fetcher.noteRead(5, 0.01);
    expect(fetcher.isActive).toBe(false);
    fetcher.noteRead(6, 1);
    expect(fetcher.fetch([7])).toBeDefined();
  });

  it('after 64 fetched blocks reads one at once, and fetches twice as many if that is slow', () => {
    const store = new SlowStore();
    const fetcher = store.fetcher();
    fetcher.fetch(range(1, 64));
    expect(fetcher.fetch([100])).toBeUndefined();
    fetcher.noteRead(100, 1);
    fetcher.fetch(range(101, 200));
    expect(store.calls.flatMap(({ ids }) => ids)).toEqual([...range(1, 64), ...range(101, 128)]);
  });

  it('forgets what it took for warm when that was slow', () => {
    const other = new SlowStore().fetcher();
    other.warm.add(5);
    other.noteRead(999_999, 1);
    expect(other.warm.has(5)).toBe(false);
  });

  it('fetches cold blocks, eight to a call', () => {
    const store = new SlowStore();
    store.fetcher().fetch(range(1, 20));
    expect(store.calls.map(({ ids }) => ids)).toEqual([range(1, 8), range(9, 8), range(17, 4)]);
  });

  it('counts a block as warm only once it is there', async () => {
    const store = new SlowStore();
    const fetcher = store.fetcher();
    const first = fetcher.fetch([5]);
    const second = fetcher.fetch([5]);
    expect(second).toBeDefined();
    expect(store.calls).toHaveLength(1);
    store.calls[0]?.end();
    await Promise.all([first, second]);
    expect(fetcher.fetch([5])).toBeUndefined();
  });

  it('fetches again what was forgotten', async () => {
    const store = new SlowStore();
    const fetcher = store.fetcher();
    fetcher.warm.add(3);
    fetcher.warm.clear();
    expect(fetcher.fetch([3])).toBeDefined();
  });

  it('tells ids apart that share a place in its table', () => {
    const { warm } = new SlowStore().fetcher();
    warm.add(1 + 2 ** 20);
    expect([warm.has(1), warm.has(1 + 2 ** 20)]).toEqual([false, true]);
  });
});
