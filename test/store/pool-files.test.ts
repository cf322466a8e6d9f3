/** Making the store of an array, with its blocks in either place, and copies of it. */
import { cpSync, existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BLOCK_COST_BYTES, FILE_BLOCK_COST_BYTES } from '../../src/base/limits.js';
import { BLOCK_BYTES } from '../../src/base/sizes.js';
import { adoptPools } from '../../src/store/adopt-pool.js';
import { checkPool } from '../../src/store/check.js';
import { LmdbEnvironment } from '../../src/store/lmdb-environment.js';
import { createPool, readPoolIdentity } from '../../src/store/pool-files.js';
import { SLOT_FILE } from '../../src/store/slot-file.js';

const CAPACITY = { capacityBytes: 2 ** 30 };

let scratch = '';
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'arrayfs-pool-'));
});
afterEach(() => rmSync(scratch, { recursive: true }));

const place = (name: string) => join(scratch, name);

/** Opens the store for `action` and closes it. */
async function open<T>(directory: string, action: (store: LmdbEnvironment) => T): Promise<T> {
  const environment = new LmdbEnvironment(directory, CAPACITY);
  try {
    return action(environment);
  } finally {
    await environment.close();
  }
}

describe('createPool', () => {
  it.each([
    ['where nothing else is said', CAPACITY],
    ['where it is asked for', { ...CAPACITY, blocks: 'file' as const }],
  ])('makes a file for blocks %s', async (_where, options) => {
    const { blockContainer } = createPool(place('a'), options);
    const { size, mode } = statSync(join(place('a'), SLOT_FILE));
    expect([blockContainer, size, mode & 0o777]).toEqual(['file', 0, 0o600]);
    expect(await open(place('a'), ({ blocks }) => blocks.costBytes)).toBe(FILE_BLOCK_COST_BYTES);
  });

  it('keeps blocks in LMDB where it is asked to', async () => {
    const { blockContainer } = createPool(place('a'), { ...CAPACITY, blocks: 'lmdb' });
    expect([blockContainer, existsSync(join(place('a'), SLOT_FILE))]).toEqual(['lmdb', false]);
    expect(await open(place('a'), ({ blocks }) => blocks.costBytes)).toBe(BLOCK_COST_BYTES);
  });
});

describe('a copied store with blocks in a file', () => {
  beforeEach(async () => {
    createPool(place('a'), { ...CAPACITY, blocks: 'file' });
    await open(place('a'), (store) => {
      store.startPuts(1);
      const id = store.putBlocks(({ blocks }) => blocks.put(new Uint8Array(BLOCK_BYTES).fill(7)));
      store.endPuts();
      store.transaction(({ blocks }) => {
        blocks.sync();
        blocks.keep(id);
      });
    });
    cpSync(place('a'), place('b'), { recursive: true });
  });

  it('has its blocks and keeps them in a file, also once it is adopted', async () => {
    adoptPools([place('b')]);
    expect(readPoolIdentity(place('b')).blockContainer).toBe('file');
    const [ids, byte] = await open(place('b'), ({ blocks }) => [
      [...blocks.ids(1)],
      blocks.read(1)?.[0],
    ]);
    expect([ids, byte]).toEqual([[1], 7]);
    expect(readPoolIdentity(place('b')).arraySerial).not.toBe(
      readPoolIdentity(place('a')).arraySerial,
    );
  });

  it('is EIO without that file, for a check too', async () => {
    rmSync(join(place('b'), SLOT_FILE));
    const reason = expect.stringContaining(`${SLOT_FILE}, the file of blocks, is missing`);
    await expect(open(place('b'), ({ blocks }) => blocks.read(1))).rejects.toMatchObject({
      code: 'EIO',
      reason,
    });
    const report = await checkPool(place('b'), { repair: true, onProgress: () => {} });
    expect(report.findings[0]).toMatchObject({ detail: reason, repaired: false });
  });
});
