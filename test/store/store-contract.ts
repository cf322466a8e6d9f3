/**
 * The contract of a store: one suite, run by every implementation. What the store promises to readers
 * is here, what each task does to the tables is in the suites beside it.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BLOCK_BYTES } from '../../src/base/sizes.js';
import type { BlockStore, TableName } from '../../src/store/block-store.js';
import { recordKey } from '../../src/store/keys.js';
import { packCount } from '../../src/store/records.js';
import { describeMerge } from './merge-contract.js';
import { describePublish } from './publish-contract.js';
import { describePartialBlocks } from './publish-partial-contract.js';
import { describePublishedUsage } from './publish-usage-contract.js';
import { describeReclaim } from './reclaim-contract.js';
import { describeRecovery } from './recovery-contract.js';
import { describeStoredBlocks } from './store-blocks-contract.js';
import { layer } from './store-layers.js';
import { type StoreBackend, StorePool, storeBlock } from './store-pool.js';
import { describeVerify } from './verify-contract.js';

/** Runs the whole suite; `newBackend` makes an empty pool of IDENTITY. */
export function describeStore(name: string, newBackend: () => StoreBackend): void {
  describe(name, () => {
    let pool: StorePool;
    beforeEach(() => {
      pool = new StorePool(newBackend());
    });
    afterEach(() => pool.close());
    const current = () => pool;
    describeReading(current);
    describeTaskOrder(current);
    describePublish(current);
    describeStoredBlocks(current);
    describePartialBlocks(current);
    describePublishedUsage(current);
    describeRecovery(current);
    describeReclaim(current);
    describeMerge(current);
    describeVerify(current);
  });
}

const bytes = (...values: number[]) => Uint8Array.from(values);

function keys(store: BlockStore, table: TableName, start: Uint8Array, end: Uint8Array): string[] {
  return [...store.range(table, start, end)].map(({ key }) => Buffer.from(key).toString('hex'));
}

function describeReading(pool: () => StorePool): void {
  describe('reading', () => {
    it('knows nothing that was not put', () => {
      const { store } = pool();
      expect(store.get('records', bytes(9))).toBeUndefined();
      expect(store.blocks.read(1)).toBeUndefined();
      expect([...store.range('map', bytes(0), bytes(255))]).toEqual([]);
    });

    it.each<TableName>(['records', 'map', 'born', 'share'])(
      'keeps table %s apart',
      async (table) => {
        await pool().edit((transaction) => transaction.put(table, bytes(200), bytes(1, 2)));
        const { store } = pool();
        for (const other of ['records', 'map', 'born', 'share'] as const) {
          const value = store.get(other, bytes(200));
          expect(value && Array.from(value)).toEqual(other === table ? [1, 2] : undefined);
        }
      },
    );

    it('orders keys as bytes, shorter before longer', async () => {
      await pool().edit((transaction) => {
        for (const key of [[2], [1, 255], [255, 0], [1], [1, 0], [128]]) {
          transaction.put('share', bytes(...key), bytes(0));
        }
      });
      expect(keys(pool().store, 'share', bytes(0), bytes(255, 255))).toEqual([
        ...['01', '0100', '01ff', '02', '80', 'ff00'],
      ]);
    });

    it('has in a range its start and not its end', async () => {
      await pool().edit((transaction) => {
        for (const key of [1, 2, 3, 4]) transaction.put('share', bytes(key), bytes(key));
      });
      expect(keys(pool().store, 'share', bytes(2), bytes(4))).toEqual(['02', '03']);
      expect(keys(pool().store, 'share', bytes(2), bytes(2))).toEqual([]);
    });

    it('lets a range be left in the middle', async () => {
      await pool().edit((transaction) => {
        for (const key of [1, 2, 3]) transaction.put('share', bytes(key), bytes(key));
      });
      for (const { key } of pool().store.range('share', bytes(0), bytes(9))) {
        expect(Array.from(key)).toEqual([1]);
        break;
      }
      expect(keys(pool().store, 'share', bytes(0), bytes(9))).toHaveLength(3);
    });

    it('replaces a value and removes a key, also one that is not there', async () => {
      await pool().edit((transaction) => {
        transaction.put('share', bytes(1), bytes(1));
        transaction.put('share', bytes(1), bytes(2));
        transaction.put('share', bytes(2), bytes(2));
        transaction.remove('share', bytes(2));
        transaction.remove('share', bytes(3));
      });
      const entries = [...pool().store.range('share', bytes(0), bytes(9))];
      expect(entries.map(({ value }) => Array.from(value))).toEqual([[2]]);
    });

    it('does not keep the buffers it was given', async () => {
      const value = bytes(1);
      const content = new Uint8Array(BLOCK_BYTES).fill(1);
      await pool().edit((transaction) => {
        transaction.put('share', bytes(1), value);
        value[0] = 9;
        storeBlock(transaction, content);
        content.fill(9);
      });
      expect(Array.from(pool().store.get('share', bytes(1)) ?? [])).toEqual([1]);
      expect(pool().store.blocks.read(1)?.[BLOCK_BYTES - 1]).toBe(1);
    });

    it('gives a block with exactly its 16 KiB', async () => {
      await pool().publish([layer(1, 1, [{ block: 0, slot: 3 }])]);
      const content = pool().store.blocks.read(1) as Uint8Array;
      const copy = new Uint8Array(content);
      expect([copy.length, copy[0], copy[BLOCK_BYTES - 1]]).toEqual([BLOCK_BYTES, 3, 3]);
    });

    it('lists the ids of blocks ascending, from any id on', async () => {
      const blocks = Array.from({ length: 258 }, (_, block) => ({ block, slot: 1 }));
      await pool().publish([layer(1, 1, blocks)]);
      await pool().edit((transaction) => {
        for (let id = 1; id < 255; id += 1) transaction.blocks.free(id);
        expect(transaction.blocks.free(257)).toBe(true);
        expect(transaction.blocks.free(257)).toBe(false);
      });
      expect([...pool().store.blocks.ids(1)]).toEqual([255, 256, 258]);
      expect([...pool().store.blocks.ids(255)]).toEqual([255, 256, 258]);
      expect([...pool().store.blocks.ids(257)]).toEqual([258]);
      expect([...pool().store.blocks.ids(259)]).toEqual([]);
    });

    it('frees a block that was put in the same transaction', async () => {
      await pool().edit((transaction) => {
        const [first, second] = [1, 2].map((byte) =>
          storeBlock(transaction, new Uint8Array(BLOCK_BYTES).fill(byte)),
        );
        expect([first, second]).toEqual([1, 2]);
        expect(transaction.blocks.free(1)).toBe(true);
        expect(transaction.blocks.free(1)).toBe(false);
      });
      expect([pool().ids(), pool().sectorBytes(2)[0]]).toEqual([[2], 2]);
    });

    it('reads a block in the transaction that puts it', async () => {
      await pool().edit(({ blocks }) => {
        const ids = [1, 2, 3].map((byte) => blocks.put(new Uint8Array(BLOCK_BYTES).fill(byte)));
        expect(ids.map((id) => blocks.read(id)?.[BLOCK_BYTES - 1])).toEqual([1, 2, 3]);
      });
    });

    it('has its blocks also where they were fetched before', async () => {
      const blocks = Array.from({ length: 40 }, (_, block) => ({ block, slot: 1 + block }));
      await pool().publish([layer(1, 1, blocks)]);
      await pool().store.blocks.prefetch([7, 8, 9, 40, 1, 1_000]);
      expect([7, 40, 1].map((id) => pool().sectorBytes(id)[0])).toEqual([7, 40, 1]);
    });
  });
}

function describeTaskOrder(pool: () => StorePool): void {
  describe('tasks', () => {
    it('run one after the other, in the order of the calls', async () => {
      const [first, second] = await Promise.all([
        pool().storeBlocks([layer(1, 1, [{ block: 0, slot: 1 }])]),
        pool().storeBlocks([layer(1, 1, [{ block: 0, slot: 2 }])]),
      ]);
      await Promise.all([
        pool().publishStored(first),
        pool().publishStored(second),
        pool().store.run({ kind: 'trim' }),
      ]);
      expect([pool().versions(1), pool().ids()]).toEqual([['0@1=2'], [2]]);
    });

    it('go on after one that failed', async () => {
      const failing = pool().publish([layer(1, 1, [{ block: 0, slot: 9_999 }])]);
      const next = pool().publish([layer(1, 1, [{ block: 0, slot: 2 }])]);
      await expect(failing).rejects.toMatchObject({ name: 'ArrayError', code: 'EIO' });
      await next;
      expect(pool().versions(1)).toEqual(['0@1=1']);
    });

    it('are seen by reads once they have resolved', async () => {
      const key = recordKey('job', 1);
      for (let count = 1; count <= 20; count += 1) {
        await pool().publish([], [{ key, value: packCount(count) }]);
        expect(Buffer.from(pool().store.get('records', key) ?? [])).toEqual(packCount(count));
      }
    });

    it('under way are waited for by close', async () => {
      const stored = await pool().storeBlocks([layer(1, 1, [{ block: 0, slot: 1 }])]);
      const done = pool().publishStored(stored);
      await pool().edit(() => {});
      await done;
      expect(pool().versions(1)).toEqual(['0@1=1']);
    });
  });
}
