/**
 * Fetches cold blocks before they are read: a read of a block that is on disk only would stall the
 * event loop for a disk access. Fetching runs on the thread pool, many blocks side by side.
 */
import type { BlockStore } from '../store/block-store.js';
import { isStored } from '../store/resolve.js';
import { WarmBlocks } from './warm-blocks.js';

/** Blocks one call fetches one after the other; several calls run side by side. */
const FETCH_BLOCKS = 8;

export class BlockFetcher {
  /** Blocks that can be read without waiting for the disk, as far as is known. */
  readonly warm = new WarmBlocks();
  private readonly underWay = new Map<number, Promise<void>>();

  constructor(private readonly store: BlockStore) {}

  /** Resolves when the blocks can be read at once; undefined where they can already. */
  fetch(ids: Iterable<number>): Promise<unknown> | undefined {
    const waits = new Set<Promise<void>>();
    const cold: number[] = [];
    for (const id of ids) {
      if (!isStored(id) || this.warm.has(id)) continue;
      const call = this.underWay.get(id);
      if (call === undefined) cold.push(id);
      else waits.add(call);
    }
    for (let first = 0; first < cold.length; first += FETCH_BLOCKS) {
      const call = this.start(cold.slice(first, first + FETCH_BLOCKS));
      if (call !== undefined) waits.add(call);
    }
    return waits.size === 0 ? undefined : Promise.all(waits);
  }

  private start(ids: readonly number[]): Promise<void> | undefined {
    const call = this.store.blocks.prefetch(ids)?.finally(() => {
      for (const id of ids) {
        this.underWay.delete(id);
        this.warm.add(id);
      }
    });
    if (call !== undefined) for (const id of ids) this.underWay.set(id, call);
    return call;
  }
}
