/**
 * Storing cached blocks: composes the content of each and puts it into the container under a fresh
 * id. Nothing refers to it before a publish does, so a crash or a full disk in between changes
 * nothing, and a failed task is simply run again.
 */

import { crc32 } from 'node:zlib';
import { TRANSACTION_BLOCKS_MAX } from '../base/limits.js';
import { BLOCK_BYTES, PAGE_BYTES, SECTORS_PER_PAGE } from '../base/sizes.js';
import type { PutContext, StoreReader, TransactionRunner } from './block-store.js';
import { emptyLocations, type Locations, locationAt, putLocation } from './locations.js';
import { ALL_SECTORS, type Location } from './records.js';
import { locateVisible, ZEROS } from './resolve.js';
import { forEachSectorRun } from './sector-runs.js';
import {
  type BlocksToStore,
  type StoreBlocksResult,
  type StoreBlocksTask,
  UNKNOWN_BASE,
  type WriterState,
} from './tasks.js';

const ZERO_BLOCK = Buffer.alloc(BLOCK_BYTES);

export function storeBlocks(
  runner: TransactionRunner,
  state: WriterState,
  task: StoreBlocksTask,
): StoreBlocksResult {
  runner.startPuts(state.nextId);
  findBases(runner.reader, state.poolSeed, task);
  const parts = task.parts.map(({ blocks }) => emptyLocations(blocks.length));
  for (const [number, part] of task.parts.entries()) {
    const locations = parts[number] as Locations;
    for (let from = 0; from < part.blocks.length; from += TRANSACTION_BLOCKS_MAX) {
      const to = Math.min(part.blocks.length, from + TRANSACTION_BLOCKS_MAX);
      runner.putBlocks((context) => {
        new ContentWriter(runner, context, part, locations).store(from, to);
      });
    }
  }
  state.nextId = runner.endPuts();
  return { parts };
}

/**
 * Looks up the bases that the task leaves to the store, and enters them; returns their ids. To be
 * called before the task runs, so that cold ones can be fetched, many at once.
 */
export function findBases(
  reader: StoreReader,
  poolSeed: number,
  { parts }: StoreBlocksTask,
): number[] {
  const found: number[] = [];
  for (const { bases, blocks, levels, sectors } of parts) {
    for (const [index, block] of blocks.entries()) {
      if (sectors[index] === ALL_SECTORS) continue;
      if (bases.ids[index] === UNKNOWN_BASE.id) {
        putLocation(bases, index, locateVisible(reader, poolSeed, levels, block));
      }
      found.push(bases.ids[index] as number);
    }
  }
  return found;
}

class ContentWriter {
  private readonly scratch = Buffer.alloc(BLOCK_BYTES);

  constructor(
    private readonly runner: TransactionRunner,
    private readonly context: PutContext,
    private readonly part: BlocksToStore,
    private readonly locations: Locations,
  ) {}

  store(from: number, to: number): void {
    for (let index = from; index < to; index += 1) {
      putLocation(this.locations, index, this.storeBlock(index));
    }
  }

  private storeBlock(index: number): Location {
    const { content, sectors } = this.compose(index);
    if (sectors === ALL_SECTORS && ZERO_BLOCK.equals(content)) return ZEROS;
    const crc = crc32(content);
    // What was written block by block is seldom read or changed soon; pieces of blocks often are.
    const isStream = this.part.sectors[index] === ALL_SECTORS;
    return { id: this.context.blocks.put(content, isStream), crc, sectors };
  }

  /** Lays the cached sectors over their base; a damaged base leaves its sectors invalid. */
  private compose(index: number): { content: Uint8Array; sectors: number } {
    const { pages, single, sectors } = this.part;
    const page = pages[index] as number;
    const mask = sectors[index] as number;
    const isSingle = single[index] === 1;
    const cached = this.runner.cached(page, isSingle ? PAGE_BYTES : BLOCK_BYTES);
    if (mask === ALL_SECTORS) return { content: cached, sectors: ALL_SECTORS };
    const baseSectors = this.readBase(index);
    // A single page lies where its sectors say.
    const start = isSingle ? Math.floor((31 - Math.clz32(mask)) / SECTORS_PER_PAGE) : 0;
    const first = start * PAGE_BYTES;
    forEachSectorRun(mask, (from, to) => {
      this.scratch.set(cached.subarray(from - first, to - first), from);
    });
    return { content: this.scratch, sectors: (mask | baseSectors) >>> 0 };
  }

  /** Puts the base into the scratch block; returns its valid sectors. */
  private readBase(index: number): number {
    const { id, crc, sectors } = locationAt(this.part.bases, index);
    if (id === 0) {
      this.scratch.fill(0);
      return ALL_SECTORS;
    }
    const startMs = this.runner.monotonicMs();
    const content = this.context.blocks.read(id);
    if (content === undefined || crc32(content) !== crc) {
      this.scratch.fill(0);
      return 0;
    }
    this.scratch.set(content);
    this.runner.noteRead(id, this.runner.monotonicMs() - startMs);
    return sectors;
  }
}
