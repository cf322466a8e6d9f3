/**
 * Which blocks of a view have content: stored versions, minus what unpublished clips hide, with the
 * cached layers of its lineage over them. For holes and discards; looked at in slices, because an
 * image can have a thousand million blocks.
 */

import type { BlockStore } from '../store/block-store.js';
import { clipFloor, visibleVersions } from '../store/resolve.js';
import { publishedLevels, type View } from './view.js';

export interface MappedSlice {
  /** Ascending. */
  readonly blocks: readonly number[];
  /** Where to go on, undefined at the end of the range. */
  readonly next: number | undefined;
}

/**
 * Blocks with content in [from, to), as many as `limit` stored versions show. The lineages below the
 * view's must be published (Lineage.hasUnpublishedBelow).
 */
export function mappedBlocks(
  store: BlockStore,
  poolSeed: number,
  view: View,
  from: number,
  to: number,
  limit: number,
): MappedSlice {
  const { lineage, epoch } = view;
  const pending = lineage.clips.filter((clip) => !clip.published);
  const mapped = new Set<number>();
  let next: number | undefined;
  let seen = 0;
  for (const version of visibleVersions(
    store,
    poolSeed,
    publishedLevels(lineage, epoch),
    from,
    to,
  )) {
    if (seen === limit) {
      next = version.block;
      break;
    }
    seen += 1;
    const isHidden = clipFloor(pending, epoch, version.block) >= 0;
    if (version.location.id !== 0 && !isHidden) mapped.add(version.block);
  }
  const end = next ?? to;
  for (const layer of lineage.layers) {
    if (layer.epoch > epoch) continue;
    for (const [block, entry] of layer.blocks) {
      if (block < from || block >= end) continue;
      if (layer.epoch < clipFloor(lineage.clips, epoch, block)) continue;
      // A later layer overrides an earlier one; part of a block is content, whatever lies below.
      if (entry.location?.id === 0) mapped.delete(block);
      else mapped.add(block);
    }
  }
  return { blocks: [...mapped].sort((a, b) => a - b), next };
}
