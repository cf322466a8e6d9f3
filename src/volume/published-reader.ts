/**
 * Reads what a view shows when all of it is published: the way nearly every read goes. Blocks that
 * lie one after the other are read in one call, and of a block that was verified before only the
 * pages that are asked for.
 *
 * Every byte that is returned was verified after it was read. What cannot be read here, for whatever
 * reason, is left to the caller, who looks at the block as a whole and knows what to say of it.
 */

import { crc32 } from 'node:zlib';
import type { Clock } from '../base/clock.js';
import { BLOCK_BYTES, PAGE_BYTES, PAGES_PER_BLOCK } from '../base/sizes.js';
import type { BlockFetcher } from '../store/block-fetcher.js';
import type { BlockStore } from '../store/block-store.js';
import type { AheadBytes, AheadSlice } from './ahead-bytes.js';
import { type BlockIndex, REGION_BLOCKS, type Region } from './block-index.js';
import { pageChecksums } from './page-checksums.js';

export class PublishedReader {
  private readonly pages = Buffer.alloc(BLOCK_BYTES);

  constructor(
    private readonly store: BlockStore,
    private readonly fetcher: BlockFetcher,
    private readonly clock: Clock,
  ) {}

  /** Returns how many bytes from the beginning of `target` are filled. */
  read(index: BlockIndex, offset: number, target: Uint8Array, ahead?: AheadBytes): number {
    let done = ahead?.copyTo(index, offset, target) ?? 0;
    while (done < target.length) {
      const block = Math.floor((offset + done) / BLOCK_BYTES);
      const start = (offset + done) % BLOCK_BYTES;
      const region = index.region(block);
      const position = block % REGION_BLOCKS;
      const left = target.subarray(done);
      const filled =
        start === 0 && left.length >= BLOCK_BYTES
          ? this.readBlocks(region, position, left)
          : this.readPart(region, position, start, left.subarray(0, BLOCK_BYTES - start));
      if (filled === 0) return done;
      done += filled;
    }
    return done;
  }

  /** Reads one slice of what is wanted ahead; false where no more can be read without waiting. */
  readAhead(index: BlockIndex, ahead: AheadBytes): boolean {
    const slice = ahead.nextSlice(index);
    if (slice === undefined || !this.isWarm(index, slice)) return false;
    return ahead.noteRead(slice, this.read(index, slice.offset, slice.target));
  }

  /** Every block of the range is known to be in the host's page cache. */
  private isWarm(index: BlockIndex, { offset, target }: AheadSlice): boolean {
    const end = Math.ceil((offset + target.length) / BLOCK_BYTES);
    for (let block = Math.floor(offset / BLOCK_BYTES); block < end; block += 1) {
      const { id } = index.locate(block);
      if (id !== 0 && !this.fetcher.warm.has(id)) return false;
    }
    return true;
  }

  /** Whole blocks, as many as lie one after the other. */
  private readBlocks(region: Region, position: number, target: Uint8Array): number {
    const count = this.runLength(region, position, Math.floor(target.length / BLOCK_BYTES));
    if (count === 0) return 0;
    const bytes = target.subarray(0, count * BLOCK_BYTES);
    const id = region.ids[position] as number;
    if (id === 0) {
      bytes.fill(0);
      return bytes.length;
    }
    const startMs = this.clock.monotonicMs();
    if (!this.fill(id, bytes)) return 0;
    const blockMs = (this.clock.monotonicMs() - startMs) / count;
    for (let index = 0; index < count; index += 1) {
      const content = bytes.subarray(index * BLOCK_BYTES, (index + 1) * BLOCK_BYTES);
      if (crc32(content) !== region.crcs[position + index]) return index * BLOCK_BYTES;
      this.fetcher.noteRead(id + index, blockMs);
    }
    return bytes.length;
  }

  /** Blocks from `position` on that are zeros, or whose ids follow each other. */
  private runLength({ ids, partial }: Region, position: number, countMax: number): number {
    const first = ids[position] as number;
    const step = first === 0 || this.store.blocks.readRun === undefined ? 0 : 1;
    const isAlone = first !== 0 && step === 0;
    const limit = isAlone ? 1 : Math.min(countMax, REGION_BLOCKS - position);
    let count = 0;
    while (count < limit && ids[position + count] === first + step * count) {
      if (partial?.has(position + count)) break;
      count += 1;
    }
    return count;
  }

  private fill(id: number, target: Uint8Array): boolean {
    const { blocks } = this.store;
    if (blocks.readRun !== undefined) return blocks.readRun(id, 0, target);
    const content = blocks.read(id);
    if (content?.length !== BLOCK_BYTES) return false;
    target.set(content);
    return true;
  }

  /** Part of one block. */
  private readPart(region: Region, position: number, start: number, target: Uint8Array): number {
    const id = region.ids[position] as number;
    if (region.partial?.has(position)) return 0;
    if (id === 0) {
      target.fill(0);
      return target.length;
    }
    const startMs = this.clock.monotonicMs();
    const isRead =
      region.verified?.[position] === 1
        ? this.readPages(region, position, id, start, target)
        : this.readWhole(region, position, id, start, target);
    if (!isRead) return 0;
    this.fetcher.noteRead(id, this.clock.monotonicMs() - startMs);
    return target.length;
  }

  /** Reads and verifies the whole block, and remembers the checksums of its pages. */
  private readWhole(
    region: Region,
    position: number,
    id: number,
    start: number,
    target: Uint8Array,
  ): boolean {
    const content = this.store.blocks.read(id);
    if (content?.length !== BLOCK_BYTES) return false;
    region.pageCrcs ??= new Uint32Array(REGION_BLOCKS * PAGES_PER_BLOCK);
    region.verified ??= new Uint8Array(REGION_BLOCKS);
    const whole = pageChecksums(content, region.pageCrcs, position * PAGES_PER_BLOCK);
    if (whole !== region.crcs[position]) return false;
    region.verified[position] = 1;
    target.set(content.subarray(start, start + target.length));
    return true;
  }

  /** Reads and verifies the pages that hold the bytes. */
  private readPages(
    region: Region,
    position: number,
    id: number,
    start: number,
    target: Uint8Array,
  ): boolean {
    const from = start - (start % PAGE_BYTES);
    const to = Math.ceil((start + target.length) / PAGE_BYTES) * PAGE_BYTES;
    const pages = this.pagesOf(id, from, to, target);
    if (pages === undefined) return false;
    for (let at = from; at < to; at += PAGE_BYTES) {
      const checksum = crc32(pages.subarray(at - from, at - from + PAGE_BYTES));
      if (checksum !== region.pageCrcs?.[position * PAGES_PER_BLOCK + at / PAGE_BYTES])
        return false;
    }
    if (pages !== target) target.set(pages.subarray(start - from, start - from + target.length));
    return true;
  }

  /** Bytes [from, to) of the block: in `target` itself where they are just what is wanted. */
  private pagesOf(
    id: number,
    from: number,
    to: number,
    target: Uint8Array,
  ): Uint8Array | undefined {
    const { blocks } = this.store;
    if (blocks.readRun === undefined) {
      const content = blocks.read(id);
      return content?.length === BLOCK_BYTES ? content.subarray(from, to) : undefined;
    }
    const pages = target.length === to - from ? target : this.pages.subarray(0, to - from);
    return blocks.readRun(id, from, pages) ? pages : undefined;
  }
}
