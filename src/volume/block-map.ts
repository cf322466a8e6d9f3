/**
 * The content of a view, block by block: cached layers over stored blocks, along the lineage chain.
 *
 * A sector comes from the first of: cached layers of the view's lineage, newest first; the stored
 * version; then the same for the parent lineage as of the epoch where this one branched off. A clip
 * ends the search with zeros.
 */

import { crc32 } from 'node:zlib';
import { assert } from '../base/assert.js';
import type { Clock } from '../base/clock.js';
import { ArrayError } from '../base/errors.js';
import { BLOCK_BYTES } from '../base/sizes.js';
import { BlockFetcher } from '../store/block-fetcher.js';
import type { BlockStore } from '../store/block-store.js';
import { ALL_SECTORS, type Location } from '../store/records.js';
import { clipFloor, levelVersions, visibleVersions, ZEROS } from '../store/resolve.js';
import { sectorMask } from '../store/sector-runs.js';
import type { AheadBytes } from './ahead-bytes.js';
import {
  BlockIndex,
  emptyRegion,
  type IndexBudget,
  REGION_BLOCKS,
  type Region,
  setLocation,
} from './block-index.js';
import { copySectors, copyZeros, type Part } from './block-part.js';
import type { Layer, Lineage } from './lineage.js';
import { type MappedSlice, mappedBlocks } from './mapped-blocks.js';
import { PublishedReader } from './published-reader.js';
import { cachedBlock, isPublished, publishedLevels, type View } from './view.js';

/** The stored version of a block: lineage and epoch it was written in. */
export interface VersionPlace {
  readonly lineage: number;
  readonly epoch: number;
}

/** Tells of a damaged block; the reader gets EIO. */
export type DamageReport = (place: VersionPlace, block: number, reason: string) => void;

export class BlockMap {
  readonly fetcher: BlockFetcher;
  private readonly reader: PublishedReader;

  constructor(
    private readonly store: BlockStore,
    private readonly poolSeed: number,
    private readonly budget: IndexBudget,
    private readonly clock: Clock,
    private readonly reportDamage: DamageReport,
  ) {
    this.fetcher = new BlockFetcher(store);
    this.reader = new PublishedReader(store, this.fetcher, clock);
  }

  /** An index of the stored state of `lineage` at `epoch` (EPOCH_MAX: the newest). */
  readonly newIndex = (lineage: Lineage, epoch: number): BlockIndex => {
    return new BlockIndex(this.budget, (first) => this.loadRegion(lineage, epoch, first));
  };

  /** Fills `target` with the view's bytes from `offset`; EIO where a block is damaged. */
  read(view: View, offset: number, target: Uint8Array, ahead?: AheadBytes): void {
    let done = isPublished(view) ? this.reader.read(this.indexOf(view), offset, target, ahead) : 0;
    while (done < target.length) {
      const position = offset + done;
      const block = Math.floor(position / BLOCK_BYTES);
      const start = position % BLOCK_BYTES;
      const end = Math.min(BLOCK_BYTES, start + target.length - done);
      this.readPart(view, { block, start, end, target, targetOffset: done });
      done += end - start;
    }
  }

  /** Reads one slice of what is wanted ahead; false where no more can be read without waiting. */
  readAhead(view: View, ahead: AheadBytes): boolean {
    return isPublished(view) && this.reader.readAhead(this.indexOf(view), ahead);
  }

  /**
   * Fetches the stored blocks of [offset, offset + length) that are cold. Undefined where none is, so
   * that a warm read answers at once.
   */
  fetch(view: View, offset: number, length: number): Promise<unknown> | undefined {
    if (!this.fetcher.isActive || view.lineage.hasUnpublishedBelow) return undefined;
    const ids: number[] = [];
    const end = Math.ceil((offset + length) / BLOCK_BYTES);
    for (let block = Math.floor(offset / BLOCK_BYTES); block < end; block += 1) {
      ids.push(this.locate(view, block).id);
    }
    return this.fetcher.fetch(ids);
  }

  /**
   * Where the content under `layer` is at a block, as far as it is not published yet: older layers
   * are stored before newer ones. Undefined where the store knows.
   */
  unpublishedBase(layer: Layer, block: number): Location | undefined {
    let { lineage, epoch } = layer;
    let newest = lineage.layers.indexOf(layer) - 1;
    for (;;) {
      const floor = clipFloor(lineage.clips, epoch, block);
      const entry = cachedBlock({ lineage, epoch }, newest, floor, block);
      if (entry !== undefined) {
        assert(entry.location !== undefined, 'older layers are stored first');
        return entry.location;
      }
      if (lineage === layer.lineage && !lineage.hasUnpublishedBelow) return undefined;
      const stored = this.locateAtLevel(lineage, epoch, block);
      if (stored !== undefined) return stored;
      if (floor >= 0 || lineage.parent === undefined) return ZEROS;
      epoch = lineage.parentEpoch;
      lineage = lineage.parent;
      newest = lineage.layers.length - 1;
    }
  }

  /** Blocks of [from, to) with content, in slices of so many versions; the lineages below must be published. */
  mappedBlocks(view: View, from: number, to: number, versions: number): MappedSlice {
    return mappedBlocks(this.store, this.poolSeed, view, from, to, versions);
  }

  /** Whether a view shows this stored version of a block. */
  shows(view: View, place: VersionPlace, block: number): boolean {
    const shown = this.storedVersion(view, block);
    return shown?.lineage === place.lineage && shown.epoch === place.epoch;
  }

  /** The stored version of `block` that a view shows, straight from the map. */
  storedVersion({ lineage, epoch }: View, block: number): VersionPlace | undefined {
    const levels = publishedLevels(lineage, epoch);
    for (const version of visibleVersions(this.store, this.poolSeed, levels, block, block + 1)) {
      return { lineage: version.lineage, epoch: version.epoch };
    }
    return undefined;
  }

  /** Where a published block of the view is; undefined where what it shows is not published yet. */
  publishedLocation(view: View, block: number): Location | undefined {
    const { lineage, epoch } = view;
    if (lineage.hasUnpublishedBelow) return undefined;
    const isCached = lineage.layers.some(
      (layer) => layer.epoch <= epoch && layer.blocks.has(block),
    );
    return isCached ? undefined : this.locate(view, block);
  }

  /** Content of a stored block that is in no view yet; EIO where it is damaged. */
  readLocation(location: Location): Uint8Array {
    const content = this.tryReadLocation(location);
    if (content === undefined || location.sectors !== ALL_SECTORS) {
      throw new ArrayError('EIO', `stored block ${location.id} is damaged`);
    }
    return content;
  }

  /** The same, with sectors that may not be valid; undefined where it is damaged. */
  tryReadLocation({ id, crc }: Location): Uint8Array | undefined {
    const content = this.store.blocks.read(id);
    if (content?.length !== BLOCK_BYTES) return undefined;
    return crc32(content) === crc ? content : undefined;
  }

  private readPart(view: View, part: Part): void {
    let missing = sectorMask(part.start, part.end);
    let { lineage, epoch } = view;
    let level = 0;
    for (;;) {
      const floor = clipFloor(lineage.clips, epoch, part.block);
      missing = this.takeCached({ lineage, epoch }, floor, part, missing);
      if (missing === 0) return;
      const next =
        level === 0 && !lineage.hasUnpublishedBelow
          ? this.locate(view, part.block)
          : this.locateAtLevel(lineage, epoch, part.block);
      if (next !== undefined) {
        this.copyStored(view, part, next, missing);
        return;
      }
      if (floor >= 0 || lineage.parent === undefined) {
        copyZeros(missing, part);
        return;
      }
      epoch = lineage.parentEpoch;
      lineage = lineage.parent;
      level += 1;
    }
  }

  /**
   * The stored location under the view's cached sectors. The index answers for the whole chain, whose
   * caches are empty below the view's lineage; clips it does not know yet come first.
   */
  locate(view: View, block: number): Location {
    const { lineage, epoch } = view;
    for (const clip of lineage.clips) {
      if (!clip.published && clip.epoch <= epoch && clip.block <= block) return ZEROS;
    }
    return this.indexOf(view).locate(block);
  }

  private indexOf(view: View): BlockIndex {
    const { lineage, epoch } = view;
    if (epoch === lineage.epoch) return lineage.index;
    let index = lineage.views.get(epoch);
    if (index === undefined) {
      index = this.newIndex(lineage, epoch);
      lineage.views.set(epoch, index);
    }
    return index;
  }

  /** The stored version on one level alone; undefined where the level shows none. */
  private locateAtLevel(lineage: Lineage, epoch: number, block: number): Location | undefined {
    const clips = lineage.clips.filter((clip) => clip.epoch <= epoch);
    const level = { lineage: lineage.id, epoch, clips };
    for (const { location } of levelVersions(this.store, this.poolSeed, level, block, block + 1)) {
      return location;
    }
    return undefined;
  }

  private loadRegion(lineage: Lineage, epoch: number, first: number): Region {
    const region = emptyRegion();
    const levels = publishedLevels(lineage, epoch);
    const last = first + REGION_BLOCKS;
    for (const version of visibleVersions(this.store, this.poolSeed, levels, first, last)) {
      setLocation(region, version.block - first, version.location);
    }
    return region;
  }

  private copyStored(view: View, part: Part, location: Location, wanted: number): void {
    if (location.id === 0) {
      copyZeros(wanted, part);
      return;
    }
    const lost = (wanted & ~location.sectors) !== 0;
    const startMs = this.clock.monotonicMs();
    const content = lost ? undefined : this.store.blocks.read(location.id);
    if (content === undefined)
      this.fail(view, part.block, lost ? 'lost sectors' : 'block is missing');
    if (content.length !== BLOCK_BYTES || crc32(content) !== location.crc) {
      this.fail(view, part.block, 'wrong checksum');
    }
    this.fetcher.noteRead(location.id, this.clock.monotonicMs() - startMs);
    copySectors(wanted, content, 0, part);
  }

  /**
   * Copies what the view's cached layers hold of `wanted`, down to epoch `floor`; returns what is
   * still missing.
   */
  private takeCached(view: View, floor: number, part: Part, wanted: number): number {
    const { layers } = view.lineage;
    let missing = wanted;
    for (let index = layers.length - 1; index >= 0; index -= 1) {
      const layer = layers[index] as Layer;
      if (layer.epoch > view.epoch) continue;
      if (layer.epoch < floor) break;
      const entry = layer.blocks.get(part.block);
      if (entry === undefined) continue;
      const { span, location, start } = entry;
      if (span === undefined) {
        if (location !== undefined) this.copyStored(view, part, location, missing);
        return 0;
      }
      const taken = (entry.sectors & missing) >>> 0;
      if (taken === 0) continue;
      copySectors(taken, span.bytes, start, part);
      missing = (missing & ~taken) >>> 0;
      if (missing === 0) return 0;
    }
    return missing;
  }

  private fail(view: View, block: number, reason: string): never {
    const place = this.storedVersion(view, block);
    if (place !== undefined) this.reportDamage(place, block, reason);
    throw new ArrayError(
      'EIO',
      `block ${block} (byte ${block * BLOCK_BYTES}) is damaged: ${reason}`,
    );
  }
}
