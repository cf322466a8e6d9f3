/** The catalog over real LMDB: order, filters, transactions, damage. */
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { open } from 'lmdb';
import { afterAll, describe, expect, it } from 'vitest';
import { checkCatalog } from '../../../src/backup/server/catalog-check.js';
import {
  findEntry,
  listEntries,
  putEntry,
  removeEntry,
} from '../../../src/backup/server/catalog-entries.js';
import { packRecord, unpackRecord } from '../../../src/backup/server/catalog-records.js';
import { CatalogStore } from '../../../src/backup/server/catalog-store.js';
import { ArrayError } from '../../../src/base/errors.js';
import { builtSource } from '../../support/built-program.js';
import { repeat } from '../../support/factor.js';
import { RandomSource } from '../../support/random-source.js';
import { cleanScratch, makeMemoryScratch, subdirectory } from '../../support/scratch-directory.js';
import { sampleEntry } from './server-fixture.js';

const scratch = makeMemoryScratch();
const stores: CatalogStore[] = [];
let count = 0;

afterAll(async () => {
  for (const store of stores) await store.close().catch(() => undefined);
  cleanScratch();
});

function newStore(directory = subdirectory(scratch, `catalog-${++count}`)): CatalogStore {
  const store = new CatalogStore(directory);
  stores.push(store);
  return store;
}

const rest = () => Promise.resolve();
const idsOf = async (store: CatalogStore, filter = {}) =>
  (await listEntries(store, filter, rest)).map(({ id }) => id);

function fill(store: CatalogStore, numbers: readonly number[], more = {}): void {
  store.change((change) => {
    for (const number of numbers) putEntry(change, sampleEntry(number, more), 0);
  });
}

describe('the catalog', () => {
  it('lists the newest by their ends, whatever their numbers', async () => {
    const store = newStore();
    fill(store, [3, 1, 2]);
    const late = sampleEntry(4, { endedMs: sampleEntry(1).endedMs + 1 });
    store.change((change) => putEntry(change, late, 0));
    expect(await idsOf(store)).toEqual(['3', '2', '4', '1']);
    expect(await idsOf(store, { limit: 2 })).toEqual(['3', '2']);
  });

  it('reads no more than the newest so many, of however many there are', async () => {
    const store = newStore();
    fill(
      store,
      Array.from({ length: 2_000 }, (_, index) => index + 1),
    );
    let reads = 0;
    const get = store.get.bind(store);
    store.get = ((...words: Parameters<typeof get>) => {
      reads += 1;
      return get(...words);
    }) as typeof store.get;
    expect(await idsOf(store, { limit: 20 })).toHaveLength(20);
    expect(reads).toBe(20);
    expect(await idsOf(store)).toHaveLength(2_000);
  });

  it.each([
    [{ definition: 'weekly' }, ['4', '3']],
    [{ definition: 'weekly', limit: 1 }, ['4']],
    [{ definition: 'week' }, []],
    [{ kind: 'mirror' }, ['2']],
    [{ state: 'missing', definition: 'weekly' }, ['3']],
    [{ client: 'web2' }, ['1']],
    [{ label: 'x' }, ['4']],
  ])('lists what fits %j', async (filter, expected) => {
    const store = newStore();
    fill(store, [1], { client: 'web2' });
    fill(store, [2], { place: { kind: 'mirror', volume: 'copy' } });
    fill(store, [3], { definition: 'weekly', state: 'missing' });
    fill(store, [4], { definition: 'weekly', label: 'x' });
    expect(await idsOf(store, filter)).toEqual(expected);
  });

  it('has one entry of an id, and none that was removed', async () => {
    const store = newStore();
    fill(store, [1, 2]);
    fill(store, [1], { definition: 'weekly', endedMs: 5 });
    store.change((change) => removeEntry(change, '2'));
    expect(await idsOf(store)).toEqual(['1']);
    expect(await idsOf(store, { definition: 'nightly' })).toEqual([]);
    expect(() => findEntry(store, '2')).toThrow('there is no backup 2');
  });

  it('does all of a change or nothing', async () => {
    const store = newStore();
    const change = () =>
      store.change((inside) => {
        putEntry(inside, sampleEntry(1), 0);
        throw new ArrayError('EACCES', 'not so');
      });
    expect(change).toThrow('not so');
    expect(await idsOf(store)).toEqual([]);
    expect(await idsOf(newStore(store.directory))).toEqual([]);
  });

  it('is begun anew where its directory was removed, and only then', async () => {
    const store = newStore();
    fill(store, [1]);
    expect(store.renewIfRemoved()).toBe(false);
    rmSync(store.directory, { recursive: true });
    expect(store.renewIfRemoved()).toBe(true);
    expect(await idsOf(store)).toEqual([]);
    fill(store, [2]);
    expect(await idsOf(newStore(store.directory))).toEqual(['2']);
  });

  it('has its indexes right after any changes (seeded)', async () => {
    const random = new RandomSource(4);
    const store = newStore();
    const expected = new Map<string, { endedMs: number; definition: string }>();
    for (let step = 0; step < repeat(300); step += 1) {
      const number = random.integer(1, 30);
      if (random.chance(0.3)) {
        store.change((change) => removeEntry(change, `${number}`));
        expected.delete(`${number}`);
        continue;
      }
      const more = { endedMs: random.integer(1, 50), definition: random.pick(['a', 'b', 'a b']) };
      fill(store, [number], more);
      expected.set(`${number}`, more);
    }
    for (const definition of ['a', 'b', 'a b', undefined]) {
      const ids = [...expected].filter(([, row]) =>
        [undefined, row.definition].includes(definition),
      );
      const found = await listEntries(store, { definition }, rest);
      expect(found.map(({ id }) => id).sort()).toEqual(ids.map(([id]) => id).sort());
      expect(found.map(({ endedMs }) => endedMs)).toEqual(
        ids.map(([, { endedMs }]) => endedMs).sort((a, b) => b - a),
      );
    }
  });
});

describe('records', () => {
  it('come back as they were', () => {
    const value = { text: 'ä\n\u0000', list: [1, null] };
    expect(unpackRecord(packRecord(value), 'x')).toEqual(value);
  });

  it('are known as damaged whichever character differs (seeded)', () => {
    const random = new RandomSource(5);
    const packed = packRecord(sampleEntry(1));
    for (let round = 0; round < repeat(200); round += 1) {
      const place = random.integer(0, packed.length - 1);
      const other = packed[place] === 'x' ? 'y' : 'x';
      const damaged = packed.slice(0, place) + other + packed.slice(place + 1);
      expect(() => unpackRecord(damaged, 'entries 1')).toThrow('entries 1 has a wrong checksum');
    }
  });
});

describe('a damaged catalog', () => {
  const program = builtSource('backup/server/catalog-check-program');

  async function closedCatalog(): Promise<string> {
    const store = newStore();
    fill(
      store,
      Array.from({ length: 100 }, (_, index) => index + 1),
    );
    await store.close();
    return store.directory;
  }

  it('is sound as long as nothing happens to it, and where there is none', async () => {
    await checkCatalog(await closedCatalog(), program);
    await checkCatalog(join(scratch, 'nothing'), program);
  });

  it.each<[string, (file: string) => void]>([
    ['zeros in its first page', (file) => overwrite(file, 0, Buffer.alloc(8_192))],
    ['garbage all over', (file) => writeFileSync(file, Buffer.alloc(65_536, 0xa5))],
    ['cut off', (file) => writeFileSync(file, readFileSync(file).subarray(0, 9_000))],
    ['empty of pages', (file) => overwrite(file, 8_192, Buffer.alloc(2 ** 20, 0xff))],
    ['other words in a record', (file) => replaceIn(file, 'orders db', 'orders dx')],
  ])('is told, named with the remedy, and left as it is: %s', async (_what, damage) => {
    const directory = await closedCatalog();
    const file = join(directory, 'data.mdb');
    damage(file);
    const before = execFileSync('sha256sum', [file]).toString();
    await expect(checkCatalog(directory, program)).rejects.toMatchObject({
      code: 'EIO',
      reason: expect.stringMatching(/is damaged \(.*\).*arrayfs backup rescan/s),
    });
    expect(execFileSync('sha256sum', [file]).toString()).toBe(before);
  });

  it('of a newer version is not touched', async () => {
    const directory = await closedCatalog();
    const root = open({ path: directory, noSubdir: false, encoding: 'string' } as never);
    const about = root.openDB('about', { encoding: 'string' });
    about.putSync('version', packRecord(99));
    await root.close();
    await expect(checkCatalog(directory, program)).rejects.toMatchObject({
      code: 'EINVAL',
      reason: expect.stringContaining('has version 99, this arrayfs knows 1'),
    });
  });
});

function overwrite(file: string, position: number, bytes: Buffer): void {
  const descriptor = openSync(file, 'r+');
  const room = Math.max(0, readFileSync(file).length - position);
  writeSync(descriptor, bytes.subarray(0, room), 0, Math.min(room, bytes.length), position);
  closeSync(descriptor);
}

function replaceIn(file: string, text: string, other: string): void {
  const bytes = readFileSync(file);
  const place = bytes.lastIndexOf(text);
  bytes.write(other, place);
  writeFileSync(file, bytes);
}
