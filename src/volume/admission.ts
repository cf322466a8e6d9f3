/**
 * Admission of writes: a write is accepted when the cache has memory for it and the pool space. A full
 * cache only makes writers wait, in the order they came; a full pool refuses them with ENOSPC, after
 * everything that may give space back was waited for. A pool whose disk has failed refuses them with EIO.
 */
import { type Clock, pause } from '../base/clock.js';
import { ArrayError } from '../base/errors.js';
import type { Destager } from './destager.js';
import type { Lineage } from './lineage.js';
import type { Reclaimer } from './reclaimer.js';
import type { Space } from './space.js';
import type { WriteCache } from './write-cache.js';

/** Where a write that waits will go: asked anew each time, as a restore moves a volume elsewhere. */
export interface WritePlace {
  readonly lineage: Lineage;
  readonly offset: number;
  readonly length: number;
}

export class Admission {
  writersWaiting = 0;
  private roomWaiters: (() => void)[] = [];
  private queue: Promise<void> = Promise.resolve();
  private readonly impatient = new Set<(error: ArrayError) => void>();
  /** Why the pool cannot be written now. */
  private failure: ArrayError | undefined;

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
    const need = this.cache.memoryNeed(lineage, offset, length);
    if (!this.cache.memory.hasRoom(need)) return false;
    return this.space.hasRoom(need.blocks + need.pages, this.cache.dirtyBlocks);
  }

  /**
   * Waits until the write can be accepted and calls `write`, in the order of the calls. ENOSPC where
   * no space will come free.
   */
  acceptLater(place: () => WritePlace, write: () => void): Promise<void> {
    this.writersWaiting += 1;
    const turn = this.queue.then(async () => {
      try {
        await this.waitForRoom(place, write);
      } finally {
        this.writersWaiting -= 1;
      }
    });
    this.queue = turn.catch(() => undefined);
    return turn;
  }

  /** The same for whoever tries again later: refused as soon as the pool cannot be written, on whatever grounds. */
  acceptOrFail(place: () => WritePlace, write: () => void): Promise<void> {
    const { failure } = this;
    if (failure !== undefined) return Promise.reject(failure);
    return new Promise((resolve, reject) => {
      let isRefused = false;
      const refuse = (error: ArrayError) => {
        isRefused = true;
        reject(error);
      };
      this.impatient.add(refuse);
      this.acceptLater(place, () => {
        if (!isRefused) write();
      })
        .then(resolve, reject)
        .finally(() => this.impatient.delete(refuse));
    });
  }

  /** The pool cannot be written; undefined: it can again. */
  failed(error: ArrayError | undefined): void {
    this.failure = error;
    if (error === undefined) return;
    for (const refuse of this.impatient) refuse(error);
    this.roomMade();
  }

  /** Memory of the cache is free again. */
  roomMade(): void {
    const waiters = this.roomWaiters;
    this.roomWaiters = [];
    for (const resolve of waiters) resolve();
  }

  /** Writes in the turn in which there is room: in the next one the place may be another. */
  private async waitForRoom(place: () => WritePlace, write: () => void): Promise<void> {
    for (;;) {
      // A full disk is waited for, as it may become free; any other failure is the disk's.
      if (this.failure !== undefined && this.failure.code !== 'ENOSPC') throw this.failure;
      const { lineage, offset, length } = place();
      const need = this.cache.memoryNeed(lineage, offset, length);
      const blocks = need.blocks + need.pages;
      if (!this.cache.memory.hasRoom(need)) await this.waitForMemory();
      else if (this.space.hasRoom(blocks, this.cache.dirtyBlocks)) return write();
      else await this.waitForSpace(blocks);
    }
  }

  private async waitForMemory(): Promise<void> {
    const made = new Promise<void>((resolve) => this.roomWaiters.push(resolve));
    this.destager.storeSoon();
    await made;
  }

  /** Everything that may give space back is waited for before a write is refused. */
  private async waitForSpace(blocks: number): Promise<void> {
    // Also without cached blocks: deletions and shrinks free space once they are published.
    await this.destager.durable();
    if (this.reclaimer.isBusy) await this.reclaimer.progress();
    await this.destager.trim();
    this.space.refresh();
    if (this.space.hasRoom(blocks, this.cache.dirtyBlocks)) return;
    if (this.cache.dirtyBlocks === 0 && !this.reclaimer.isBusy) {
      throw new ArrayError('ENOSPC', this.space.fullReason());
    }
    await pause(this.clock, 0);
  }
}
