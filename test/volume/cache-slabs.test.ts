/** Memory of the cache among pools: reserves, who is told of room, and that no block has two owners. */
import { describe, expect, it } from 'vitest';
import { CACHE_BYTES_MIN } from '../../src/base/limits.js';
import { BLOCK_BYTES, PAGES_PER_BLOCK } from '../../src/base/sizes.js';
import { CacheMemory } from '../../src/volume/cache-memory.js';
import { CacheSlabs, type CacheSpan } from '../../src/volume/cache-slabs.js';
import { repeat } from '../support/factor.js';
import { RandomSource } from '../support/random-source.js';

const MIN_BLOCKS = CACHE_BYTES_MIN / BLOCK_BYTES;
const blocks = (count: number) => ({ blocks: count, pages: 0 });

function newPools(count: number, cacheBlocks: number) {
  const slabs = new CacheSlabs(cacheBlocks * BLOCK_BYTES);
  const known: SharedArrayBuffer[][] = Array.from({ length: count }, () => []);
  const pools = known.map((list) => new CacheMemory(slabs, (slab) => list.push(slab)));
  return { slabs, known, pools };
}

function take(pool: CacheMemory, count: number): CacheSpan[] {
  return Array.from({ length: count }, () => pool.takeBlock());
}

describe('CacheSlabs', () => {
  it('lets a pool take all but what is reserved for the others', () => {
    const { pools } = newPools(2, 16 * MIN_BLOCKS);
    const [a, b] = pools as [CacheMemory, CacheMemory];
    // A quarter of the half that is the share of each.
    const most = 14 * MIN_BLOCKS;
    expect([a.hasRoom(blocks(most)), a.hasRoom(blocks(most + 1))]).toEqual([true, false]);
    take(a, most);
    expect([a.hasRoom(blocks(1)), a.isFilling, b.isFilling]).toEqual([false, true, false]);
    expect([b.hasRoom(blocks(2 * MIN_BLOCKS)), b.hasRoom(blocks(2 * MIN_BLOCKS + 1))]).toEqual([
      true,
      false,
    ]);
    expect([a.limitBytes, b.usedBytes]).toEqual([16 * CACHE_BYTES_MIN, 0]);
  });

  it('calls a pool full by what the others leave to it', () => {
    const { pools } = newPools(2, 16 * MIN_BLOCKS);
    const [a, b] = pools as [CacheMemory, CacheMemory];
    take(a, 8 * MIN_BLOCKS);
    expect(a.isFilling).toBe(false);
    take(b, 6 * MIN_BLOCKS);
    expect(a.isFilling).toBe(true);
  });

  it('grows where the reserves of all pools would be more than it has', () => {
    const { pools } = newPools(3, MIN_BLOCKS);
    expect(pools.map((pool) => pool.limitBytes)).toEqual(Array(3).fill(3 * CACHE_BYTES_MIN));
    for (const pool of pools) {
      expect(pool.hasRoom(blocks(MIN_BLOCKS))).toBe(true);
      take(pool, MIN_BLOCKS);
    }
    expect(pools.map((pool) => pool.hasRoom(blocks(1)))).toEqual([false, false, false]);
  });

  it('has every pool know the same slabs, those made before it came and those made later', () => {
    const { slabs, known, pools } = newPools(2, MIN_BLOCKS);
    const late: SharedArrayBuffer[] = [];
    const third = new CacheMemory(slabs, (slab) => late.push(slab));
    for (const pool of [...pools, third]) take(pool, MIN_BLOCKS);
    expect(late).toHaveLength(3);
    expect(known.map((list) => list.every((slab, index) => slab === late[index]))).toEqual([
      true,
      true,
    ]);
  });

  it('tells every pool of room that one has made', () => {
    const { pools } = newPools(3, 16 * MIN_BLOCKS);
    const told: number[] = [];
    for (const [index, pool] of pools.entries()) pool.onRoom = () => told.push(index);
    pools[1]?.tellRoom();
    expect(told).toEqual([0, 1, 2]);
  });

  it('takes back what a pool that is closed still held, and its reserve', () => {
    const { pools } = newPools(2, 16 * MIN_BLOCKS);
    const [a, b] = pools as [CacheMemory, CacheMemory];
    take(b, 3);
    b.takePage();
    b.close();
    expect(a.hasRoom(blocks(16 * MIN_BLOCKS))).toBe(true);
    expect(new Set(take(a, 16 * MIN_BLOCKS).map(({ page }) => page)).size).toBe(16 * MIN_BLOCKS);
  });

  it.each(Array.from({ length: repeat(10) }, (_, index) => 5_000 + index))(
    'gives no block to two pools, and each always its reserve, seed %d',
    (seed) => {
      const random = new RandomSource(seed);
      const { pools } = newPools(random.integer(1, 4), random.pick([3, 4, 20]) * MIN_BLOCKS);
      const owners = new Map<number, CacheMemory>();
      const held = new Map(pools.map((pool) => [pool, [] as CacheSpan[]]));
      for (let turn = 0; turn < 200; turn += 1) {
        const pool = random.pick(pools);
        const spans = held.get(pool) as CacheSpan[];
        if (random.chance(0.4)) release(pool, spans, owners, random);
        else takeSome(pool, spans, owners, random);
        for (const each of pools) {
          expect(each.heldBlocks >= MIN_BLOCKS || each.hasRoom(blocks(1))).toBe(true);
        }
      }
    },
  );
});

type Owners = Map<number, CacheMemory>;

function takeSome(pool: CacheMemory, spans: CacheSpan[], owners: Owners, random: RandomSource) {
  const need = { blocks: random.integer(0, 3 * MIN_BLOCKS), pages: random.integer(0, 40) };
  if (!pool.hasRoom(need)) return;
  const taken = [
    ...Array.from({ length: need.blocks }, () => pool.takeBlock()),
    ...Array.from({ length: need.pages }, () => pool.takePage()),
  ];
  for (const span of taken) {
    const block = Math.floor(span.page / PAGES_PER_BLOCK);
    expect(owners.get(block) ?? pool).toBe(pool);
    owners.set(block, pool);
    spans.push(span);
  }
}

function release(pool: CacheMemory, spans: CacheSpan[], owners: Owners, random: RandomSource) {
  const gone = spans.splice(random.integer(0, spans.length));
  for (const span of gone) pool.release(span);
  const kept = new Set(spans.map(({ page }) => Math.floor(page / PAGES_PER_BLOCK)));
  for (const [block, owner] of owners) {
    if (owner === pool && !kept.has(block)) owners.delete(block);
  }
}
