/** A full pool also waits for space that a generation not yet published will give back. */
import { describe, expect, it } from 'vitest';
import { BLOCK_COST_BYTES } from '../../src/base/limits.js';
import { BLOCK_BYTES } from '../../src/base/sizes.js';
import type { Lineage } from '../../src/volume/lineage.js';
import { PoolFixture } from './pool-fixture.js';

describe('a full pool', () => {
  it.each<[string, (pool: PoolFixture, head: Lineage) => void]>([
    ['a snapshot', (pool, head) => pool.content.lineages.releaseEpoch(head, 1)],
    ['a shrink', (pool, head) => pool.content.lineages.clip(head, 5)],
    ['zeros over content', (pool, head) => pool.content.zero(head, 0, 10 * BLOCK_BYTES)],
  ])('waits for the space of %s that is not yet published', async (_what, give) => {
    const pool = await PoolFixture.open({ capacityBytes: 20 * BLOCK_COST_BYTES });
    const head = pool.head();
    pool.write(head, 0, 1, 10);
    pool.freeze(head);
    pool.write(head, 0, 2, 10);
    await pool.settle();
    give(pool, head);
    const [offset, length] = [20 * BLOCK_BYTES, 5 * BLOCK_BYTES];
    const accepted = pool.content.admission.acceptLater(
      () => ({ lineage: head, offset, length }),
      () => pool.write(head, 20, 3, 5),
    );
    await pool.drive(accepted);
    expect(pool.bytes(head, 21)[20]).toBe(3);
  });
});
