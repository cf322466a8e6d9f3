/** The store over LMDB: the contract, and what only a store with files and a thread can do wrong. */
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BLOCK_BYTES } from '../../src/base/sizes.js';
import type { BlockStore, StoreTransaction } from '../../src/store/block-store.js';
import { BLOCK_CONTAINERS, type BlockContainerKind } from '../../src/store/container-kind.js';
import type { PoolIdentityRecord } from '../../src/store/records.js';
import { createSlotFile, SLOT_FILE } from '../../src/store/slot-file.js';
import { LmdbEnvironment, LmdbStore, writeIdentity } from './built-store.js';
import { describeStore } from './store-contract.js';
import { layer } from './store-layers.js';
import {
  IDENTITY,
  nextBlockId,
  putBlocks,
  type StoreBackend,
  StorePool,
  storeBlock,
} from './store-pool.js';

class LmdbBackend implements StoreBackend {
  readonly directory = mkdtempSync(join(tmpdir(), 'arrayfs-store-'));
  private readonly identity: PoolIdentityRecord;

  constructor(blockContainer: BlockContainerKind) {
    this.identity = { ...IDENTITY, blockContainer };
    if (blockContainer === 'file') createSlotFile(this.directory);
    const environment = new LmdbEnvironment(this.directory);
    writeIdentity(environment, this.identity);
    void environment.close();
  }

  open(): BlockStore {
    return new LmdbStore(this.directory, this.identity.capacityBytes);
  }

  async edit(action: (transaction: StoreTransaction) => void): Promise<void> {
    const environment = new LmdbEnvironment(this.directory);
    environment.startPuts(nextBlockId(environment));
    environment.transaction((transaction) => {
      action(transaction);
      transaction.blocks.sync();
    });
    environment.endPuts();
    await environment.close();
  }

  async putUnpublished(count: number): Promise<void> {
    const environment = new LmdbEnvironment(this.directory);
    environment.startPuts(nextBlockId(environment));
    environment.putBlocks(({ blocks }) => putBlocks(blocks, count));
    environment.endPuts();
    await environment.close();
  }

  async damage(id: number, content: Uint8Array): Promise<void> {
    if (this.identity.blockContainer === 'file') {
      const file = openSync(join(this.directory, SLOT_FILE), 'r+');
      writeSync(file, content, 0, content.length, (id - 1) * BLOCK_BYTES);
      closeSync(file);
      return;
    }
    const environment = new LmdbEnvironment(this.directory);
    environment.startPuts(id);
    environment.transaction(({ blocks }) => blocks.put(content));
    await environment.close();
  }

  async remove(): Promise<void> {
    rmSync(this.directory, { recursive: true });
  }
}

describe.each(BLOCK_CONTAINERS)('with blocks in %s', (kind) => {
  describeStore('LmdbStore', () => new LmdbBackend(kind));

  describe('LmdbStore over its files', () => {
    let pool: StorePool;
    beforeEach(() => {
      pool = new StorePool(new LmdbBackend(kind));
    });
    afterEach(() => pool.close());

    it('finds after a reopening what was published before', async () => {
      await pool.publish([layer(1, 1, [{ block: 0, slot: 7 }])]);
      await pool.edit(() => {});
      expect([pool.versions(1), pool.sectorBytes(1)[31], pool.counters().nextBlockId]).toEqual([
        ['0@1=1'],
        7,
        2,
      ]);
    });

    it('tells what its files take and what the disk has left', async () => {
      const before = pool.store.fileBytes();
      const blocks = Array.from({ length: 600 }, (_, block) => ({ block, slot: 1 + (block % 60) }));
      await pool.publish([layer(1, 1, blocks)]);
      expect(pool.store.fileBytes() - before).toBeGreaterThan(600 * 16_384);
      expect(pool.store.hostFreeBytes()).toBeGreaterThan(0);
    });

    it('undoes a transaction that throws', async () => {
      const key = Uint8Array.of(1);
      const failed = pool.edit((transaction) => {
        transaction.put('share', key, Uint8Array.of(2));
        storeBlock(transaction, new Uint8Array(BLOCK_BYTES));
        throw new Error('stop');
      });
      await expect(failed).rejects.toMatchObject({ name: 'ArrayError', code: 'EIO' });
      await pool.edit(() => {});
      expect([pool.store.get('share', key), pool.ids()]).toEqual([undefined, []]);
    });
  });
});

describe('LmdbEnvironment', () => {
  it('says ENOENT for a directory without a pool that is opened read-only', () => {
    const directory = mkdtempSync(join(tmpdir(), 'arrayfs-store-'));
    try {
      expect(() => new LmdbEnvironment(directory, { readOnly: true })).toThrow(
        /^ENOENT: no pool in/,
      );
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
