/**
 * The pools of the array, in the order they were added, also those that are missing. The first that is there
 * is the home of jobs and events. What concerns the array as a whole concerns all of them: numbers, which
 * none may hand out twice, and what is to be durable.
 */
import { ArrayError, asArrayError } from '../base/errors.js';
import type { PoolContent } from '../volume/pool-content.js';
import type { CacheView } from './disk-array.js';
import type { Pool } from './pool.js';

export class Pools {
  private readonly list: Pool[] = [];

  /** At least one is there. */
  constructor(pools: readonly Pool[]) {
    for (const pool of pools) this.add(pool);
  }

  get all(): readonly Pool[] {
    return this.list;
  }

  /** Those that are not missing. */
  get present(): readonly Pool[] {
    return this.list.filter((pool) => pool.missing === undefined);
  }

  /** Those that can be changed. */
  get working(): readonly Pool[] {
    return this.list.filter((pool) => !pool.isFailed);
  }

  /** Where jobs and events are kept, and volumes that are made without saying where. */
  get home(): Pool {
    return this.present[0] as Pool;
  }

  add(pool: Pool): void {
    this.list.push(pool);
    pool.siblings = () => this.present.filter((other) => other !== pool);
  }

  remove(pool: Pool): void {
    this.list.splice(this.list.indexOf(pool), 1);
    pool.siblings = () => [];
  }

  find(name: string): Pool | undefined {
    return this.list.find((pool) => pool.name === name);
  }

  /** ENOENT where there is none. */
  named(name: string): Pool {
    const pool = this.find(name);
    if (pool === undefined) throw new ArrayError('ENOENT', `no pool ${name}`);
    return pool;
  }

  /** A number of a volume, snapshot or job: no pool hands it out again, whichever is missing then. */
  takeNumber(kind: 'nextNumber' | 'nextJob'): number {
    const number = this.nextNumber(kind);
    this.raiseNumber(kind, number + 1);
    return number;
  }

  nextNumber(kind: 'nextNumber' | 'nextJob'): number {
    return Math.max(...this.list.map((pool) => pool.allocation.peek(kind)));
  }

  raiseNumber(kind: 'nextNumber' | 'nextJob', number: number): void {
    for (const pool of this.list) pool.allocation.raise(kind, number);
  }

  /**
   * Resolves when everything that commands changed is durable in all pools that work, and in the `concerned` ones
   * also where they do not any more. Only failures of these are the caller's, by default of those that work: others have
   * events of their own.
   */
  async confirmed(concerned: readonly Pool[] = this.working): Promise<void> {
    const asked = this.present.filter((pool) => !pool.isFailed || concerned.includes(pool));
    if (asked.length === 0) this.home.checkWritable();
    const results = await Promise.allSettled(asked.map((pool) => pool.content.confirmed()));
    for (const [index, pool] of asked.entries()) {
      const result = results[index];
      if (result?.status === 'rejected' && concerned.includes(pool)) throw result.reason;
    }
  }

  /** Makes everything accepted so far durable; rejects where a pool cannot, once all have tried. */
  durable(): Promise<void> {
    return this.each((content) => content.durable());
  }

  /** Everything durable, and all closed, also where one fails (it rejects). */
  close(): Promise<void> {
    return this.each((content) => content.close());
  }

  /** Rejects where a pool does, once all have tried; of several pools the error names those that did. */
  private async each(work: (content: PoolContent) => Promise<void>): Promise<void> {
    const { list } = this;
    const results = await Promise.allSettled(list.map((pool) => work(pool.content)));
    const failed = list.flatMap(({ name }, index) => {
      const result = results[index];
      return result?.status === 'rejected' ? [{ name, error: asArrayError(result.reason) }] : [];
    });
    const [first] = failed;
    if (first === undefined) return;
    if (list.length === 1) throw first.error;
    throw new ArrayError(
      first.error.code,
      failed.map(({ name, error }) => `pool ${name}: ${error.reason}`).join('; '),
      failed.every(({ error }) => error.isFinal),
    );
  }

  /** The cache, which all pools share. */
  cacheView(): CacheView {
    const contents = this.present.map((pool) => pool.content);
    const sum = (value: (content: Pool['content']) => number) => {
      return contents.reduce((total, content) => total + value(content), 0);
    };
    return {
      limitBytes: this.home.content.cache.memory.limitBytes,
      dirtyBytes: sum(({ cache }) => cache.memory.usedBytes),
      generationsPending: sum(({ cache }) => cache.closed.length),
      publishedSequence: this.home.content.publishedSequence,
      writersWaiting: sum(({ admission }) => admission.writersWaiting),
    };
  }
}

export async function allDone(work: readonly Promise<unknown>[]): Promise<void> {
  for (const result of await Promise.allSettled(work)) {
    if (result.status === 'rejected') throw result.reason;
  }
}
