/** Bytes read ahead: whether they are given for what a view shows, or not. */
import { beforeEach, describe, expect, it } from 'vitest';
import { AHEAD_BYTES_MAX } from '../../src/base/limits.js';
import { BLOCK_BYTES } from '../../src/base/sizes.js';
import { AheadBytes } from '../../src/volume/ahead-bytes.js';
import type { Lineage } from '../../src/volume/lineage.js';
import type { View } from '../../src/volume/view.js';
import { PoolFixture } from './pool-fixture.js';

const BLOCKS = 20;

let pool: PoolFixture;
let head: Lineage;
let ahead: AheadBytes;

const viewOf = (lineage: Lineage): View => ({ lineage, epoch: lineage.epoch });

/** Wants blocks [from, to) and reads them ahead, as far as that is possible. */
function readAhead(view: View, from: number, to: number): void {
  ahead.expect(from * BLOCK_BYTES, (to - from) * BLOCK_BYTES);
  while (pool.content.map.readAhead(view, ahead)) {}
}

/** Bytes from `block` on that are given for what the view's index says. */
function given(index = head.index, block = 0, length = BLOCKS * BLOCK_BYTES): number {
  return ahead.copyTo(index, block * BLOCK_BYTES, new Uint8Array(length));
}

/** First byte of a block, read with what is there ahead. */
function byteAt(view: View, block: number): number {
  const target = new Uint8Array(BLOCK_BYTES);
  pool.content.read(view, block * BLOCK_BYTES, target, ahead);
  return target[0] as number;
}

beforeEach(async () => {
  pool = await PoolFixture.open();
  head = pool.head();
  ahead = new AheadBytes();
  pool.write(head, 0, 1, BLOCKS);
  await pool.settle();
  pool.bytes(head, BLOCKS);
});

describe('bytes read ahead', () => {
  it('are those of the view', () => {
    readAhead(viewOf(head), 3, BLOCKS);
    const target = new Uint8Array(BLOCKS * BLOCK_BYTES);
    expect(ahead.copyTo(head.index, 3 * BLOCK_BYTES + 5, target)).toBe(17 * BLOCK_BYTES - 5);
    expect(target.subarray(0, 17 * BLOCK_BYTES - 5).every((byte) => byte === 1)).toBe(true);
  });

  it.each<[string, number, number]>([
    ['before them', 2, 0],
    ['at their beginning', 3, 7],
    ['inside them', 6, 4],
    ['past their end', 10, 0],
  ])('are given for a read %s', (_where, block, blocks) => {
    readAhead(viewOf(head), 3, 10);
    expect(given(head.index, block)).toBe(blocks * BLOCK_BYTES);
  });

  it('are read in slices, and no more of them than is kept', () => {
    ahead.expect(0, 2 * AHEAD_BYTES_MAX);
    pool.content.map.readAhead(viewOf(head), ahead);
    expect(given()).toBe(8 * BLOCK_BYTES);
    while (pool.content.map.readAhead(viewOf(head), ahead)) {}
    expect(given(head.index, 0, 2 * AHEAD_BYTES_MAX)).toBe(AHEAD_BYTES_MAX);
  });

  it('are not given, nor read on, once a write was published', async () => {
    ahead.expect(0, BLOCKS * BLOCK_BYTES);
    pool.content.map.readAhead(viewOf(head), ahead);
    pool.write(head, 19, 2);
    expect(byteAt(viewOf(head), 0)).toBe(1);
    await pool.settle();
    expect(given()).toBe(0);
    expect(pool.content.map.readAhead(viewOf(head), ahead)).toBe(false);
  });

  it.each<[string, () => void, number]>([
    ['a write', () => pool.write(head, 4, 2), 2],
    ['a discard', () => pool.content.zero(head, 4 * BLOCK_BYTES, BLOCK_BYTES), 0],
    ['a shared block', () => share(4, 9), 9],
    ['a shrink', () => pool.content.lineages.clip(head, 4), 0],
  ])('do not hide %s, cached or published', async (_what, change, expected) => {
    pool.write(head, 9, 9);
    await pool.settle();
    pool.bytes(head, BLOCKS);
    readAhead(viewOf(head), 4, 8);
    expect(byteAt(viewOf(head), 4)).toBe(1);
    change();
    expect(byteAt(viewOf(head), 4)).toBe(expected);
    await pool.settle();
    expect(byteAt(viewOf(head), 4)).toBe(expected);
  });

  it('of a snapshot are not those of the head, and stay when that is written', async () => {
    const snapshot = pool.freeze(head);
    await pool.settle();
    pool.bytes(snapshot, BLOCKS);
    readAhead(snapshot, 0, 4);
    pool.write(head, 0, 2);
    expect(byteAt(viewOf(head), 0)).toBe(2);
    expect(given(head.views.get(snapshot.epoch), 0)).toBe(4 * BLOCK_BYTES);
    await pool.settle();
    expect([byteAt(snapshot, 0), byteAt(viewOf(head), 0)]).toEqual([1, 2]);
  });

  it('are none of a view that is not published', () => {
    pool.write(head, 0, 2);
    readAhead(viewOf(head), 4, 8);
    expect(given(head.index, 4)).toBe(0);
  });

  it('are none of blocks that may have to come from the disk', () => {
    pool.content.map.fetcher.warm.clear();
    readAhead(viewOf(head), 4, 8);
    expect(given(head.index, 4)).toBe(0);
  });

  it('end before a damaged block, of which nobody is told before it is read', () => {
    pool.store.damage(head.index.locate(5).id, (content) => content.fill(7));
    readAhead(viewOf(head), 4, 8);
    expect([given(head.index, 4), pool.damages]).toEqual([BLOCK_BYTES, []]);
    expect(() => byteAt(viewOf(head), 5)).toThrow(/block 5 .*wrong checksum/);
    expect(pool.damages).toEqual(['1/5: wrong checksum']);
  });
});

function share(block: number, from: number): void {
  pool.content.share(head, block, head.index.locate(from));
}
