/** The counters of a pool: what the array hands out next, and how many blocks are stored. */
import type { BlocksResult } from './check-blocks.js';
import type { Catalogue } from './check-catalogue.js';
import type { MapCheck } from './check-map.js';
import { recordKey } from './keys.js';
import {
  type AllocationRecord,
  type CountersRecord,
  packAllocation,
  packCounters,
} from './records.js';

const KIND = 'wrong counter';

const NO_COUNTERS: CountersRecord = { nextBlockId: 1, storedBlocks: 0, publishedSequence: 0 };

/**
 * The counters to go by: no id the map names and the container stores is outside them, else the next
 * mount would free the block. Without a record, all stored blocks are published.
 */
export function checkCounters(check: MapCheck, catalogue: Catalogue): CountersRecord {
  const stored = catalogue.counters;
  const counters = { ...(stored ?? NO_COUNTERS) };
  const { newestDeferredSequence: deferred } = catalogue;
  for (const id of check.reader.blocks.ids(counters.nextBlockId)) {
    if (stored === undefined || id <= check.newestId) counters.nextBlockId = id + 1;
    else break;
  }
  if (counters.publishedSequence < deferred) counters.publishedSequence = deferred;
  if (stored === undefined) return counters;
  for (const name of ['nextBlockId', 'publishedSequence'] as const) {
    if (counters[name] === stored[name]) continue;
    const detail = `${name} is ${stored[name]}, must be at least ${counters[name]}`;
    check.findings.add(KIND, '-', detail, check.repairs.enabled);
  }
  return counters;
}

/** Compares the number of stored blocks and writes the counters where they changed. */
export function settleCounters(
  check: MapCheck,
  catalogue: Catalogue,
  counters: CountersRecord,
  blocks: BlocksResult,
): void {
  const stored = catalogue.counters;
  if (stored !== undefined && stored.storedBlocks !== blocks.stored) {
    const detail = `${stored.storedBlocks} blocks are recorded, ${blocks.stored} stored`;
    check.findings.add('wrong block count', '-', detail, check.repairs.enabled);
  }
  const next = { ...counters, storedBlocks: blocks.stored - blocks.freed };
  const isChanged =
    stored === undefined
      ? blocks.stored > 0 || counters.publishedSequence > 0
      : next.storedBlocks !== stored.storedBlocks ||
        next.nextBlockId !== stored.nextBlockId ||
        next.publishedSequence !== stored.publishedSequence;
  if (!isChanged) return;
  // A damaged record was reported when it was read.
  check.repairs.add((transaction) => {
    transaction.put('records', recordKey('counters'), packCounters(next));
  });
}

/** The numbers handed out next are above all in use; a pool without a record begins at 1. */
export function checkAllocation(check: MapCheck, catalogue: Catalogue): void {
  const stored = catalogue.allocation ?? {
    nextLineage: 1,
    nextNumber: 1,
    nextJob: 1,
    nextEvent: 1,
  };
  const copies = [...catalogue.volumes, ...catalogue.snapshots];
  const least: AllocationRecord = {
    nextLineage: 1 + largest([...catalogue.lineages.keys(), ...copies.map((copy) => copy.lineage)]),
    nextNumber: 1 + largest(copies.map((copy) => copy.number)),
    nextJob: 1 + catalogue.newestJob,
    nextEvent: 1 + catalogue.newestEvent,
  };
  const raised = { ...stored };
  for (const name of Object.keys(least) as (keyof AllocationRecord)[]) {
    if (stored[name] >= least[name]) continue;
    raised[name] = least[name];
    const detail = `${name} is ${stored[name]}, must be at least ${least[name]}`;
    check.findings.add(KIND, '-', detail, check.repairs.enabled);
  }
  const isRaised = Object.keys(least).some(
    (name) => raised[name as keyof AllocationRecord] !== stored[name as keyof AllocationRecord],
  );
  if (!isRaised) return;
  check.repairs.add((transaction) => {
    transaction.put('records', recordKey('allocation'), packAllocation(raised));
  });
}

function largest(values: readonly number[]): number {
  let largest = 0;
  for (const value of values) if (value > largest) largest = value;
  return largest;
}
