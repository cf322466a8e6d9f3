/** The store in memory: the contract, and the faults that tests inject into it. */
import { beforeEach, describe, expect, it } from 'vitest';
import { ArrayError } from '../../src/base/errors.js';
import type { BlockStore, StoreTransaction } from '../../src/store/block-store.js';
import { MemoryStore } from '../../src/store/memory-store.js';
import { writeIdentity } from '../../src/store/pool-files.js';
import { describeStore } from './store-contract.js';
import { IDENTITY, layer, type StoreBackend, StorePool } from './store-pool.js';

class MemoryBackend implements StoreBackend {
  store = new MemoryStore();

  constructor() {
    writeIdentity(this.store, IDENTITY);
  }

  open(): BlockStore {
    this.store = this.store.crash();
    return this.store;
  }

  async edit(action: (transaction: StoreTransaction) => void, firstId: number): Promise<void> {
    this.store = this.store.crash();
    this.store.startIds(firstId);
    this.store.transaction(action);
  }

  async remove(): Promise<void> {}
}

describeStore('MemoryStore', () => new MemoryBackend());

describe('a memory store whose disk fails', () => {
  let backend: MemoryBackend;
  let pool: StorePool;
  beforeEach(() => {
    backend = new MemoryBackend();
    pool = new StorePool(backend);
  });
  const many = layer(
    1,
    1,
    Array.from({ length: 1_200 }, (_, block) => ({ block, slot: 1 })),
  );

  it('rejects with the injected error after so many transactions', async () => {
    backend.store.failTransactionAfter(1, new ArrayError('ENOSPC', 'the disk is full'));
    await expect(pool.publish([many])).rejects.toMatchObject({ code: 'ENOSPC' });
    expect([pool.ids().length, pool.versions(1)]).toEqual([512, []]);
  });

  it.each([0, 1, 2])('publishes all after %d transactions and a repair', async (count) => {
    backend.store.failTransactionAfter(count);
    await expect(pool.publish([many])).rejects.toMatchObject({ code: 'EIO' });
    backend.store.failTransactionAfter(undefined);
    const { counters } = await pool.publish([many]);
    expect(counters).toMatchObject({ nextBlockId: 1_201, storedBlocks: 1_200 });
    expect(pool.ids()).toHaveLength(1_200);
  });

  it.each([0, 1, 2])('holds nothing of a publish killed after %d transactions', async (count) => {
    backend.store.failTransactionAfter(count);
    await expect(pool.publish([many])).rejects.toThrow();
    await pool.edit(() => {});
    await pool.store.run({ kind: 'recover' });
    expect([pool.ids(), pool.versions(1), pool.born(1)]).toEqual([[], [], []]);
  });

  it('undoes a transaction that throws', () => {
    const { store } = backend;
    const key = Uint8Array.of(1);
    store.transaction((transaction) => transaction.put('share', key, Uint8Array.of(1)));
    const fail = () => {
      store.transaction((transaction) => {
        transaction.put('share', key, Uint8Array.of(2));
        transaction.put('share', Uint8Array.of(2), Uint8Array.of(2));
        transaction.remove('share', key);
        transaction.blocks.put(new Uint8Array(16_384));
        throw new Error('stop');
      });
    };
    expect(fail).toThrow('stop');
    expect(Array.from(store.get('share', key) ?? [])).toEqual([1]);
    expect([store.get('share', Uint8Array.of(2)), [...store.blocks.ids(1)]]).toEqual([
      undefined,
      [],
    ]);
  });

  it('is independent of the store it crashed from', async () => {
    const crashed = backend.store.crash();
    await pool.publish([layer(1, 1, [{ block: 0, slot: 1 }])]);
    expect([...crashed.blocks.ids(1)]).toEqual([]);
  });
});
