/** How a lineage takes over what it sees of its parent. Part of the store's contract suite. */

import { describe, expect, it } from 'vitest';
import { BLOCK_INDEX_MAX, blockKey, EPOCH_MAX, recordKey } from '../../src/store/keys.js';
import { packCount, unpackCount, unpackLineage } from '../../src/store/records.js';
import { loadChain, visibleVersions } from '../../src/store/resolve.js';
import type { MergeResult, PublishStep, RecordChange } from '../../src/store/tasks.js';

import { layer } from './store-layers.js';
import type { StorePool } from './store-pool.js';

/** Lineage 2, merged with its parent 1. */
function merge(
  pool: StorePool,
  options: { fromBlock?: number; firstView?: number; limit?: number; finish?: RecordChange[] } = {},
): Promise<MergeResult> {
  const { fromBlock = 0, firstView = 1, limit = 100, finish = [] } = options;
  return pool.store.run({ kind: 'merge', lineage: 2, fromBlock, firstView, limit, finish });
}

/** Lineage 3 at the bottom with block 9; 1 on it with blocks 0-3; 2 branches off 1 at epoch 1. */
async function chain(pool: StorePool): Promise<void> {
  await pool.lineages([3, 0, 0], [1, 3, 4], [2, 1, 1]);
  await pool.publish([layer(3, 4, [{ block: 9, slot: 9 }]), usageOfBranch(3, 1)]);
  await pool.publish([
    layer(
      1,
      1,
      [0, 1, 2, 3].map((block) => ({ block, slot: 1 + block })),
    ),
    usageOfBranch(1, 2),
  ]);
}

/** A branch begins with the usage count of its parent. */
function usageOfBranch(lineage: number, toLineage: number): PublishStep {
  return { kind: 'usage', lineage, epoch: EPOCH_MAX, toLineage, toEpoch: EPOCH_MAX };
}

/** What lineage 2 shows, as `block:first byte`. */
function visible(pool: StorePool): string[] {
  const levels = loadChain(pool.store, 2, EPOCH_MAX);
  const versions = [...visibleVersions(pool.store, pool.seed, levels, 0, BLOCK_INDEX_MAX)];
  return versions.map(({ block, location }) => {
    return `${block}:${location.id === 0 ? 'zeros' : pool.sectorBytes(location.id)[0]}`;
  });
}

function shares(pool: StorePool, id: number): number {
  const value = pool.store.get('share', blockKey(id));
  return value === undefined ? 0 : Buffer.from(value).readUInt32BE(0);
}

async function drop(pool: StorePool, lineage: number): Promise<number> {
  const { freedBlocks } = await pool.store.run({
    kind: 'reclaim',
    lineage,
    previous: -1,
    next: undefined,
    cursor: undefined,
    limit: 100,
    finish: [],
  });
  return freedBlocks;
}

export function describeMerge(pool: () => StorePool): void {
  describe('merge', () => {
    it('enters what the parent shows as versions of epoch 0 that share its blocks', async () => {
      await chain(pool());
      await merge(pool());
      expect(pool().versions(2)).toEqual(['0@0=2', '1@0=3', '2@0=4', '3@0=5']);
      expect(pool().born(2)).toEqual(['0@0', '1@0', '2@0', '3@0']);
      expect([1, 2, 3, 4, 5].map((id) => shares(pool(), id))).toEqual([0, 1, 1, 1, 1]);
      expect(pool().counters().storedBlocks).toBe(5);
    });

    it('makes the grandparent the parent', async () => {
      await chain(pool());
      expect(await merge(pool())).toEqual({
        nextBlock: undefined,
        parent: 3,
        parentEpoch: 4,
        clip: undefined,
      });
      const record = pool().store.get('records', recordKey('lineage', 2)) as Uint8Array;
      expect(unpackLineage(record)).toEqual({ id: 2, parent: 3, parentEpoch: 4 });
    });

    it('shows the same before, in the middle and after', async () => {
      await chain(pool());
      await pool().publish([layer(2, 1, [{ block: 1, slot: 20 }, { block: 2 }])]);
      const before = visible(pool());
      expect(before).toEqual(['0:1', '1:20', '2:zeros', '3:4', '9:9']);
      const { nextBlock = 0 } = await merge(pool(), { limit: 2 });
      expect(visible(pool())).toEqual(before);
      await merge(pool(), { fromBlock: nextBlock });
      expect(visible(pool())).toEqual(before);
    });

    it('takes the newest version not after the branch', async () => {
      await chain(pool());
      await pool().publish([
        layer(1, 0, [{ block: 0, slot: 30 }]),
        layer(1, 2, [{ block: 0, slot: 31 }]),
      ]);
      await merge(pool());
      expect(pool().versions(2)[0]).toBe('0@0=2');
    });

    it('takes over zeros of the parent, which hide the grandparent', async () => {
      await chain(pool());
      await pool().publish([layer(1, 1, [{ block: 9 }])]);
      await merge(pool());
      expect(visible(pool()).slice(4)).toEqual(['9:zeros']);
      expect(pool().ids()).toEqual([1, 2, 3, 4, 5]);
    });

    it('takes over the clips of the parent as one of epoch 0', async () => {
      await chain(pool());
      await pool().publish([{ kind: 'clip', lineage: 1, epoch: 1, block: 7, replaces: [] }]);
      await pool().publish([{ kind: 'clip', lineage: 1, epoch: 2, block: 1, replaces: [] }]);
      expect((await merge(pool())).clip).toBe(7);
      expect(unpackCount(pool().store.get('records', recordKey('clip', 2, 0)) as Uint8Array)).toBe(
        7,
      );
      expect(visible(pool())).toEqual(['0:1', '1:2', '2:3', '3:4']);
    });

    it('keeps what its own clip of epoch 0 hides hidden', async () => {
      await chain(pool());
      await pool().publish([], [{ key: recordKey('clip', 2, 0), value: packCount(2) }]);
      expect((await merge(pool())).clip).toBe(2);
      expect(pool().versions(2)).toEqual(['0@0=2', '1@0=3']);
      expect(visible(pool())).toEqual(['0:1', '1:2']);
    });

    it.each<[string, number, string[]]>([
      ['takes over what its oldest view shows of the parent', 2, ['0@3=6', '0@0=2']],
      ['leaves what every view has of its own', 3, ['0@3=6']],
    ])('%s', async (_what, firstView, versions) => {
      await chain(pool());
      await pool().publish([layer(2, 3, [{ block: 0, slot: 20 }])]);
      await merge(pool(), { firstView });
      expect(
        pool()
          .versions(2)
          .filter((version) => version.startsWith('0@')),
      ).toEqual(versions);
    });

    it('does nothing to a lineage without a parent', async () => {
      await pool().lineages([2, 0, 0]);
      expect(
        await merge(pool(), { finish: [{ key: recordKey('reclaim', 0), value: packCount(0) }] }),
      ).toEqual({
        nextBlock: undefined,
        parent: 0,
        parentEpoch: 0,
        clip: undefined,
      });
      expect(pool().hasRecord('reclaim', 0)).toBe(false);
    });
  });

  describe('merge in slices', () => {
    const finish = [{ key: recordKey('reclaim', 1, 1), value: packCount(1) }];

    it('says where to go on, and ends with the finish', async () => {
      await chain(pool());
      expect((await merge(pool(), { limit: 3, finish })).nextBlock).toBe(3);
      expect(pool().hasRecord('reclaim', 1, 1)).toBe(false);
      expect((await merge(pool(), { fromBlock: 3, limit: 3, finish })).nextBlock).toBeUndefined();
      expect(pool().hasRecord('reclaim', 1, 1)).toBe(true);
    });

    it('shares a block once, however often a slice is repeated', async () => {
      await chain(pool());
      await merge(pool(), { limit: 3 });
      await merge(pool(), { limit: 3 });
      expect([2, 3, 4, 5].map((id) => shares(pool(), id))).toEqual([1, 1, 1, 0]);
    });
  });

  describe('blocks shared by a merge', () => {
    it('stay when the parent goes, and go with the child', async () => {
      await chain(pool());
      await merge(pool());
      expect([await drop(pool(), 1), pool().ids().length]).toEqual([0, 5]);
      expect(visible(pool())).toEqual(['0:1', '1:2', '2:3', '3:4', '9:9']);
      expect([await drop(pool(), 2), pool().ids(), pool().counters().storedBlocks]).toEqual([
        4,
        [1],
        1,
      ]);
      expect(shares(pool(), 2)).toBe(0);
    });

    it('are not freed where one of the two rewrites its version', async () => {
      await chain(pool());
      await merge(pool());
      await pool().publish([layer(1, 1, [{ block: 0, slot: 40 }])]);
      const { storedBlocks } = await pool().store.run({ kind: 'trim' });
      expect([storedBlocks, shares(pool(), 2)]).toEqual([6, 0]);
      expect(visible(pool())[0]).toBe('0:1');
    });
  });
}
