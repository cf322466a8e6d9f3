/** What verify finds, and where a slice ends. Part of the store's contract suite. */

import { describe, expect, it } from 'vitest';
import { BLOCK_BYTES } from '../../src/base/sizes.js';
import { EPOCH_MAX, mapKey } from '../../src/store/keys.js';
import { ALL_SECTORS } from '../../src/store/records.js';
import type { VerifyResult, VerifyTask } from '../../src/store/tasks.js';

import { layer } from './store-layers.js';
import type { StorePool } from './store-pool.js';

const START: VerifyTask['from'] = { lineage: 0, block: 0, epoch: EPOCH_MAX };

function verify(pool: StorePool, options: Partial<VerifyTask> = {}): Promise<VerifyResult> {
  return pool.store.run({
    kind: 'verify',
    levels: undefined,
    from: START,
    endBlock: 0,
    limit: 100,
    ...options,
  });
}

/** Lineage 1 with blocks 0-3, ids 1-4. */
async function fill(pool: StorePool): Promise<void> {
  await pool.publish([
    layer(
      1,
      1,
      [0, 1, 2, 3].map((block) => ({ block, slot: 1 + block })),
    ),
  ]);
}

export function describeVerify(pool: () => StorePool): void {
  describe('verify', () => {
    it('finds nothing in a sound pool', async () => {
      await fill(pool());
      await pool().publish([layer(1, 2, [{ block: 0 }])]);
      expect(await verify(pool())).toEqual({
        damages: [],
        versions: 5,
        bytes: 4 * BLOCK_BYTES,
        next: undefined,
      });
    });

    it('finds a block that is missing', async () => {
      await fill(pool());
      await pool().edit((transaction) => transaction.blocks.free(2));
      expect((await verify(pool())).damages).toEqual([
        { lineage: 1, block: 1, epoch: 1, kind: 'missing block' },
      ]);
    });

    it('finds a flipped bit', async () => {
      await fill(pool());
      const content = new Uint8Array(BLOCK_BYTES).fill(3);
      content[BLOCK_BYTES - 1] = 2;
      await pool().damage(3, content);
      expect((await verify(pool())).damages).toEqual([
        { lineage: 1, block: 2, epoch: 1, kind: 'wrong checksum' },
      ]);
    });

    it.each<[string, (value: Uint8Array) => Uint8Array]>([
      ['another id', (value) => value.with(6, 9)],
      ['another checksum', (value) => value.with(7, (value[7] as number) ^ 1)],
      ['other sectors', (value) => value.with(11, 0)],
      ['another tag', (value) => value.with(15, (value[15] as number) ^ 1)],
      ['another version', (value) => value.with(0, 2)],
      ['another size', (value) => value.slice(0, 18)],
    ])('finds a map entry with %s', async (_what, change) => {
      await fill(pool());
      await pool().edit((transaction) => {
        const key = mapKey(1, 3, 1);
        transaction.put(
          'map',
          key,
          change(new Uint8Array(transaction.get('map', key) as Uint8Array)),
        );
      });
      expect((await verify(pool())).damages).toEqual([
        { lineage: 1, block: 3, epoch: 1, kind: 'damaged map entry' },
      ]);
    });

    it('finds an entry that was moved to another place', async () => {
      await fill(pool());
      await pool().edit((transaction) => {
        const value = new Uint8Array(transaction.get('map', mapKey(1, 0, 1)) as Uint8Array);
        transaction.put('map', mapKey(1, 7, 1), value);
      });
      expect((await verify(pool())).damages).toEqual([
        { lineage: 1, block: 7, epoch: 1, kind: 'damaged map entry' },
      ]);
    });

    it('finds sectors that were lost', async () => {
      const base = { id: 99, crc: 0, sectors: ALL_SECTORS };
      await pool().publish([layer(1, 1, [{ block: 0, slot: 1, sectors: 1, base }])]);
      expect((await verify(pool())).damages).toEqual([
        { lineage: 1, block: 0, epoch: 1, kind: 'lost sectors' },
      ]);
    });

    it('goes through the pool in slices', async () => {
      await fill(pool());
      await pool().publish([layer(2, 1, [{ block: 5, slot: 1 }])]);
      const first = await verify(pool(), { limit: 3 });
      expect(first).toMatchObject({ versions: 3, next: { lineage: 1, block: 3, epoch: 1 } });
      const second = await verify(pool(), { limit: 3, from: first.next as VerifyTask['from'] });
      expect(second).toMatchObject({ versions: 2, next: undefined });
    });

    it('looks only at what a chain shows', async () => {
      await fill(pool());
      await pool().publish([layer(1, 2, [{ block: 0, slot: 9 }])]);
      await pool().edit((transaction) => {
        for (const id of [1, 4]) transaction.blocks.free(id);
      });
      const levels = [{ lineage: 1, epoch: EPOCH_MAX, clips: [] }];
      const { damages, versions } = await verify(pool(), { levels, endBlock: 3 });
      expect([damages, versions]).toEqual([[], 3]);
      const whole = await verify(pool(), { levels, endBlock: 4 });
      expect(whole.damages).toEqual([{ lineage: 1, block: 3, epoch: 1, kind: 'missing block' }]);
    });

    it('goes through a chain in slices', async () => {
      await fill(pool());
      const levels = [{ lineage: 1, epoch: EPOCH_MAX, clips: [] }];
      const first = await verify(pool(), { levels, endBlock: 9, limit: 3 });
      const from = first.next as VerifyTask['from'];
      const second = await verify(pool(), { levels, endBlock: 9, limit: 3, from });
      expect([first.versions, from.block, second.versions, second.next]).toEqual([
        3,
        3,
        1,
        undefined,
      ]);
    });
  });
}
