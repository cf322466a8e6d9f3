/**
 * Ways to damage the store of `closedHistory`: lineage 1 is `db` (snapshots `a` at epoch 1, `b` at epoch
 * 2, head 3), lineage 2 is `copy`, branched off epoch 1. Block ids 1 to 16 are blocks 0 to 15 of `a`, 17
 * to 20 blocks 0 to 3 of `b`, 21 is block 15 of `copy`.
 */
import { expect } from 'vitest';
import type { StoreTransaction } from '../../src/store/block-store.js';
import { mapKey, recordKey } from '../../src/store/keys.js';
import type { MemoryStore } from '../../src/store/memory-store.js';
import {
  type CountersRecord,
  type Location,
  mapTag,
  packCounters,
  packMapEntry,
  unpackCounters,
  unpackIdentity,
  unpackMapEntry,
} from '../../src/store/records.js';
import { closedHistory } from './check-fixture.js';

/** Damage, in a transaction of the store it is done to. */
export type Change = (transaction: StoreTransaction, store: MemoryStore) => void;

export function record(store: MemoryStore, key: Uint8Array): Uint8Array {
  const value = store.get('records', key);
  if (value === undefined) throw new Error('no such record');
  return value;
}

export function flip(
  transaction: StoreTransaction,
  table: 'records' | 'map',
  key: Uint8Array,
): void {
  const value = new Uint8Array(transaction.get(table, key) ?? []);
  expect(value.length).toBeGreaterThan(4);
  value[3] = (value[3] as number) ^ 0x40;
  transaction.put(table, key, value);
}

/** Puts a map entry with a right tag. */
export function putEntry(
  transaction: StoreTransaction,
  lineage: number,
  block: number,
  epoch: number,
  location: Location,
): void {
  const identity = unpackIdentity(transaction.get('records', recordKey('identity')) as Uint8Array);
  const tag = mapTag(identity.tagSeed, lineage, block, epoch, location);
  transaction.put('map', mapKey(lineage, block, epoch), packMapEntry(location, tag));
}

export function locationOf(
  transaction: StoreTransaction,
  lineage: number,
  block: number,
  epoch: number,
) {
  return unpackMapEntry(transaction.get('map', mapKey(lineage, block, epoch)) as Uint8Array);
}

export function changeCounters(
  transaction: StoreTransaction,
  changes: Partial<CountersRecord>,
): void {
  const counters = unpackCounters(transaction.get('records', recordKey('counters')) as Uint8Array);
  transaction.put('records', recordKey('counters'), packCounters({ ...counters, ...changes }));
}

export async function damagedStore(change: Change): Promise<MemoryStore> {
  const store = await closedHistory();
  store.startPuts(22);
  store.transaction((transaction) => change(transaction, store));
  return store;
}
