/**
 * Merge: shortens a chain of lineages by one. What a lineage sees of its parent is entered into the
 * lineage itself, as versions of epoch 0 that share the parent's blocks; the last slice then makes the
 * grandparent its parent. Readers see the same before, during and after, so slices need no
 * bookkeeping and may be repeated.
 */

import type { StoreTransaction, TransactionRunner } from './block-store.js';
import { BornBitmaps } from './born-bitmaps.js';
import { BLOCK_INDEX_MAX, EPOCH_MAX, mapKey, recordKey } from './keys.js';
import { mapTag, packCount, packLineage, packMapEntry, unpackLineage } from './records.js';
import { setShareCount, shareCount } from './recover.js';
import { clipFloor, isStored, levelVersions, loadClips } from './resolve.js';
import type { Level, MergeResult, MergeTask, WriterState } from './tasks.js';

export function merge(runner: TransactionRunner, state: WriterState, task: MergeTask): MergeResult {
  return runner.transaction((transaction) => {
    const value = transaction.get('records', recordKey('lineage', task.lineage));
    const lineage = value && unpackLineage(value);
    if (lineage === undefined || lineage.parent === 0) {
      return { nextBlock: undefined, parent: 0, parentEpoch: 0, clip: undefined };
    }
    const level = {
      lineage: lineage.parent,
      epoch: lineage.parentEpoch,
      clips: loadClips(transaction, lineage.parent).filter(
        (clip) => clip.epoch <= lineage.parentEpoch,
      ),
    };
    const nextBlock = adoptVersions(transaction, state, task, level);
    if (nextBlock !== undefined) {
      const { parent, parentEpoch } = lineage;
      return { nextBlock, parent, parentEpoch, clip: undefined };
    }
    return { nextBlock, ...moveToGrandparent(transaction, task, level) };
  });
}

/** Enters the parent's visible versions; returns the block to go on with, if the limit was reached. */
function adoptVersions(
  transaction: StoreTransaction,
  state: WriterState,
  task: MergeTask,
  level: Level,
): number | undefined {
  const own = loadClips(transaction, task.lineage);
  const versions = [];
  for (const version of levelVersions(
    transaction,
    state.poolSeed,
    level,
    task.fromBlock,
    BLOCK_INDEX_MAX,
  )) {
    versions.push(version);
    if (versions.length > task.limit) break;
  }
  const born = new BornBitmaps(transaction);
  for (const { block, location } of versions.slice(0, task.limit)) {
    const key = mapKey(task.lineage, block, 0);
    if (clipFloor(own, task.firstView, block) >= 0) continue;
    if (hasOwnVersion(transaction, task.lineage, block, task.firstView)) continue;
    const tag = mapTag(state.poolSeed, task.lineage, block, 0, location);
    transaction.put('map', key, packMapEntry(location, tag));
    born.set(task.lineage, 0, block);
    if (isStored(location.id)) {
      setShareCount(transaction, location.id, shareCount(transaction, location.id) + 1);
    }
  }
  born.save();
  return versions[task.limit]?.block;
}

/** The lineage has a version not after `epoch`, so no view shows the parent's. */
function hasOwnVersion(
  transaction: StoreTransaction,
  lineage: number,
  block: number,
  epoch: number,
): boolean {
  const start = mapKey(lineage, block, epoch);
  for (const _entry of transaction.range('map', start, mapKey(lineage, block + 1, EPOCH_MAX))) {
    return true;
  }
  return false;
}

/** The parent's clips hide what lies below it; the lineage inherits them as one clip of epoch 0. */
function moveToGrandparent(
  transaction: StoreTransaction,
  task: MergeTask,
  level: Level,
): { parent: number; parentEpoch: number; clip: number | undefined } {
  const value = transaction.get('records', recordKey('lineage', level.lineage));
  const parent = value ? unpackLineage(value) : { parent: 0, parentEpoch: 0 };
  const own = loadClips(transaction, task.lineage).filter((clip) => clip.epoch === 0);
  const hidden = [...own, ...level.clips].map((clip) => clip.block);
  const clip = hidden.length > 0 ? Math.min(...hidden) : undefined;
  if (clip !== undefined) {
    transaction.put('records', recordKey('clip', task.lineage, 0), packCount(clip));
  }
  const next = { parent: parent.parent, parentEpoch: parent.parentEpoch };
  const record = packLineage({ id: task.lineage, ...next });
  transaction.put('records', recordKey('lineage', task.lineage), record);
  for (const { key, value: put } of task.finish) {
    if (put === undefined) transaction.remove('records', key);
    else transaction.put('records', key, put);
  }
  return { ...next, clip };
}
