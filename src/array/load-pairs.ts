/**
 * The pairs at mount, from the records of both pools: the newer record is right. What a crash left between
 * the two pools is brought to an end here, and a pair whose other pool is lost is suspended.
 */
import type { CopyPace } from '../pair/difference-bits.js';
import { overlaidSide, type PairMode, type PairState } from '../pair/pair-states.js';
import { recordKey, recordKeyEnd } from '../store/keys.js';
import {
  type PairRecord,
  type PairSideRecord,
  pairBitsEnd,
  pairBitsKey,
  unpackPair,
} from '../store/pair-records.js';
import type { ArrayContext } from './array-context.js';
import type { Volume } from './copies.js';
import type { Pair } from './pair.js';
import { PAIR_SNAPSHOTS } from './pair-instants.js';
import { distrust, restorePair, resumePair, showKept } from './pair-resume.js';
import type { PairSide } from './pair-side.js';
import type { Pairs } from './pairs.js';
import type { Pool } from './pool.js';
import { dropSnapshot } from './snapshot-commands.js';

/** A pair's records, by the pools they were found in. */
type Found = Map<Pool, PairRecord>;

export function loadPairs(pairs: Pairs, context: ArrayContext): void {
  for (const found of findRecords(context).values()) loadPair(pairs, context, found);
  if (context.readOnly) return;
  for (const pool of context.poolList.all) {
    if (pool.isFailed) pairs.poolLost(pool, pool.failure?.reason ?? 'it is missing');
  }
  const used = new Set(pairs.pairs().flatMap(({ instant, kept }) => [instant, kept]));
  for (const snapshot of context.copies.hiddenSnapshots()) {
    if (snapshot.name.startsWith(PAIR_SNAPSHOTS) && !used.has(snapshot))
      dropSnapshot(context, snapshot);
  }
}

function findRecords(context: ArrayContext): Map<number, Found> {
  const found = new Map<number, Found>();
  for (const pool of context.poolList.all) {
    const start = recordKey('pair');
    for (const { value } of pool.store.range('records', start, recordKeyEnd('pair'))) {
      const record = unpackPair(value);
      const records = found.get(record.number) ?? new Map<Pool, PairRecord>();
      records.set(pool, record);
      found.set(record.number, records);
    }
  }
  return found;
}

function loadPair(pairs: Pairs, context: ArrayContext, found: Found): void {
  // A pool that was mounted alone may count on, but begins no round.
  const records = [...found.values()].sort((a, b) => b.round - a.round || b.version - a.version);
  const [newest] = records;
  if (newest === undefined) return;
  const primary = volumeOf(context, newest.primary);
  const secondary = volumeOf(context, newest.secondary);
  const volumes = [primary, secondary].filter((volume) => volume !== undefined);
  // Missing where it could be: the pair was deleted there, or never got there.
  const isHalf = volumes.some(({ pool }) => !pool.isFailed && !found.has(pool));
  if (primary === undefined || secondary === undefined || isHalf) {
    if (!context.readOnly) failMixture(found, context);
    forget(found, newest.number, context);
    return;
  }
  const { primary: _, secondary: __, instantNumber, keptNumber, ...fields } = newest;
  const pair = pairs.add(
    {
      ...fields,
      version: Math.max(...records.map(({ version }) => version)),
      mode: fields.mode as PairMode,
      state: fields.state as PairState,
      pace: fields.pace as CopyPace,
    },
    primary,
    secondary,
  );
  for (const side of pair.sides) loadBits(side, pair);
  pair.instant = context.copies.hiddenSnapshot(instantNumber);
  pair.kept = context.copies.hiddenSnapshot(keptNumber);
  if (pair.missingSide !== undefined) {
    pair.missing.instant = pair.instant === undefined ? instantNumber : 0;
    pair.missing.kept = pair.kept === undefined ? keptNumber : 0;
  }
  pair.isSecondaryOpen = newest.isSecondaryOpen;
  restorePair(pair, found.get(pair.target.volume.pool));
  const old = [...found].find(([, { version }]) => version < newest.confirmed);
  if (old !== undefined) distrust(pair, old[0].name);
  if (context.readOnly) showKept(pair);
  else resumePair(pair);
}

/** The pair was being deleted, and the other pool has told so already: a side that is half copied has failed. */
function failMixture(found: Found, context: ArrayContext): void {
  for (const [pool, record] of found) {
    const state = record.state as PairState;
    const role = overlaidSide(state);
    const volume = role && volumeOf(context, record[role]);
    if (role === undefined || volume?.pool !== pool) continue;
    const start = recordKey('pairBits', pairBitsKey(record.number, role, 'pending'));
    const end = recordKey('pairBits', pairBitsKey(record.number, role, 'pending') + 1);
    const [pending] = pool.store.range('records', start, end);
    if (pending !== undefined)
      volume.condition.fail('holds half a copy: its pair was ended before it was whole');
  }
}

function volumeOf({ copies, poolList }: ArrayContext, side: PairSideRecord): Volume | undefined {
  const volume = copies.findVolume(`#${side.volumeNumber}`);
  const pool = poolList.all.find(({ identity }) => {
    return Buffer.from(identity.poolUuid).equals(side.poolUuid);
  });
  return volume?.pool === pool ? volume : undefined;
}

/** Bits are read from the pool of their side. */
function loadBits(side: PairSide, pair: Pair): void {
  const start = recordKey('pairBits', pairBitsKey(pair.number, 'primary', 'pending'));
  const end = recordKey('pairBits', pairBitsEnd(pair.number));
  for (const { key, value } of side.volume.pool.store.range('records', start, end)) {
    side.loadBits(key, value);
  }
}

function forget(found: Found, number: number, { readOnly }: ArrayContext): void {
  if (readOnly) return;
  for (const { content, store } of found.keys()) {
    content.change(recordKey('pair', number), undefined);
    const start = recordKey('pairBits', pairBitsKey(number, 'primary', 'pending'));
    const end = recordKey('pairBits', pairBitsEnd(number));
    for (const { key } of store.range('records', start, end)) {
      content.change(new Uint8Array(key), undefined);
    }
  }
}
