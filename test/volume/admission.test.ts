/** Admission of writes: a full cache makes wait, in order; a full pool refuses when nothing can come free. */
import { describe, expect, it } from 'vitest';
import { ArrayError } from '../../src/base/errors.js';
import { BLOCK_COST_BYTES, CACHE_BYTES_MIN, HOST_RESERVE_BYTES } from '../../src/base/limits.js';
import { BLOCK_BYTES } from '../../src/base/sizes.js';
import type { Lineage } from '../../src/volume/lineage.js';
import { PoolFixture } from './pool-fixture.js';

const FULL = new ArrayError('ENOSPC', 'the disk is full');
const CACHE_BLOCKS = CACHE_BYTES_MIN / BLOCK_BYTES;

async function openPool(capacityBlocks = 1e6): Promise<{ pool: PoolFixture; head: Lineage }> {
  const pool = await PoolFixture.open({ capacityBytes: capacityBlocks * BLOCK_COST_BYTES });
  return { pool, head: pool.head() };
}

/** Writes `count` blocks of `byte` from `block` on as an image does: now, or when there is room. */
function write(
  pool: PoolFixture,
  head: Lineage,
  block: number,
  count: number,
  byte: number,
): Promise<void> {
  const { admission } = pool.content;
  const [offset, length] = [block * BLOCK_BYTES, count * BLOCK_BYTES];
  if (!admission.canAccept(head, offset, length)) {
    return admission.acceptLater(
      () => ({ lineage: head, offset, length }),
      () => pool.write(head, block, byte, count),
    );
  }
  pool.write(head, block, byte, count);
  return Promise.resolve();
}

describe('a cache with room', () => {
  it('accepts up to its last slot', async () => {
    const { pool, head } = await openPool();
    const { admission } = pool.content;
    expect(admission.canAccept(head, 0, CACHE_BYTES_MIN)).toBe(true);
    expect(admission.canAccept(head, 1, CACHE_BYTES_MIN)).toBe(false);
  });

  it('takes no slot for what it holds already', async () => {
    const { pool, head } = await openPool();
    pool.store.failTransactionAfter(0);
    for (let block = 0; block < 60; block += 1) await write(pool, head, block, 1, 1);
    expect(pool.content.admission.canAccept(head, 0, CACHE_BYTES_MIN)).toBe(true);
  });
});

describe('a full cache', () => {
  it('makes writers wait and lets them in in the order they came', async () => {
    const { pool, head } = await openPool();
    pool.store.failTransactionAfter(0, FULL);
    await write(pool, head, 0, CACHE_BLOCKS, 1);
    const order: number[] = [];
    const writers = [100, 1, 200, 2].map(async (count, index) => {
      await write(pool, head, 0, count, 10 + index);
      order.push(index);
    });
    await pool.clock.advance(100);
    expect([order, pool.content.admission.writersWaiting]).toEqual([[], 4]);
    pool.store.failTransactionAfter(undefined);
    await pool.drive(Promise.all(writers));
    expect([order, pool.content.admission.writersWaiting]).toEqual([[0, 1, 2, 3], 0]);
    expect(pool.bytes(head, 3)).toEqual([13, 13, 12]);
  });

  it('accepts nobody past those who wait', async () => {
    const { pool, head } = await openPool();
    pool.store.failTransactionAfter(0, FULL);
    await write(pool, head, 0, CACHE_BLOCKS - 1, 1);
    const waiting = write(pool, head, 300, 2, 2);
    expect(pool.content.admission.canAccept(head, 400 * BLOCK_BYTES, BLOCK_BYTES)).toBe(false);
    pool.store.failTransactionAfter(undefined);
    await pool.drive(waiting);
    expect(pool.content.admission.canAccept(head, 400 * BLOCK_BYTES, BLOCK_BYTES)).toBe(true);
  });

  it('never fails a write while the disk is full', async () => {
    const { pool, head } = await openPool();
    pool.store.failTransactionAfter(0, FULL);
    await write(pool, head, 0, CACHE_BLOCKS, 1);
    let state = 'waiting';
    const waiting = write(pool, head, 0, 3, 2).then(
      () => {
        state = 'written';
      },
      () => {
        state = 'failed';
      },
    );
    await pool.clock.advance(60_000);
    expect(state).toBe('waiting');
    pool.store.failTransactionAfter(undefined);
    await pool.drive(waiting);
    expect([state, pool.bytes(head, 4)]).toEqual(['written', [2, 2, 2, 1]]);
  });

  it('refuses all writers that wait when the disk fails otherwise, and takes writes when it works', async () => {
    const { pool, head } = await openPool();
    pool.store.failTransactionAfter(0, new ArrayError('EIO', 'the disk is gone'));
    await write(pool, head, 0, CACHE_BLOCKS, 1);
    const writers = [2, 3].map((byte) => write(pool, head, 0, 3, byte));
    for (const writer of writers) await expect(pool.drive(writer)).rejects.toThrow('disk is gone');
    pool.store.failTransactionAfter(undefined);
    await pool.settle();
    await pool.drive(write(pool, head, 0, 3, 4));
    expect(pool.bytes(head, 4)).toEqual([4, 4, 4, 1]);
  });

  it('refuses who would not wait as soon as the disk is full, and never writes for it later', async () => {
    const { pool, head } = await openPool();
    const { admission } = pool.content;
    const place = { lineage: head, offset: 0, length: BLOCK_BYTES };
    const giveIn = () => {
      return admission.acceptOrFail(
        () => place,
        () => pool.write(head, 0, 9),
      );
    };
    pool.store.failTransactionAfter(0, FULL);
    await write(pool, head, 0, CACHE_BLOCKS, 1);
    const patient = write(pool, head, 1, 3, 2);
    await expect(pool.drive(giveIn())).rejects.toThrow('disk is full');
    await expect(pool.drive(giveIn())).rejects.toThrow('disk is full');
    pool.store.failTransactionAfter(undefined);
    await pool.drive(patient);
    await pool.settle();
    expect(pool.bytes(head, 2)).toEqual([1, 2]);
    await pool.drive(giveIn());
    expect(pool.bytes(head, 2)).toEqual([9, 2]);
  });

  it('takes any amount of writes in the end', async () => {
    const { pool, head } = await openPool();
    const writers = Array.from({ length: 40 }, (_, index) =>
      write(pool, head, index * 50, 50, index + 1),
    );
    await pool.drive(Promise.all(writers));
    await pool.settle();
    expect(pool.storedBlocks).toBe(2_000);
    expect(
      pool.bytes(head, 2_000).every((byte, block) => byte === Math.floor(block / 50) + 1),
    ).toBe(true);
  });
});

describe('a full pool', () => {
  it('refuses what exceeds its capacity, and goes on reading', async () => {
    const { pool, head } = await openPool(20);
    await write(pool, head, 0, 20, 1);
    const refused = pool.drive(write(pool, head, 20, 1, 2));
    await expect(refused).rejects.toMatchObject({
      code: 'ENOSPC',
      reason: 'the array is full (its capacity is used up)',
    });
    expect([pool.bytes(head, 21)[20], pool.bytes(head, 1), pool.storedBlocks]).toEqual([
      0,
      [1],
      20,
    ]);
  });

  it('says where the disk of the host is full', async () => {
    const { pool, head } = await openPool();
    pool.store.hostFree = HOST_RESERVE_BYTES + 5 * BLOCK_COST_BYTES;
    const refused = pool.drive(write(pool, head, 0, 6, 1));
    await expect(refused).rejects.toMatchObject({
      code: 'ENOSPC',
      reason: 'the disk that holds the array is full',
    });
    await write(pool, head, 0, 5, 1);
  });

  it('lets the writers behind a refused one in', async () => {
    const { pool, head } = await openPool(20);
    await write(pool, head, 0, 10, 1);
    const refused = write(pool, head, 10, 11, 2);
    const behind = write(pool, head, 10, 10, 3);
    await expect(pool.drive(refused)).rejects.toMatchObject({ code: 'ENOSPC' });
    await pool.drive(behind);
    expect(pool.bytes(head, 20).slice(9, 12)).toEqual([1, 3, 3]);
  });

  it('waits for blocks that were replaced', async () => {
    const { pool, head } = await openPool(20);
    await write(pool, head, 0, 10, 1);
    await pool.content.durable();
    await write(pool, head, 0, 10, 2);
    await pool.drive(write(pool, head, 10, 10, 3));
    await pool.settle();
    expect([pool.storedBlocks, pool.bytes(head, 11).slice(9)]).toEqual([20, [2, 3]]);
  });

  it('waits for a deleted snapshot to be reclaimed', async () => {
    const { pool, head } = await openPool(20);
    await write(pool, head, 0, 10, 1);
    const { epoch } = pool.freeze(head);
    await write(pool, head, 0, 10, 2);
    await pool.settle();
    pool.content.lineages.releaseEpoch(head, epoch);
    const deleted = pool.content.durable();
    await pool.drive(write(pool, head, 10, 10, 3));
    await deleted;
    expect(pool.bytes(head, 11).slice(9)).toEqual([2, 3]);
  });
});
