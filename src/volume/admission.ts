/**
 * Admission of writes: a write is accepted when the cache has memory for it and the pool space. A full
 * cache only makes writers wait, in the order they came; a full pool refuses them with ENOSPC, after
 * everything that may give space back was waited for.
 */
import { type Clock, pause } from '../base/clock.js';
import { ArrayError } from '../base/errors.js';
import { BLOCK_BYTES } from '../base/sizes.js';
import type { Destager } from './destager.js';
import type { Lineage } from './lineage.js';
import type { Reclaimer } from './reclaimer.js';
import type { Space } from './space.js';
import type { WriteCache } from './write-cache.js';

export class Admission {
  writersWaiting = 0;
  private roomWaiters: (() => void)[] = [];
  private queue: Promise<void> = Promise.resolve();

  constructor(
    private readonly cache: WriteCache,
    private readonly space: Space,
    private readonly destager: Destager,
    private readonly reclaimer: Reclaimer,
    private readonly clock: Clock,
  ) {}

  /** The write can be accepted without waiting. */
  canAccept(lineage: Lineage, offset: number, length: number): boolean {
    if (this.writersWaiting > 0) return false;
    const needed = this.slotsNeeded(lineage, offset, length);
    const { memory } = this.cache;
    return needed <= memory.available && this.space.hasRoom(needed, memory.used);
  }

  /**
   * Waits until the write can be accepted and calls `write`, in the order of the calls. ENOSPC where
   * no space will come free.
   */
  acceptLater(lineage: Lineage, offset: number, length: number, write: () => void): Promise<void> {
    this.writersWaiting += 1;
    const turn = this.queue.then(async () => {
      try {
        await this.waitForRoom(lineage, offset, length);
        write();
      } finally {
        this.writersWaiting -= 1;
      }
    });
    this.queue = turn.catch(() => undefined);
    return turn;
  }

  /** A generation has left the cache. */
  roomMade(): void {
    const waiters = this.roomWaiters;
    this.roomWaiters = [];
    for (const resolve of waiters) resolve();
  }

  private slotsNeeded(lineage: Lineage, offset: number, length: number): number {
    const first = Math.floor(offset / BLOCK_BYTES);
    const count = Math.ceil((offset + length) / BLOCK_BYTES) - first;
    return this.cache.slotsNeeded(lineage, first, count);
  }

  private async waitForRoom(lineage: Lineage, offset: number, length: number): Promise<void> {
    for (;;) {
      const needed = this.slotsNeeded(lineage, offset, length);
      const { memory } = this.cache;
      if (needed > memory.available) await this.waitForSlots();
      else if (this.space.hasRoom(needed, memory.used)) return;
      else await this.waitForSpace(needed);
    }
  }

  private async waitForSlots(): Promise<void> {
    const made = new Promise<void>((resolve) => this.roomWaiters.push(resolve));
    this.destager.durable().catch(() => {
      // The writer waits on: the generation is tried again.
    });
    await made;
  }

  /** Everything that may give space back is waited for before a write is refused. */
  private async waitForSpace(blocks: number): Promise<void> {
    const { memory } = this.cache;
    // Also without cached blocks: deletions and shrinks free space once they are published.
    await this.destager.durable();
    if (this.reclaimer.isBusy) await this.reclaimer.progress();
    await this.destager.trim();
    this.space.refresh();
    if (this.space.hasRoom(blocks, memory.used)) return;
    if (memory.used === 0 && !this.reclaimer.isBusy) {
      throw new ArrayError('ENOSPC', this.space.fullReason());
    }
    await pause(this.clock, 0);
  }
}
