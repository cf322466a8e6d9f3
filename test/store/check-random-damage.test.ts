/**
 * Seeded random damage to any table: the check ends with a report whatever it meets, a repair makes
 * all it says it repairs, and repairing again finds nothing it could have repaired before. A failing
 * seed is named; ARRAYFS_SEED runs it alone.
 */
import { describe, expect, it } from 'vitest';
import { BLOCK_BYTES } from '../../src/base/sizes.js';
import { type StoreTransaction, TABLE_NAMES } from '../../src/store/block-store.js';
import { END_KEY, FIRST_KEY } from '../../src/store/check-scan.js';
import { recordKey } from '../../src/store/keys.js';
import type { MemoryStore } from '../../src/store/memory-store.js';
import { repeat } from '../support/factor.js';
import { RandomSource } from '../support/random-source.js';
import { check, close, fill, history, kinds } from './check-fixture.js';

/** A store with a little of everything, killed while much is still to be reclaimed. */
async function richStore(): Promise<MemoryStore> {
  const { array, store, clock } = await history();
  await array.resizeVolume('copy', 9 * BLOCK_BYTES, { force: false });
  await array.restore('db', 'a', { force: false });
  fill(array, 'db', 2, 5, 0);
  await array.takeSnapshots(['db', 'copy'], { name: 'c' });
  fill(array, 'db', 4, 2, 30);
  await array.deleteSnapshot('db', 'b', { force: false });
  const killed = store.crash();
  await close(array, clock);
  return killed;
}

function damageOnce(transaction: StoreTransaction, random: RandomSource): void {
  const table = random.pick(TABLE_NAMES);
  const entries = [...transaction.range(table, FIRST_KEY, END_KEY)];
  const ids = [...transaction.blocks.ids(1)];
  if (entries.length === 0 || random.chance(0.15)) {
    transaction.blocks.free(random.pick(ids));
    return;
  }
  const { key, value } = random.pick(entries);
  if (table === 'records' && Buffer.compare(key, recordKey('identity')) === 0) return;
  if (random.chance(0.3)) transaction.remove(table, key);
  else if (random.chance(0.5)) {
    transaction.put(table, random.pick(entries).key, value);
  } else {
    const changed = new Uint8Array(value);
    const place = random.integer(0, changed.length - 1);
    changed[place] = (changed[place] as number) ^ (1 << random.integer(0, 7));
    transaction.put(table, key, changed);
  }
}

async function run(seed: number): Promise<void> {
  const random = new RandomSource(seed);
  const store = await richStore();
  store.transaction((transaction) => {
    const count = random.integer(1, 4);
    for (let done = 0; done < count; done += 1) damageOnce(transaction, random);
  });
  const before = await check(store);
  expect(before.findings.some(({ repaired }) => repaired)).toBe(false);
  const first = await check(store, { repair: true, windowBlocks: random.integer(1, 30) });
  const left = first.findings.filter(({ repaired }) => !repaired);
  const second = await check(store, { repair: true });
  expect(
    second.findings.filter(({ repaired }) => repaired),
    `seed ${seed}: ${kinds(first).join(', ')}`,
  ).toEqual([]);
  for (const { kind } of left) {
    expect(second.findings.map((finding) => finding.kind)).toContain(kind);
  }
}

describe('checkStore on random damage', () => {
  const only = process.env.ARRAYFS_SEED;
  const seeds = only === undefined ? repeat(60) : 1;
  for (let index = 0; index < seeds; index += 1) {
    const seed = only === undefined ? 2_000 + index : Number(only);
    it(`ends, and repairs once, with seed ${seed}`, () => run(seed));
  }
});
