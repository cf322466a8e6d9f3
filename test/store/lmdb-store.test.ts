/** The store over LMDB: the contract, and what only a store with files and a thread can do wrong. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BlockStore, StoreTransaction } from '../../src/store/block-store.js';
import { LmdbEnvironment, LmdbStore, writeIdentity } from './built-store.js';
import { describeStore } from './store-contract.js';
import { IDENTITY, layer, type StoreBackend, StorePool } from './store-pool.js';

class LmdbBackend implements StoreBackend {
  readonly directory = mkdtempSync(join(tmpdir(), 'arrayfs-store-'));

  constructor() {
    const environment = new LmdbEnvironment(this.directory);
    writeIdentity(environment, IDENTITY);
    void environment.close();
  }

  open(): BlockStore {
    return new LmdbStore(this.directory, IDENTITY.capacityBytes);
  }

  async edit(action: (transaction: StoreTransaction) => void, firstId: number): Promise<void> {
    const environment = new LmdbEnvironment(this.directory);
    environment.startIds(firstId);
    environment.transaction(action);
    await environment.close();
  }

  async remove(): Promise<void> {
    rmSync(this.directory, { recursive: true });
  }
}

describeStore('LmdbStore', () => new LmdbBackend());

describe('LmdbStore over its files', () => {
  let pool: StorePool;
  beforeEach(() => {
    pool = new StorePool(new LmdbBackend());
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

  it('tells what its file takes and what the disk has left', async () => {
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
      throw new Error('stop');
    });
    await expect(failed).rejects.toMatchObject({ name: 'ArrayError', code: 'EIO' });
    await pool.edit(() => {});
    expect(pool.store.get('share', key)).toBeUndefined();
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
