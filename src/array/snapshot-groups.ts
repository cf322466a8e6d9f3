/**
 * Snapshots of one instant in several pools: all or none, also after a crash. Each pool first gets a record that
 * names the whole group together with its own snapshots, and loses it before the command answers. Where a mount
 * finds such a record, somebody has not been answered: a group that is not whole is dropped.
 */
import { keyText, recordKey, recordKeyEnd } from '../store/keys.js';
import { packIds, unpackIds } from '../store/records.js';
import type { ArrayContext } from './array-context.js';
import type { Snapshot } from './copies.js';
import type { Pool } from './pool.js';

/** Makes new snapshots durable. */
export async function confirmGroup(
  context: ArrayContext,
  snapshots: readonly Snapshot[],
): Promise<void> {
  const pools = [...new Set(snapshots.map(({ pool }) => pool))];
  const key = recordKey('snapshotGroup', snapshots[0]?.number);
  if (pools.length > 1) {
    const record = packIds(snapshots.map(({ number }) => number));
    for (const { content } of pools) content.change(key, record);
  }
  try {
    await context.durable(...snapshots);
  } finally {
    if (pools.length > 1) for (const { content } of pools) content.change(key, undefined);
  }
  if (pools.length > 1) await context.durable(...snapshots);
}

/** At mount: drops groups that only some of the pools have heard of. */
export function finishGroups(context: ArrayContext, drop: (snapshot: Snapshot) => void): void {
  const { present, all } = context.poolList;
  const groups = new Map<string, { readonly key: Uint8Array; readonly numbers: number[] }>();
  const holders: [Pool, Uint8Array][] = [];
  for (const pool of present) {
    const start = recordKey('snapshotGroup');
    for (const record of pool.store.range('records', start, recordKeyEnd('snapshotGroup'))) {
      const key = new Uint8Array(record.key);
      groups.set(keyText(key), { key, numbers: unpackIds(record.value) });
      holders.push([pool, key]);
    }
  }
  for (const { numbers } of groups.values()) {
    const found = numbers.map((number) => snapshotOf(context, number));
    const snapshots = found.filter((snapshot) => snapshot !== undefined);
    // What is in a missing pool nobody knows.
    if (snapshots.length === numbers.length || present.length < all.length) continue;
    for (const snapshot of snapshots) drop(snapshot);
  }
  for (const [{ content }, key] of holders) content.change(key, undefined);
}

function snapshotOf({ copies }: ArrayContext, number: number): Snapshot | undefined {
  const copy = copies.find(number);
  return copy?.kind === 'snapshot' ? copy : undefined;
}
