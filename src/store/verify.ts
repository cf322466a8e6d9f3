/**
 * Verifying stored blocks: each map entry against its tag, each block against its checksum. Slices run
 * in the writer thread, so cold reads do not hold up the event loop.
 */

import { crc32 } from 'node:zlib';
import { BLOCK_BYTES } from '../base/sizes.js';
import type { StoreReader, StoreTransaction, TransactionRunner } from './block-store.js';
import { EPOCH_MAX, mapKey, parseMapKey } from './keys.js';
import { ALL_SECTORS, type Location } from './records.js';
import {
  type BlockVersion,
  checkedLocation,
  DAMAGED_LOCATION,
  isStored,
  visibleVersions,
} from './resolve.js';
import type { Damage, DamageKind, VerifyResult, VerifyTask, WriterState } from './tasks.js';

/** What is wrong with a version's content; undefined where it is sound. */
function damageOf({ blocks }: StoreTransaction, location: Location): DamageKind | undefined {
  if (location.id === DAMAGED_LOCATION.id) return 'damaged map entry';
  if (!isStored(location.id)) return undefined;
  const content = blocks.has(location.id) ? blocks.read(location.id) : undefined;
  if (content === undefined) return 'missing block';
  if (content.length !== BLOCK_BYTES || crc32(content) !== location.crc) return 'wrong checksum';
  return location.sectors === ALL_SECTORS ? undefined : 'lost sectors';
}

export function verify(
  runner: TransactionRunner,
  state: WriterState,
  task: VerifyTask,
): VerifyResult {
  return runner.transaction((transaction) => {
    const { levels, from, endBlock } = task;
    const versions =
      levels === undefined
        ? allVersions(transaction, state.poolSeed, from)
        : visibleVersions(transaction, state.poolSeed, levels, from.block, endBlock);
    const damages: Damage[] = [];
    let count = 0;
    let bytes = 0;
    for (const version of versions) {
      const { lineage, block, epoch, location } = version;
      if (count === task.limit) {
        return { damages, versions: count, bytes, next: { lineage, block, epoch } };
      }
      count += 1;
      if (isStored(location.id)) bytes += BLOCK_BYTES;
      const kind = damageOf(transaction, location);
      if (kind !== undefined) damages.push({ lineage, block, epoch, kind });
    }
    return { damages, versions: count, bytes, next: undefined };
  });
}

/** Every version of the pool from a place in the map on. */
export function* allVersions(
  reader: StoreReader,
  poolSeed: number,
  from: VerifyTask['from'],
): Generator<BlockVersion> {
  const start = mapKey(from.lineage, from.block, from.epoch);
  const end = mapKey(EPOCH_MAX, 0, 0);
  for (const { key, value } of reader.range('map', start, end)) {
    const { lineage, block, epoch } = parseMapKey(key);
    const location = checkedLocation(value, poolSeed, lineage, block, epoch);
    yield { lineage, block, epoch, location };
  }
}
