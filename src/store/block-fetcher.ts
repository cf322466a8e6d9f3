/**
 * Fetches cold blocks before they are read: a read of a block that is on disk only would stall the
 * thread for a disk access, and of many one after the other. Fetching runs on the thread pool, many blocks side by side.
 *
 * A fetch of a block that is in the page cache after all costs more than the read, so blocks are
 * believed to be there until a read was slow; then a number of unknown blocks is fetched, and one
 * more read decides how to go on. Each slow one doubles the number.
 */
import type { StoreReader } from './block-store.js';
import { isStored } from './resolve.js';
import { WarmBlocks } from './warm-blocks.js';

/** Blocks one call fetches one after the other; several calls run side by side. */
const FETCH_BLOCKS = 8;
/** A read of one block that takes longer had to wait for the disk (from memory: 0.01 ms). */
const SLOW_READ_MS = 0.15;
/** Unknown blocks fetched after a slow read, at first and at most. */
const DISTRUST_MIN = 64;
const DISTRUST_MAX = 4_096;

export class BlockFetcher {
  /** Blocks that can be read without waiting for the disk, as far as is known. */
  readonly warm = new WarmBlocks();
  private readonly underWay = new Map<number, Promise<void>>();
  /** Unknown blocks still to be fetched before one is read at once again. */
  private distrust = 0;
  private lastDistrust = 0;

  constructor(private readonly store: Pick<StoreReader, 'blocks'>) {}

  /** Whether there is anything to ask `fetch` for. */
  get isActive(): boolean {
    return this.distrust > 0 || this.underWay.size > 0;
  }

  /** Resolves when the blocks can be read at once; undefined where they can, or are believed to. */
  fetch(ids: Iterable<number>): Promise<unknown> | undefined {
    const waits = new Set<Promise<void>>();
    const cold: number[] = [];
    for (const id of ids) {
      if (!isStored(id) || this.warm.has(id)) continue;
      const call = this.underWay.get(id);
      if (call !== undefined) waits.add(call);
      else if (this.distrust > cold.length) cold.push(id);
    }
    this.distrust -= cold.length;
    for (let first = 0; first < cold.length; first += FETCH_BLOCKS) {
      const call = this.start(cold.slice(first, first + FETCH_BLOCKS));
      if (call !== undefined) waits.add(call);
    }
    return waits.size === 0 ? undefined : Promise.all(waits);
  }

  /** Tells how long the read of a stored block took. */
  noteRead(id: number, elapsedMs: number): void {
    const wasKnown = this.warm.has(id);
    if (elapsedMs > SLOW_READ_MS) {
      if (wasKnown) this.warm.clear();
      this.lastDistrust = Math.min(DISTRUST_MAX, Math.max(DISTRUST_MIN, this.lastDistrust * 2));
      this.distrust = this.lastDistrust;
    } else if (!wasKnown && this.distrust <= 0) {
      this.lastDistrust = 0;
    }
    this.warm.add(id);
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
