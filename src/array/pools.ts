/**
 * The pools of the array, in the order they were added. The first is the home of jobs and events. What
 * concerns the array as a whole concerns all of them: numbers, which none may hand out twice, and what is
 * to be durable.
 */
import { ArrayError } from '../base/errors.js';
import { BLOCK_BYTES } from '../base/sizes.js';
import type { CacheView } from './disk-array.js';
import type { Pool } from './pool.js';

export class Pools {
  constructor(
    /** At least one. */
    readonly all: readonly Pool[],
  ) {}

  /** Where jobs and events are kept, and volumes that are made without saying where. */
  get home(): Pool {
    return this.all[0] as Pool;
  }

  /** ENOENT where there is none. */
  named(name: string): Pool {
    const pool = this.all.find((candidate) => candidate.name === name);
    if (pool === undefined) throw new ArrayError('ENOENT', `no pool ${name}`);
    return pool;
  }

  /** A number of a volume, snapshot or job: no pool hands it out again, whichever is missing then. */
  takeNumber(kind: 'nextNumber' | 'nextJob'): number {
    const number = Math.max(...this.all.map((pool) => pool.allocation.peek(kind)));
    for (const pool of this.all) pool.allocation.raise(kind, number + 1);
    return number;
  }

  /**
   * Resolves when everything that commands changed is durable in all pools that work. Only a failure of
   * one of the `concerned` pools is the caller's: others have events of their own.
   */
  async confirmed(concerned: readonly Pool[] = this.all): Promise<void> {
    const working = this.all.filter((pool) => !pool.isFailed);
    const results = await Promise.allSettled(working.map((pool) => pool.content.confirmed()));
    for (const [index, pool] of working.entries()) {
      const result = results[index];
      if (result?.status === 'rejected' && concerned.includes(pool)) throw result.reason;
    }
  }

  /** Makes everything accepted so far durable; rejects where a pool cannot, once all have tried. */
  durable(): Promise<void> {
    return allDone(this.all.map((pool) => pool.content.durable()));
  }

  /** Everything durable, and all closed, also where one fails (it rejects). */
  close(): Promise<void> {
    return allDone(this.all.map((pool) => pool.content.close()));
  }

  /** The caches of all pools together. */
  cacheView(): CacheView {
    const contents = this.all.map((pool) => pool.content);
    const sum = (value: (content: Pool['content']) => number) => {
      return contents.reduce((total, content) => total + value(content), 0);
    };
    return {
      limitBytes: sum(({ cache }) => cache.memory.blockCountMax * BLOCK_BYTES),
      dirtyBytes: sum(({ cache }) => cache.memory.usedBytes),
      generationsPending: sum(({ cache }) => cache.closed.length),
      publishedSequence: this.home.content.publishedSequence,
      writersWaiting: sum(({ admission }) => admission.writersWaiting),
    };
  }
}

async function allDone(work: readonly Promise<void>[]): Promise<void> {
  for (const result of await Promise.allSettled(work)) {
    if (result.status === 'rejected') throw result.reason;
  }
}
