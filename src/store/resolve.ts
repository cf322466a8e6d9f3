/**
 * Which stored version of a block a view sees. A view is a chain of levels: its own lineage up to an
 * epoch, then the lineage's parent up to the epoch it branched at, and so on. At each level the newest
 * version not after the level's epoch counts. A clip (epoch, block) hides everything older than its
 * epoch at `block` and above, on its level and on all levels below.
 */

import type { StoreReader } from './block-store.js';
import { EPOCH_MAX, mapKey, parseMapKey, parseRecordKey, recordKey, recordKeyEnd } from './keys.js';
import {
  ALL_SECTORS,
  type Location,
  mapTag,
  unpackCount,
  unpackLineage,
  unpackMapEntry,
} from './records.js';
import type { Clip, Level } from './tasks.js';

export interface BlockVersion {
  readonly lineage: number;
  readonly block: number;
  readonly epoch: number;
  readonly location: Location;
}

/** Nothing older than this epoch is visible at `block`; -1 where nothing is hidden. */
export function clipFloor(clips: readonly Clip[], epoch: number, block: number): number {
  let floor = -1;
  for (const clip of clips) {
    if (clip.epoch <= epoch && clip.block <= block && clip.epoch > floor) floor = clip.epoch;
  }
  return floor;
}

/** The stored clips of a lineage, oldest first. */
export function loadClips(reader: StoreReader, lineage: number): Clip[] {
  const clips: Clip[] = [];
  const start = recordKey('clip', lineage);
  for (const { key, value } of reader.range('records', start, recordKeyEnd('clip', lineage))) {
    clips.push({ epoch: parseRecordKey(key).second, block: unpackCount(value) });
  }
  return clips;
}

/** The chain of levels a view of `lineage` at `epoch` consists of, nearest first. */
export function loadChain(reader: StoreReader, lineage: number, epoch: number): Level[] {
  const levels: Level[] = [];
  let next = lineage;
  let nextEpoch = epoch;
  while (next !== 0) {
    const clips = loadClips(reader, next).filter((clip) => clip.epoch <= nextEpoch);
    levels.push({ lineage: next, epoch: nextEpoch, clips });
    const value = reader.get('records', recordKey('lineage', next));
    if (value === undefined) break;
    const record = unpackLineage(value);
    next = record.parent;
    nextEpoch = record.parentEpoch;
  }
  return levels;
}

/** What a map entry says, checked by its tag; a damaged one reads as a block with no valid sector. */
export function checkedLocation(
  value: Uint8Array,
  poolSeed: number,
  lineage: number,
  block: number,
  epoch: number,
): Location {
  try {
    const entry = unpackMapEntry(value);
    if (mapTag(poolSeed, lineage, block, epoch, entry) === entry.tag) return entry;
  } catch {
    // A wrong size or version is damage like a wrong tag.
  }
  return DAMAGED_LOCATION;
}

/** Where nothing is stored. */
export const ZEROS: Location = { id: 0, crc: 0, sectors: ALL_SECTORS };

/** Stands for a map entry that cannot be believed: no block, no valid sector. */
export const DAMAGED_LOCATION: Location = { id: 2 ** 48 - 1, crc: 0, sectors: 0 };

/** The id names a block of the container: it is neither zeros nor damage. */
export function isStored(id: number): boolean {
  return id !== 0 && id !== DAMAGED_LOCATION.id;
}

/** Versions passed over one by one before a new seek is cheaper. */
const SKIPS_BEFORE_SEEK = 8;

/** The visible versions of blocks [from, to) on one level, by block. */
export function* levelVersions(
  reader: StoreReader,
  poolSeed: number,
  level: Level,
  from: number,
  to: number,
): Generator<BlockVersion> {
  const end = mapKey(level.lineage, to, EPOCH_MAX);
  let start: Uint8Array | undefined = mapKey(level.lineage, from, level.epoch);
  let lastBlock = -1;
  while (start !== undefined) {
    let skips = 0;
    const range: Iterable<{ key: Uint8Array; value: Uint8Array }> = reader.range('map', start, end);
    start = undefined;
    for (const { key, value } of range) {
      const { lineage, block, epoch } = parseMapKey(key);
      if (block === lastBlock || epoch > level.epoch) {
        skips += 1;
        if (skips <= SKIPS_BEFORE_SEEK) continue;
        const seekBlock: number = block === lastBlock ? block + 1 : block;
        if (seekBlock < to) start = mapKey(lineage, seekBlock, level.epoch);
        break;
      }
      skips = 0;
      lastBlock = block;
      if (epoch < clipFloor(level.clips, level.epoch, block)) continue;
      const location = checkedLocation(value, poolSeed, lineage, block, epoch);
      yield { lineage, block, epoch, location };
    }
  }
}

/** The versions of blocks [from, to) that the whole chain shows, by block; zeros (id 0) included. */
export function* visibleVersions(
  reader: StoreReader,
  poolSeed: number,
  levels: readonly Level[],
  from: number,
  to: number,
): Generator<BlockVersion> {
  const sources = levels.map((level) => levelVersions(reader, poolSeed, level, from, to));
  const heads = sources.map((source) => source.next().value as BlockVersion | undefined);
  try {
    for (;;) {
      let block = Number.POSITIVE_INFINITY;
      for (const head of heads) if (head !== undefined && head.block < block) block = head.block;
      if (block === Number.POSITIVE_INFINITY) return;
      const version = firstVisible(levels, heads, block);
      if (version !== undefined) yield version;
      for (const [index, head] of heads.entries()) {
        if (head?.block === block) {
          heads[index] = sources[index]?.next().value as BlockVersion | undefined;
        }
      }
    }
  } finally {
    for (const source of sources) source.return(undefined);
  }
}

/** Where the content is that the chain shows at one block. */
export function locateVisible(
  reader: StoreReader,
  poolSeed: number,
  levels: readonly Level[],
  block: number,
): Location {
  for (const level of levels) {
    for (const { location } of levelVersions(reader, poolSeed, level, block, block + 1)) {
      return location;
    }
    if (clipFloor(level.clips, level.epoch, block) >= 0) return ZEROS;
  }
  return ZEROS;
}

function firstVisible(
  levels: readonly Level[],
  heads: readonly (BlockVersion | undefined)[],
  block: number,
): BlockVersion | undefined {
  for (const [index, level] of levels.entries()) {
    const head = heads[index];
    if (head?.block === block) return head;
    if (clipFloor(level.clips, level.epoch, block) >= 0) return undefined;
  }
  return undefined;
}

/** Blocks with content (id not 0) that the chain shows from block `from` on. */
export function countMapped(
  reader: StoreReader,
  poolSeed: number,
  levels: readonly Level[],
  from: number,
  to: number,
): number {
  let count = 0;
  for (const version of visibleVersions(reader, poolSeed, levels, from, to)) {
    if (version.location.id !== 0) count += 1;
  }
  return count;
}
