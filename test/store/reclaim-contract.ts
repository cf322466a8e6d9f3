/** What reclaim gives back and what it keeps, rule by rule. Part of the store's contract suite. */

import { describe, expect, it } from 'vitest';
import { EPOCH_MAX, recordKey } from '../../src/store/keys.js';
import { packCount } from '../../src/store/records.js';
import type { ReclaimCursor, ReclaimResult, RecordChange } from '../../src/store/tasks.js';

import { layer } from './store-layers.js';
import type { StorePool } from './store-pool.js';

interface Gap {
  readonly previous: number;
  readonly next: number | undefined;
}

function reclaim(
  pool: StorePool,
  gap: Gap,
  options: { cursor?: ReclaimCursor; limit?: number; finish?: RecordChange[] } = {},
): Promise<ReclaimResult> {
  const { cursor, limit = 100, finish = [] } = options;
  return pool.store.run({ kind: 'reclaim', lineage: 1, ...gap, cursor, limit, finish });
}

/** Publishes a layer of each epoch: epoch -> blocks. */
async function history(pool: StorePool, epochs: Readonly<Record<number, number[]>>): Promise<void> {
  for (const [epoch, blocks] of Object.entries(epochs)) {
    const entries = blocks.map((block) => ({ block, slot: 1 }));
    await pool.publish([layer(1, Number(epoch), entries)]);
  }
}

async function putClip(pool: StorePool, epoch: number, block: number): Promise<void> {
  await pool.publish([{ kind: 'clip', lineage: 1, epoch, block, replaces: [] }]);
}

export function describeReclaim(pool: () => StorePool): void {
  describe('reclaim between two views', () => {
    it('removes versions that a newer one hides from the next view', async () => {
      await history(pool(), { 1: [0, 1], 2: [0] });
      const result = await reclaim(pool(), { previous: -1, next: 2 });
      expect(pool().versions(1)).toEqual(['0@2=3', '1@1=2']);
      expect(pool().born(1)).toEqual(['1@1', '0@2']);
      expect(pool().ids()).toEqual([2, 3]);
      expect(result).toMatchObject({
        cursor: undefined,
        freedBlocks: 1,
        counters: { storedBlocks: 2 },
      });
      expect(pool().counters().storedBlocks).toBe(2);
    });

    it('keeps versions of the view before the gap', async () => {
      await history(pool(), { 1: [0], 2: [0], 3: [0] });
      await reclaim(pool(), { previous: 1, next: 3 });
      expect(pool().versions(1)).toEqual(['0@3=3', '0@1=1']);
    });

    it('keeps a version that only views after the next one hide', async () => {
      await history(pool(), { 1: [0], 3: [0] });
      await reclaim(pool(), { previous: -1, next: 2 });
      expect(pool().versions(1)).toEqual(['0@3=2', '0@1=1']);
    });

    it('removes all but the newest of several versions in the gap', async () => {
      await history(pool(), { 1: [0], 2: [0], 3: [0], 4: [0] });
      await reclaim(pool(), { previous: 1, next: 5 });
      expect(pool().versions(1)).toEqual(['0@4=4', '0@1=1']);
    });

    it('removes versions that zeros hide', async () => {
      await history(pool(), { 1: [0] });
      await pool().publish([layer(1, 2, [{ block: 0 }])]);
      await reclaim(pool(), { previous: -1, next: 2 });
      expect(pool().versions(1)).toEqual(['0@2=0']);
      expect(pool().ids()).toEqual([]);
    });

    it('removes versions that a clip hides from the next view', async () => {
      await history(pool(), { 1: [0, 1, 2] });
      await putClip(pool(), 2, 1);
      await reclaim(pool(), { previous: -1, next: 2 });
      expect(pool().versions(1)).toEqual(['0@1=1']);
    });

    it('keeps versions that only a clip after the next view hides', async () => {
      await history(pool(), { 1: [0] });
      await putClip(pool(), 3, 0);
      await reclaim(pool(), { previous: -1, next: 2 });
      expect(pool().versions(1)).toEqual(['0@1=1']);
    });

    it('keeps versions written with a clip', async () => {
      await putClip(pool(), 2, 0);
      await history(pool(), { 2: [0] });
      await reclaim(pool(), { previous: 1, next: 3 });
      expect(pool().versions(1)).toEqual(['0@2=1']);
    });

    it('keeps clips and usage counts of the lineage', async () => {
      await history(pool(), { 1: [0] });
      await putClip(pool(), 2, 5);
      await reclaim(pool(), { previous: -1, next: 3 });
      expect([pool().hasRecord('clip', 1, 2), pool().usage(1)]).toEqual([true, 1]);
    });

    it('removes the usage counts of the views that have gone', async () => {
      await history(pool(), { 1: [0] });
      const from = { kind: 'usage', lineage: 1, epoch: EPOCH_MAX, toLineage: 1 } as const;
      await pool().publish([1, 2, 3].map((toEpoch) => ({ ...from, toEpoch })));
      await reclaim(pool(), { previous: 1, next: 3 });
      expect([1, 2, 3].map((epoch) => pool().usage(1, epoch))).toEqual([1, undefined, 1]);
    });

    it('leaves other lineages alone', async () => {
      await history(pool(), { 1: [0] });
      await pool().publish([
        layer(2, 1, [{ block: 0, slot: 1 }]),
        layer(2, 2, [{ block: 0, slot: 1 }]),
      ]);
      await reclaim(pool(), { previous: -1, next: undefined });
      expect([pool().versions(1), pool().versions(2)]).toEqual([[], ['0@2=3', '0@1=2']]);
    });
  });

  describe('reclaim without a next view', () => {
    it('removes every version after the previous view', async () => {
      await history(pool(), { 1: [0], 2: [0, 1], 7: [2] });
      await reclaim(pool(), { previous: 1, next: undefined });
      expect([pool().versions(1), pool().born(1), pool().ids()]).toEqual([['0@1=1'], ['0@1'], [1]]);
    });

    it('removes clips and usage counts after the previous view', async () => {
      await history(pool(), { 1: [0] });
      await pool().publish([
        { kind: 'usage', lineage: 1, epoch: EPOCH_MAX, toLineage: 1, toEpoch: 1 },
      ]);
      await putClip(pool(), 1, 9);
      await putClip(pool(), 2, 8);
      await reclaim(pool(), { previous: 1, next: undefined });
      expect([pool().hasRecord('clip', 1, 1), pool().hasRecord('clip', 1, 2)]).toEqual([
        true,
        false,
      ]);
      expect([pool().usage(1, 1), pool().usage(1)]).toEqual([1, undefined]);
    });

    it('removes an entry that is damaged without freeing a block for it', async () => {
      await history(pool(), { 1: [0, 1] });
      await pool().edit((transaction) => {
        const [entry] = [
          ...transaction.range('map', new Uint8Array(1), new Uint8Array(13).fill(255)),
        ];
        const value = new Uint8Array((entry?.value as Uint8Array) ?? []);
        value[8] = (value[8] as number) ^ 1;
        transaction.put('map', new Uint8Array(entry?.key as Uint8Array), value);
      });
      const { freedBlocks } = await reclaim(pool(), { previous: -1, next: undefined });
      expect([freedBlocks, pool().versions(1), pool().ids()]).toEqual([1, [], [1]]);
    });
  });

  describe('reclaim in slices', () => {
    const gap = { previous: -1, next: undefined };
    const record = recordKey('reclaim', 1, 1);
    const finish = [{ key: record, value: undefined }];

    it('goes on at its cursor and applies the finish with the last slice', async () => {
      await history(pool(), { 1: [0, 1, 2], 2: [0, 4_096] });
      await pool().publish([], [{ key: record, value: packCount(1) }]);
      const left: number[] = [];
      let cursor: ReclaimCursor | undefined;
      do {
        expect(pool().hasRecord('reclaim', 1, 1)).toBe(true);
        const result = await reclaim(pool(), gap, { limit: 2, finish, ...(cursor && { cursor }) });
        cursor = result.cursor;
        left.push(pool().ids().length);
      } while (cursor !== undefined);
      expect(left).toEqual([3, 1, 0]);
      expect(pool().hasRecord('reclaim', 1, 1)).toBe(false);
    });

    it('passes over versions that stay', async () => {
      await history(pool(), { 1: [0, 1, 2, 3], 2: [3] });
      const first = await reclaim(pool(), { previous: -1, next: 2 }, { limit: 3 });
      expect(first).toMatchObject({ cursor: { epoch: 1, chunk: 0, bit: 3 }, freedBlocks: 0 });
      const last = await reclaim(
        pool(),
        { previous: -1, next: 2 },
        { limit: 3, ...(first.cursor && { cursor: first.cursor }) },
      );
      expect(last).toMatchObject({ cursor: undefined, freedBlocks: 1 });
    });

    it('may begin again after a crash', async () => {
      await history(pool(), { 1: [0, 1, 2], 2: [0, 1] });
      await reclaim(pool(), { previous: -1, next: 2 }, { limit: 1 });
      await pool().edit(() => {});
      const { freedBlocks } = await reclaim(pool(), { previous: -1, next: 2 });
      expect([freedBlocks, pool().counters().storedBlocks]).toEqual([1, 3]);
      expect(pool().versions(1)).toEqual(['0@2=4', '1@2=5', '2@1=3']);
    });

    it('may be repeated when it is done', async () => {
      await history(pool(), { 1: [0], 2: [0] });
      await reclaim(pool(), { previous: -1, next: 2 });
      const again = await reclaim(pool(), { previous: -1, next: 2 });
      expect(again).toMatchObject({
        cursor: undefined,
        freedBlocks: 0,
        counters: { storedBlocks: 1 },
      });
    });

    it('puts the records of its finish', async () => {
      const value = packCount(4);
      await reclaim(pool(), gap, { finish: [{ key: recordKey('reclaim', 9, 4), value }] });
      expect(pool().hasRecord('reclaim', 9, 4)).toBe(true);
    });
  });
}
