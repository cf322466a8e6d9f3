/** Stores with a history, for tests of the check: made through the array, then looked at or damaged. */
import type { StorageArray } from '../../src/array/array.js';
import { BLOCK_BYTES } from '../../src/base/sizes.js';
import type { TableName } from '../../src/store/block-store.js';
import { type CheckReport, checkStore } from '../../src/store/check.js';
import { END_KEY, FIRST_KEY } from '../../src/store/check-scan.js';
import type { BlockContainerKind } from '../../src/store/container-kind.js';
import type { MemoryStore } from '../../src/store/memory-store.js';
import { ManualClock } from '../support/manual-clock.js';
import { newMemoryStore, openMemoryArray } from '../support/memory-array.js';

/** Runs the check over the store a killed daemon leaves; repairs change `store` itself. */
export function check(
  store: MemoryStore,
  options: { repair?: boolean; windowBlocks?: number } = {},
): Promise<CheckReport> {
  const { repair = false, windowBlocks } = options;
  return checkStore(store, {
    repair,
    onProgress: () => {},
    log: { device: store.log, replace: () => store.log.clear() },
    ...(windowBlocks === undefined ? {} : { windowBlocks }),
  });
}

/** `KIND SUBJECT` of each finding. */
export function kinds(report: CheckReport): string[] {
  return report.findings.map(({ kind, subject }) => `${kind} ${subject}`);
}

export function fill(
  array: StorageArray,
  name: string,
  block: number,
  count: number,
  byte: number,
): void {
  const image = array.openImage(array.volume(name), { write: true });
  image.write(block * BLOCK_BYTES, new Uint8Array(count * BLOCK_BYTES).fill(byte));
  image.close();
}

/** Lets background work and trims run until nothing is pending. */
export async function settle(array: StorageArray, clock: ManualClock): Promise<void> {
  await array.sync();
  for (let turn = 0; turn < 50; turn += 1) await clock.advance(1_000);
}

/** Closes the array; the clock goes on meanwhile, for background work that is in a pause. */
export async function close(array: StorageArray, clock: ManualClock): Promise<void> {
  let isClosed = false;
  const closing = array.close().finally(() => {
    isClosed = true;
  });
  while (!isClosed) await clock.advance(100);
  await closing;
}

export interface History {
  readonly clock: ManualClock;
  readonly store: MemoryStore;
  readonly array: StorageArray;
}

/**
 * Volume `db` (16 blocks) with snapshots `a` and `b`, and a clone `copy` of `a`; all blocks of `db` are
 * written in `a`, the first four again after it, and one of the clone.
 */
export async function history(blocks: BlockContainerKind = 'lmdb'): Promise<History> {
  const clock = new ManualClock();
  const store = newMemoryStore(clock, 2 ** 40, blocks);
  const array = await openMemoryArray(store, clock);
  await array.createVolume({ name: 'db', sizeBytes: 16 * BLOCK_BYTES });
  fill(array, 'db', 0, 16, 1);
  await array.takeSnapshots(['db'], { name: 'a' });
  fill(array, 'db', 0, 4, 2);
  await array.takeSnapshots(['db'], { name: 'b' });
  await array.clone('db', 'a', 'copy', {});
  fill(array, 'copy', 15, 1, 3);
  await settle(array, clock);
  return { clock, store, array };
}

/** A store with that history, which nothing has open. */
export async function closedHistory(blocks: BlockContainerKind = 'lmdb'): Promise<MemoryStore> {
  const { store, array, clock } = await history(blocks);
  await close(array, clock);
  return store.crash();
}

/** All entries of a table, by hex of the key: two equal stores have equal ones. */
export function tableText(store: MemoryStore, table: TableName): string[] {
  const entries = store.range(table, FIRST_KEY, END_KEY);
  return [...entries].map(
    ({ key, value }) => `${Buffer.from(key).toString('hex')} ${Buffer.from(value).toString('hex')}`,
  );
}
