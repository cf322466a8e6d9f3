/**
 * The trees the tables are stored in: each must lead to as many entries as it says it has, in
 * order. One that does not has lost some without a trace, so nothing can be derived from the others.
 */
import { ArrayError } from '../base/errors.js';
import { TABLE_NAMES, type TableName } from './block-store.js';
import type { CheckTarget, Findings } from './check-findings.js';
import { END_KEY, FIRST_KEY } from './check-scan.js';
import { blockKey } from './keys.js';

export const TREE_KIND = 'damaged tree';

/** Returns whether all trees are whole. Passes over all keys, not over the content of blocks. */
export function checkTrees(target: CheckTarget, findings: Findings): boolean {
  let isWhole = true;
  for (const table of [...TABLE_NAMES, 'blocks'] as const) {
    const damage = damageOfTable(target, table);
    if (damage === undefined) continue;
    isWhole = false;
    findings.add(TREE_KIND, '-', `table ${table}: ${damage}`);
  }
  return isWhole;
}

function damageOfTable(target: CheckTarget, table: TableName | 'blocks'): string | undefined {
  try {
    const { reached, isOrdered } = walk(keysOf(target, table));
    const recorded = target.entryCount?.(table) ?? reached;
    if (reached === recorded && isOrdered) return undefined;
    return `of ${recorded} entries ${reached} can be reached${isOrdered ? '' : ', not in order'}`;
  } catch (error) {
    return treeDamage(error);
  }
}

function walk(keys: Iterable<Uint8Array>): { reached: number; isOrdered: boolean } {
  let reached = 0;
  let isOrdered = true;
  let last = new Uint8Array(0);
  for (const key of keys) {
    reached += 1;
    if (Buffer.compare(last, key) >= 0) isOrdered = false;
    last = new Uint8Array(key);
  }
  return { reached, isOrdered };
}

function* keysOf(target: CheckTarget, table: TableName | 'blocks'): Generator<Uint8Array> {
  if (table === 'blocks') {
    for (const id of target.blocks.ids(0)) yield blockKey(id);
  } else {
    for (const { key } of target.range(table, FIRST_KEY, END_KEY)) yield key;
  }
}

/** What LMDB says about pages it cannot follow; anything else goes on as it is. */
export function treeDamage(error: unknown): string {
  if (error instanceof ArrayError && error.code === 'EIO') return error.reason;
  const code = (error as { code?: unknown } | undefined)?.code;
  if (error instanceof Error && typeof code === 'number') return error.message;
  throw error;
}
