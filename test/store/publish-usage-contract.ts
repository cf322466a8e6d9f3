/** How a publish counts mapped blocks, and the order of its steps. Part of the store's contract suite. */

import { describe, expect, it } from 'vitest';
import { EPOCH_MAX } from '../../src/store/keys.js';
import type { PublishStep } from '../../src/store/tasks.js';

import { layer } from './store-layers.js';
import type { StorePool } from './store-pool.js';

function clip(epoch: number, block: number, replaces: readonly number[] = []): PublishStep {
  return { kind: 'clip', lineage: 1, epoch, block, replaces };
}

function keepUsage(toLineage: number, toEpoch: number): PublishStep {
  return { kind: 'usage', lineage: 1, epoch: EPOCH_MAX, toLineage, toEpoch };
}

export function describePublishedUsage(pool: () => StorePool): void {
  describe('usage counts', () => {
    it('grow with blocks that were not mapped before', async () => {
      await pool().publish([layer(1, 1, [{ block: 1, slot: 1 }])]);
      const blocks = [{ block: 0, slot: 1 }, { block: 1, slot: 1 }, { block: 2 }];
      const { usage } = await pool().publish([layer(1, 1, blocks)]);
      expect(usage).toEqual([{ lineage: 1, epoch: EPOCH_MAX, count: 2 }]);
      expect(pool().usage(1)).toBe(2);
    });

    it('shrink with zeros over content', async () => {
      await pool().publish([
        layer(1, 1, [
          { block: 0, slot: 1 },
          { block: 1, slot: 1 },
        ]),
      ]);
      await pool().publish([layer(1, 1, [{ block: 0 }])]);
      expect(pool().usage(1)).toBe(1);
    });

    it('count a block once that two layers of a generation write', async () => {
      await pool().publish([
        layer(1, 1, [{ block: 0, slot: 1 }]),
        layer(1, 2, [{ block: 0, slot: 2 }]),
        layer(1, 3, [{ block: 0 }]),
        layer(1, 4, [{ block: 0, slot: 3 }]),
      ]);
      expect(pool().usage(1)).toBe(1);
    });

    it('are kept for a snapshot as of its place among the steps', async () => {
      await pool().publish([
        layer(1, 1, [{ block: 0, slot: 1 }]),
        keepUsage(1, 1),
        layer(1, 2, [{ block: 1, slot: 1 }]),
        keepUsage(2, EPOCH_MAX),
        layer(1, 3, [{ block: 2, slot: 1 }]),
      ]);
      expect([pool().usage(1, 1), pool().usage(2), pool().usage(1)]).toEqual([1, 2, 3]);
    });

    it('are those of each lineage', async () => {
      await pool().publish([
        layer(1, 1, [{ block: 0, slot: 1 }]),
        layer(2, 1, [{ block: 0, slot: 1 }]),
      ]);
      expect([pool().usage(1), pool().usage(2), pool().usage(3)]).toEqual([1, 1, undefined]);
    });
  });

  describe('clips', () => {
    const four = [0, 1, 2, 3].map((block) => ({ block, slot: 1 }));

    it('take what they hide out of the usage count', async () => {
      await pool().publish([layer(1, 1, four)]);
      await pool().publish([clip(2, 1)]);
      expect(pool().usage(1)).toBe(1);
    });

    it('that hide everything set the usage count to nothing', async () => {
      await pool().publish([layer(1, 1, four), clip(2, 0)]);
      expect(pool().usage(1)).toBe(0);
    });

    it('see blocks that the same generation wrote before them', async () => {
      await pool().publish([layer(1, 1, four), clip(2, 3), layer(1, 2, [{ block: 3, slot: 2 }])]);
      expect(pool().usage(1)).toBe(4);
      expect(pool().versions(1).slice(3)).toEqual(['3@2=5', '3@1=4']);
    });

    it('count what a parent shows', async () => {
      await pool().lineages([1, 0, 0], [2, 1, 1]);
      await pool().publish([layer(1, 1, four), keepUsage(2, EPOCH_MAX)]);
      await pool().publish([{ kind: 'clip', lineage: 2, epoch: 2, block: 3, replaces: [] }]);
      expect(pool().usage(2)).toBe(3);
    });

    it('do not count twice what an older clip hides', async () => {
      await pool().publish([layer(1, 1, four)]);
      await pool().publish([clip(2, 2)]);
      await pool().publish([clip(3, 1)]);
      expect(pool().usage(1)).toBe(1);
    });

    it('replace the clips they make superfluous', async () => {
      await pool().publish([clip(2, 5)]);
      await pool().publish([clip(3, 4, [2])]);
      expect([pool().hasRecord('clip', 1, 2), pool().hasRecord('clip', 1, 3)]).toEqual([
        false,
        true,
      ]);
    });
  });
}
