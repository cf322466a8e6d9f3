/**
 * The check over blocks in slots: marks against map and content. Each check runs over a store that was
 * just opened, as the real one does.
 */
import { describe, expect, it } from 'vitest';
import { BLOCK_BYTES } from '../../src/base/sizes.js';
import type { StoreTransaction } from '../../src/store/block-store.js';
import type { CheckReport } from '../../src/store/check.js';
import { mapKey, recordKey } from '../../src/store/keys.js';
import type { MemoryStore } from '../../src/store/memory-store.js';
import { packUsedSlots, unpackUsedSlots } from '../../src/store/slot-records.js';
import { ManualClock } from '../support/manual-clock.js';
import { openMemoryArray } from '../support/memory-array.js';
import { changeCounters, flip, locationOf, putEntry } from './check-damaging.js';
import { check, close, closedHistory, kinds, settle } from './check-fixture.js';

const USED = recordKey('usedSlots', 0);

/** The closed history with 21 blocks in slots, changed; nothing has it open. */
async function damaged(change: (transaction: StoreTransaction) => void): Promise<MemoryStore> {
  const store = await closedHistory('file');
  store.startPuts(22);
  store.transaction(change);
  return store.crash();
}

function marks(transaction: StoreTransaction): Uint8Array {
  return unpackUsedSlots(transaction.get('records', USED) as Uint8Array);
}

/** What a repair says, and the store it leaves. */
async function repaired(store: MemoryStore): Promise<{ report: CheckReport; left: MemoryStore }> {
  const target = store.crash();
  return { report: await check(target, { repair: true }), left: target.crash() };
}

async function expectRepaired(store: MemoryStore, expected: readonly string[]): Promise<void> {
  const found = await check(store.crash());
  expect([kinds(found), found.findings.some((finding) => finding.repaired)]).toEqual([
    expected,
    false,
  ]);
  const { report, left } = await repaired(store);
  expect(kinds(report)).toEqual(expected);
  expect(report.findings.every((finding) => finding.repaired)).toBe(true);
  expect((await check(left.crash())).findings).toEqual([]);
  await expectWhole(left);
}

/** The array opens, shows what it showed, and takes writes without harm to that. */
async function expectWhole(store: MemoryStore): Promise<void> {
  const clock = new ManualClock();
  const array = await openMemoryArray(store, clock);
  const target = array.openImage(array.volume('copy'), { write: true });
  target.write(0, new Uint8Array(4 * BLOCK_BYTES).fill(9));
  target.close();
  await settle(array, clock);
  const image = array.openImage(array.snapshot('db', 'a'), { write: false });
  const bytes = new Uint8Array(16 * BLOCK_BYTES);
  expect(image.read(0, bytes)).toBe(bytes.length);
  image.close();
  expect(bytes.every((byte) => byte === 1)).toBe(true);
  await close(array, clock);
  expect((await check(store.crash())).findings).toEqual([]);
}

describe('checkStore over slots', () => {
  it('finds nothing in a sound store', async () => {
    const report = await check((await closedHistory('file')).crash());
    expect([report.findings, report.blocksChecked]).toEqual([[], 21]);
  });

  it('finds blocks in use whose mark is lost, and marks them again', async () => {
    const store = await damaged((transaction) => {
      const bitmap = marks(transaction);
      bitmap[0] = 0xf0;
      transaction.put('records', USED, packUsedSlots(bitmap));
    });
    const { findings } = await check(store.crash());
    expect(findings[0]?.detail).toBe('4 blocks are in use and marked free, the first has id 1');
    await expectRepaired(store, ['unmarked block -']);
  });

  it('makes all marks anew where the record is lost', async () => {
    const store = await damaged((transaction) => transaction.remove('records', USED));
    await expectRepaired(store, ['unmarked block -']);
  });

  it('makes all marks anew where the record is damaged', async () => {
    const store = await damaged((transaction) => flip(transaction, 'records', USED));
    await expectRepaired(store, ['damaged record -', 'unmarked block -']);
  });

  it('frees slots that belong to nothing', async () => {
    const store = await damaged((transaction) => {
      const id = transaction.blocks.put(new Uint8Array(BLOCK_BYTES).fill(5));
      transaction.blocks.sync();
      transaction.blocks.keep(id);
      changeCounters(transaction, { storedBlocks: 22, nextBlockId: 23 });
    });
    await expectRepaired(store, ['orphan block -']);
  });

  it('passes over slots that a publish had filled and not named', async () => {
    const store = await closedHistory('file');
    store.startPuts(22);
    store.putBlocks(({ blocks }) => blocks.put(new Uint8Array(BLOCK_BYTES).fill(5)));
    store.endPuts();
    expect((await check(store.crash())).findings).toEqual([]);
  });

  it('finds a slot that is named twice', async () => {
    const store = await damaged((transaction) => {
      const [one, other] = [locationOf(transaction, 1, 3, 1), locationOf(transaction, 1, 4, 1)];
      expect(one.crc).toBe(other.crc);
      putEntry(transaction, 1, 3, 1, other);
    });
    await expectRepaired(store, ['orphan block -', 'block referenced twice -']);
  });

  it('finds blocks that lay past the end of a file that was cut', async () => {
    const store = await closedHistory('file');
    store.slots?.truncate(18);
    const report = await check(store.crash());
    expect(kinds(report).sort()).toEqual([
      'missing block copy',
      'missing block db db@b',
      'missing block db db@b',
    ]);
    expect(report.findings[0]?.detail).toMatch(/block id \d+ cannot be read$/);
  });

  it('takes a block for missing whose unmarked slot holds something else', async () => {
    const store = await damaged((transaction) => {
      const bitmap = marks(transaction);
      bitmap[2] = 0b00001111;
      transaction.put('records', USED, packUsedSlots(bitmap));
      changeCounters(transaction, { storedBlocks: 20 });
    });
    store.damage(21, (content) => content.fill(99));
    expect(kinds(await check(store.crash()))).toEqual(['missing block copy']);
  });

  it('finds damaged content in the slot it is in', async () => {
    const store = await closedHistory('file');
    store.damage(16, (content) => content.fill(77, 0, 1));
    expect(kinds(await check(store.crash()))).toEqual(['wrong checksum db db@a db@b']);
  });
});

describe('a mount whose marks are lost', () => {
  it('is refused before anything is overwritten', async () => {
    const store = await damaged((transaction) => transaction.remove('records', USED));
    await expect(openMemoryArray(store, new ManualClock())).rejects.toMatchObject({
      code: 'EIO',
      reason: 'marks of stored blocks are lost: run arrayfs check --repair',
    });
    await expectRepaired(store, ['unmarked block -']);
  });

  it('goes on where a record of marks is damaged, and touches none of its slots', async () => {
    const store = await damaged((transaction) => flip(transaction, 'records', USED));
    const clock = new ManualClock();
    const array = await openMemoryArray(store, clock);
    const image = array.openImage(array.volume('copy'), { write: true });
    image.write(0, new Uint8Array(BLOCK_BYTES).fill(9));
    image.close();
    await settle(array, clock);
    expect(locationOf(store as never, 2, 0, 1).id).toBe(4_097);
    expect(store.get('map', mapKey(1, 0, 1))).toBeDefined();
    await close(array, clock);
  });
});
