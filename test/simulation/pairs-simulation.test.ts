/** Pairs by chance, against plain bytes: see pairs-model.ts and missing-pool-model.ts. A seed that failed is run alone by its number. */
import { describe, it } from 'vitest';
import { repeat } from '../support/factor.js';
import { RandomSource } from '../support/random-source.js';
import { MissingPoolModel } from './missing-pool-model.js';
import { PairsModel } from './pairs-model.js';

const STEPS = 40;
const SEEDS = repeat(12);

describe.each([
  [1, PairsModel],
  [2, MissingPoolModel],
] as const)('a pair in %i pools that lives by chance', (pools, Model) => {
  it.each(Array.from({ length: SEEDS }, (_, seed) => pools * 100_000 + seed))(
    'shows what it must, seed %i',
    async (seed) => {
      const model = await Model.open(new RandomSource(seed));
      try {
        for (let step = 0; step < STEPS; step += 1) await model.step();
        await model.becomesEqual();
      } catch (error) {
        throw new Error(`after: ${model.log.join('; ')}`, { cause: error });
      }
    },
    60_000,
  );
});
