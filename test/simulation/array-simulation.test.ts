/**
 * Seeded simulation of the whole array over the memory store: random operations, of which some are under
 * way while others begin, crashes at any point (also while the log is written or replayed), failing
 * transactions and logs, background work and remounts, compared with plain byte arrays.
 *
 * After a crash the array must hold what array-history.ts and crash-oracle.ts allow. A failing seed is
 * printed; ARRAYFS_SEED runs it alone.
 */
import { describe, it } from 'vitest';
import { BLOCK_CONTAINERS, type BlockContainerKind } from '../../src/store/container-kind.js';
import { repeat } from '../support/factor.js';
import { ArraySimulation } from './array-simulation.js';

describe('the array against plain byte arrays', () => {
  const chosen = process.env.ARRAYFS_SEED;
  const seeds =
    chosen === undefined
      ? Array.from({ length: repeat(15) }, (_, index) => index + 1)
      : [Number(chosen)];
  describe.each(BLOCK_CONTAINERS)('with blocks in %s', (blocks: BlockContainerKind) => {
    it.each(seeds)('holds what the model holds, seed %i', async (seed) => {
      const simulation = new ArraySimulation(seed, blocks);
      try {
        await simulation.run(400);
      } catch (error) {
        throw new Error(`seed ${seed}: ${error}\n${simulation.trace()}`, { cause: error });
      }
    });
  });
});
