/** Allocated bytes of a head while changes wait to be published: what they are afterwards. */
import { beforeEach, describe, expect, it } from 'vitest';
import { BLOCK_BYTES } from '../../src/base/sizes.js';
import { EPOCH_MAX } from '../../src/store/keys.js';
import type { Lineage } from '../../src/volume/lineage.js';
import { PoolFixture } from './pool-fixture.js';

let pool: PoolFixture;
let head: Lineage;
beforeEach(async () => {
  pool = await PoolFixture.open({ cacheBytes: 2 ** 25 });
  head = pool.head();
});

function allocated(lineage = head): number {
  return pool.content.lineages.allocatedBytes(lineage, EPOCH_MAX) / BLOCK_BYTES;
}

function zero(block: number, count: number): void {
  pool.content.zero(head, block * BLOCK_BYTES, count * BLOCK_BYTES);
}

describe('allocated bytes before a publish', () => {
  it.each<[string, () => void, number]>([
    ['blocks past what there is', () => pool.write(head, 4, 2, 3), 7],
    ['blocks that replace others', () => pool.write(head, 0, 2, 4), 4],
    ['both', () => pool.write(head, 2, 2, 4), 6],
    ['zeros over content', () => zero(0, 3), 1],
    ['zeros where nothing is', () => zero(8, 3), 4],
    [
      'zeros over content that is not published',
      () => {
        pool.write(head, 4, 2, 4);
        zero(3, 2);
      },
      6,
    ],
    [
      'the same blocks again after a snapshot',
      () => {
        pool.write(head, 3, 2, 2);
        pool.freeze(head);
        pool.write(head, 3, 3, 2);
        pool.freeze(head);
        zero(3, 1);
      },
      4,
    ],
    [
      'blocks that a shrink hides',
      () => {
        pool.write(head, 4, 2, 4);
        pool.content.lineages.clip(head, 4);
        pool.write(head, 5, 3);
      },
      5,
    ],
    ['many new blocks', () => pool.write(head, 4, 2, 300), 304],
  ])('count %s', async (_what, change, count) => {
    pool.write(head, 0, 1, 4);
    await pool.settle();
    change();
    expect(allocated()).toBe(count);
    await pool.settle();
    expect(allocated()).toBe(count);
  });

  it('count many blocks that are replaced, or made zeros', async () => {
    pool.write(head, 0, 1, 400);
    await pool.settle();
    pool.write(head, 0, 2, 400);
    expect(allocated()).toBe(400);
    zero(0, 400);
    expect(allocated()).toBe(0);
  });

  it('are near where some of many blocks are new, and right afterwards', async () => {
    pool.write(head, 0, 1, 400);
    await pool.settle();
    pool.write(head, 200, 2, 400);
    expect(Math.abs(allocated() - 600)).toBeLessThan(10);
    await pool.settle();
    expect(allocated()).toBe(600);
  });

  it('of a clone of what is not published count what is written to it', async () => {
    pool.write(head, 0, 1, 4);
    const clone = pool.head(pool.freeze(head));
    pool.write(clone, 0, 2, 2);
    expect(allocated(clone)).toBe(2);
    await pool.settle();
    expect([allocated(clone), pool.bytes(clone, 5)]).toEqual([4, [2, 2, 1, 1, 0]]);
  });
});
