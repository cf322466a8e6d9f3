/** The one pool of the fake array, and what is asked of pools. */
import type { AddPoolOptions, PoolView } from '../../src/array/pool-contract.js';
import { refuse } from './fake-history.js';
import { FakePairs } from './fake-pairs.js';

export abstract class FakePools extends FakePairs {
  readonly addedPools: AddPoolOptions[] = [];

  pools(): readonly PoolView[] {
    return [
      {
        name: 'pool0',
        directory: '/srv/array',
        state: 'normal',
        problem: undefined,
        blockContainer: 'lmdb',
        capacityBytes: 2 ** 30,
        usedBytes: 2 ** 20,
        freeBytes: 2 ** 30 - 2 ** 20,
        storedBlocks: 64,
        reclaimsPending: 0,
      },
    ];
  }

  async addPool(options: AddPoolOptions): Promise<PoolView> {
    if (options.name === 'pool0') refuse('EEXIST', 'pool pool0 exists');
    this.addedPools.push(options);
    return { ...(this.pools()[0] as PoolView), ...options };
  }

  async removePool(name: string, { force }: { force: boolean }): Promise<PoolView> {
    const pool = this.pools().find((candidate) => candidate.name === name);
    if (pool === undefined) return refuse('ENOENT', `no pool ${name}`);
    return force ? { ...pool, state: 'missing' } : pool;
  }
}
