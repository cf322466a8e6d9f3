/** The store in memory: the contract, and the faults that tests inject into it. */
import { beforeEach, describe, expect, it } from 'vitest';
import { ArrayError } from '../../src/base/errors.js';
import type { BlockStore, StoreTransaction } from '../../src/store/block-store.js';
import { BLOCK_CONTAINERS, type BlockContainerKind } from '../../src/store/container-kind.js';
import { MemoryStore } from '../../src/store/memory-store.js';
import { writeIdentity } from '../../src/store/pool-files.js';
import { describeStore } from './store-contract.js';
import { layer } from './store-layers.js';
import { IDENTITY, nextBlockId, putBlocks, type StoreBackend, StorePool } from './store-pool.js';

class MemoryBackend implements StoreBackend {
  store: MemoryStore;

  constructor(blockContainer: BlockContainerKind) {
    this.store = MemoryStore.withBlocksIn(blockContainer);
    writeIdentity(this.store, { ...IDENTITY, blockContainer });
  }

  open(): BlockStore {
    this.store = this.store.crash();
    return this.store;
  }

  async edit(action: (transaction: StoreTransaction) => void): Promise<void> {
    this.store = this.store.crash();
    this.store.startPuts(nextBlockId(this.store));
    this.store.transaction(action);
    this.store.endPuts();
  }

  async putUnpublished(count: number): Promise<void> {
    this.store = this.store.crash();
    this.store.startPuts(nextBlockId(this.store));
    this.store.putBlocks(({ blocks }) => putBlocks(blocks, count));
    this.store.endPuts();
  }

  async damage(id: number, content: Uint8Array): Promise<void> {
    this.store.damage(id, (stored) => stored.set(content));
  }

  async remove(): Promise<void> {}
}

describe.each(BLOCK_CONTAINERS)('with blocks in %s', (kind) => {
  describeStore('MemoryStore', () => new MemoryBackend(kind));
});

describe('a memory store whose disk fails', () => {
  let backend: MemoryBackend;
  let pool: StorePool;
  beforeEach(() => {
    backend = new MemoryBackend('lmdb');
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

  it('publishes what was stored before the failure, after a repair', async () => {
    const stored = await pool.storeBlocks([many]);
    backend.store.failTransactionAfter(0);
    await expect(pool.publishStored(stored)).rejects.toMatchObject({ code: 'EIO' });
    expect([pool.versions(1), pool.sectorBytes(1_200)[0]]).toEqual([[], 1]);
    backend.store.failTransactionAfter(undefined);
    const { counters } = await pool.publishStored(stored);
    expect(counters).toMatchObject({ nextBlockId: 1_201, storedBlocks: 1_200 });
  });

  it.each([0, 1, 2, 3])(
    'holds nothing of a publish killed after %d transactions',
    async (count) => {
      backend.store.failTransactionAfter(count);
      await expect(pool.publish([many])).rejects.toThrow();
      await pool.edit(() => {});
      await pool.store.run({ kind: 'recover' });
      expect([pool.ids(), pool.versions(1), pool.born(1)]).toEqual([[], [], []]);
    },
  );

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
