/**
 * Reading whole tables for a check: in slices of copied entries, so that no cursor is open while the
 * check looks something else up, or repairs what it has just read.
 */
import type { StoreEntry, StoreReader, TableName } from './block-store.js';
import { EPOCH_MAX, MAP_KEY_BYTES, mapKey, parseMapKey } from './keys.js';
import { type Location, mapTag, unpackMapEntry } from './records.js';

const SLICE_ENTRIES = 4_096;

/** Before and after every key of any table. */
export const FIRST_KEY = new Uint8Array([0]);
export const END_KEY = new Uint8Array(16).fill(0xff);

/** Entries with `start` <= key < `end`, owned by the caller. */
export function* scanTable(
  reader: StoreReader,
  table: TableName,
  start: Uint8Array = FIRST_KEY,
  end: Uint8Array = END_KEY,
): Generator<StoreEntry> {
  let from = start;
  for (;;) {
    const slice: StoreEntry[] = [];
    for (const { key, value } of reader.range(table, from, end)) {
      slice.push({ key: new Uint8Array(key), value: new Uint8Array(value) });
      if (slice.length === SLICE_ENTRIES) break;
    }
    yield* slice;
    const last = slice[SLICE_ENTRIES - 1];
    if (last === undefined) return;
    // The key that follows immediately.
    from = new Uint8Array(last.key.length + 1);
    from.set(last.key);
  }
}

export interface ScannedVersion {
  readonly lineage: number;
  readonly block: number;
  readonly epoch: number;
  /** Undefined where the entry's size, version or tag is wrong. */
  readonly location: Location | undefined;
}

/** Map entries of the lineages [from, to); those with a key of a wrong size are passed over. */
export function* scanMap(
  reader: StoreReader,
  poolSeed: number,
  from = 0,
  to = EPOCH_MAX,
): Generator<ScannedVersion> {
  const start = mapKey(from, 0, EPOCH_MAX);
  for (const { key, value } of scanTable(reader, 'map', start, mapKey(to, 0, EPOCH_MAX))) {
    if (key.length !== MAP_KEY_BYTES) continue;
    const { lineage, block, epoch } = parseMapKey(key);
    yield {
      lineage,
      block,
      epoch,
      location: soundLocation(value, poolSeed, lineage, block, epoch),
    };
  }
}

function soundLocation(
  value: Uint8Array,
  poolSeed: number,
  lineage: number,
  block: number,
  epoch: number,
): Location | undefined {
  try {
    const entry = unpackMapEntry(value);
    return mapTag(poolSeed, lineage, block, epoch, entry) === entry.tag ? entry : undefined;
  } catch {
    return undefined;
  }
}

/** Position of the first of the ascending `values` that is not below `value`. */
export function lowerBound(
  values: ArrayLike<number>,
  value: number,
  count = values.length,
): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((values[middle] as number) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
