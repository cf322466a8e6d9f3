/** The check over a real pool directory: damage on the disk, repairs that last, LMDB's own complaints. */

import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { StorageArray } from '../../src/array/array.js';
import { openArray } from '../../src/array/open-array.js';
import { systemClock } from '../../src/base/clock.js';
import { CACHE_BYTES_MIN } from '../../src/base/limits.js';
import { BLOCK_BYTES } from '../../src/base/sizes.js';
import type { StoreTransaction } from '../../src/store/block-store.js';
import {
  type CheckReport,
  type CheckTarget,
  checkPool,
  checkStore,
} from '../../src/store/check.js';
import { END_KEY, FIRST_KEY } from '../../src/store/check-scan.js';
import { BLOCK_CONTAINERS, type BlockContainerKind } from '../../src/store/container-kind.js';
import { bornKey, recordKey } from '../../src/store/keys.js';
import { DATA_FILE, LmdbEnvironment } from '../../src/store/lmdb-environment.js';
import { createPool } from '../../src/store/pool-files.js';
import { packCount, packCounters, unpackCounters } from '../../src/store/records.js';
import { setShareCount } from '../../src/store/recover.js';
import { SLOT_FILE } from '../../src/store/slot-file.js';
import { onePool } from '../support/memory-array.js';
import { LmdbStore } from './built-store.js';
import { closedHistory, kinds } from './check-fixture.js';

const CAPACITY_BYTES = 2 ** 30;
const BLOCKS = 700;

let directory = '';

/** Fills `volume` with blocks that can be found in the file by their first bytes. */
function writeMarked(array: StorageArray, volume: string, block: number, generation: number): void {
  const image = array.openImage(array.volume(volume), { write: true });
  image.write(block * BLOCK_BYTES, markedBlock(volume, block, generation));
  image.close();
}

function markedBlock(volume: string, block: number, generation: number): Uint8Array {
  const content = Buffer.alloc(BLOCK_BYTES, 0x5a);
  content.write(`[${volume} block ${block} generation ${generation}]`);
  return new Uint8Array(content);
}

async function openPool(): Promise<StorageArray> {
  return openArray({
    ...onePool(directory, new LmdbStore(directory, CAPACITY_BYTES)),
    clock: systemClock,
    cacheBytes: CACHE_BYTES_MIN,
    readOnly: false,
    defaultOwner: { uid: 0, gid: 0, mode: 0o600 },
  });
}

/** `db` with snapshot `monday`, whose first 100 blocks were overwritten after it. */
async function fillPool(blocks: BlockContainerKind): Promise<void> {
  createPool(directory, { capacityBytes: CAPACITY_BYTES, blocks });
  const array = await openPool();
  await array.createVolume({ name: 'db', sizeBytes: BLOCKS * BLOCK_BYTES });
  for (let block = 0; block < BLOCKS; block += 1) {
    writeMarked(array, 'db', block, 1);
    if (block % 100 === 99) await array.sync();
  }
  await array.takeSnapshots(['db'], { name: 'monday' });
  for (let block = 0; block < 100; block += 1) writeMarked(array, 'db', block, 2);
  await array.close();
}

/** Flips one bit of the block on the disk. */
function damageOnDisk(block: number, generation: number): void {
  const slots = join(directory, SLOT_FILE);
  const file = existsSync(slots) ? slots : join(directory, DATA_FILE);
  const position = readFileSync(file).lastIndexOf(markedBlock('db', block, generation));
  expect(position).toBeGreaterThanOrEqual(0);
  const descriptor = openSync(file, 'r+');
  writeSync(descriptor, Uint8Array.of(0x5b), 0, 1, position + 9_000);
  closeSync(descriptor);
}

async function edit(action: (transaction: StoreTransaction) => void): Promise<void> {
  const environment = new LmdbEnvironment(directory, { capacityBytes: CAPACITY_BYTES });
  environment.startPuts(5_000);
  environment.transaction(action);
  await environment.close();
}

function checkDirectory(repair = false): Promise<CheckReport> {
  return checkPool(directory, { repair, onProgress: () => {} });
}

describe.each(BLOCK_CONTAINERS)('checkPool with blocks in %s', (kind) => {
  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'arrayfs-check-'));
    await fillPool(kind);
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  it('finds nothing in a sound pool, and tells how far it is', async () => {
    const progress: [number, number][] = [];
    const report = await checkPool(directory, {
      repair: false,
      onProgress: (done, total) => progress.push([done, total]),
    });
    expect(report).toEqual({
      findings: [],
      blocksChecked: BLOCKS + 100,
      bytesChecked: (BLOCKS + 100) * BLOCK_BYTES,
      volumes: 1,
      snapshots: 1,
      logBatches: 0,
    });
    expect(progress[0]).toEqual([1, BLOCKS + 100]);
    expect(progress[progress.length - 1]).toEqual([BLOCKS + 100, BLOCKS + 100]);
  });

  it('names volume, snapshot and address of a byte flipped on the disk', async () => {
    damageOnDisk(512, 1);
    damageOnDisk(7, 2);
    const { findings } = await checkDirectory();
    expect(findings.map(({ kind, pool, subject }) => [kind, pool, subject])).toEqual([
      ['wrong checksum', 'main', 'db'],
      ['wrong checksum', 'main', 'db db@monday'],
    ]);
    expect(findings[0]?.detail).toContain(`byte ${7 * BLOCK_BYTES}:`);
    expect(findings[1]?.detail).toContain(`byte ${512 * BLOCK_BYTES}:`);
  });

  it('leaves damaged content to a repair of the rest, until it is overwritten', async () => {
    damageOnDisk(600, 1);
    await edit((transaction) => setShareCount(transaction, 3, 1));
    expect(kinds(await checkDirectory(true))).toEqual([
      'wrong share count -',
      'wrong checksum db db@monday',
    ]);
    expect(kinds(await checkDirectory(true))).toEqual(['wrong checksum db db@monday']);
    const array = await openPool();
    await array.deleteSnapshot('db', 'monday', { force: false });
    writeMarked(array, 'db', 600, 3);
    await array.close();
    expect(kinds(await checkDirectory())).toEqual([]);
  });

  it('repairs in the file, once', async () => {
    await edit((transaction) => {
      for (let count = 0; count < 1_200; count += 1) {
        transaction.blocks.keep(transaction.blocks.put(new Uint8Array(BLOCK_BYTES)));
      }
      const key = recordKey('counters');
      const counters = unpackCounters(transaction.get('records', key) as Uint8Array);
      transaction.put('records', key, packCounters({ ...counters, nextBlockId: 6_200 }));
      transaction.put('records', recordKey('usage', 1, 1), packCount(1));
      transaction.remove('born', bornKey(1, 1, 0));
    });
    const report = await checkDirectory(true);
    expect(report.findings.every(({ repaired }) => repaired)).toBe(true);
    expect(new Set(kinds(report))).toEqual(
      new Set([
        'wrong born bitmap db db@monday',
        'wrong usage count db@monday',
        'orphan block -',
        'wrong block count -',
      ]),
    );
    expect(kinds(await checkDirectory(true))).toEqual([]);
    const environment = new LmdbEnvironment(directory, { capacityBytes: CAPACITY_BYTES });
    expect([...environment.blocks.ids(1)].length).toBe(BLOCKS + 100);
    await environment.close();
  });

  it('passes over blocks of a generation that was never published', async () => {
    await edit((transaction) => transaction.blocks.put(new Uint8Array(BLOCK_BYTES)));
    expect(kinds(await checkDirectory(true))).toEqual([]);
  });

  it('refuses a directory that holds no array', async () => {
    await expect(
      checkPool(join(directory, 'none'), { repair: false, onProgress: () => {} }),
    ).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

describe('checkStore', () => {
  it('makes a finding of what LMDB says about a page it cannot follow', async () => {
    const store = await closedHistory();
    const broken: CheckTarget = {
      blocks: store.blocks,
      get: (table, key) => store.get(table, key),
      transaction: (action) => store.transaction(action),
      range: (table, start, end) => {
        if (table === 'map') {
          throw Object.assign(new Error('MDB_CORRUPTED: Located page was wrong type'), {
            code: -30796,
          });
        }
        return store.range(table, start, end);
      },
    };
    const report = await checkStore(broken, { repair: false, onProgress: () => {} });
    expect(kinds(report)).toEqual(['damaged tree -']);
    expect(report.volumes).toBe(2);
  });

  it('repairs nothing in a store whose trees have lost entries', async () => {
    const store = await closedHistory();
    store.transaction((transaction) => transaction.remove('born', bornKey(1, 1, 0)));
    const broken: CheckTarget = {
      blocks: store.blocks,
      get: (table, key) => store.get(table, key),
      transaction: (action) => store.transaction(action),
      range: (table, start, end) => store.range(table, start, end),
      entryCount: (table) =>
        table === 'blocks' ? 22 : [...store.range(table, FIRST_KEY, END_KEY)].length,
    };
    const report = await checkStore(broken, { repair: true, onProgress: () => {} });
    expect(kinds(report)).toEqual(['damaged tree -', 'wrong born bitmap db db@a db@b']);
    expect(report.findings[0]?.detail).toBe('table blocks: of 22 entries 21 can be reached');
    expect(report.findings.some(({ repaired }) => repaired)).toBe(false);
  });

  it('lets an error of the program through', async () => {
    const store = await closedHistory();
    const broken: CheckTarget = {
      blocks: store.blocks,
      get: (table, key) => store.get(table, key),
      transaction: (action) => store.transaction(action),
      range: () => {
        throw new TypeError('a bug');
      },
    };
    await expect(checkStore(broken, { repair: false, onProgress: () => {} })).rejects.toThrow(
      'a bug',
    );
  });
});
