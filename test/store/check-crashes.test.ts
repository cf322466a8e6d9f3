/**
 * Seeded random histories, killed after every transaction of the store: the check finds nothing in
 * any of the stores that leaves. A failing seed is named; ARRAYFS_SEED runs it alone.
 */
import { describe, expect, it } from 'vitest';
import type { StorageArray } from '../../src/array/array.js';
import { LINEAGE_DEPTH_MAX, SLICE_VERSIONS } from '../../src/base/limits.js';
import { BLOCK_BYTES } from '../../src/base/sizes.js';
import type { StoreTransaction } from '../../src/store/block-store.js';
import { BLOCK_CONTAINERS, type BlockContainerKind } from '../../src/store/container-kind.js';
import { MemorySlots } from '../../src/store/memory-slots.js';
import { MemoryStore } from '../../src/store/memory-store.js';
import { newIdentity, writeIdentity } from '../../src/store/pool-files.js';
import { repeat } from '../support/factor.js';
import { ManualClock } from '../support/manual-clock.js';
import { openMemoryArray } from '../support/memory-array.js';
import { RandomSource } from '../support/random-source.js';
import { check, close, fill, settle } from './check-fixture.js';

const STEPS = 60;
const BLOCKS_MAX = 12;
/** More than one slice of background work. */
const LARGE_BLOCKS = SLICE_VERSIONS + 60;

/** Keeps what a kill after each transaction leaves. */
class RecordingStore extends MemoryStore {
  readonly crashes: MemoryStore[] = [];

  override transaction<T>(action: (transaction: StoreTransaction) => T): T {
    const result = super.transaction(action);
    this.crashes.push(this.crash());
    return result;
  }
}

/** One random operation; those the array refuses are part of the game. */
async function operate(
  array: StorageArray,
  random: RandomSource,
  step: number,
  restores: number,
): Promise<void> {
  const volumes = array.volumes();
  const volume = volumes.length > 0 ? random.pick(volumes) : undefined;
  if (volume === undefined || (volumes.length < 3 && random.chance(0.1))) {
    const sizeBytes = random.integer(1, BLOCKS_MAX) * BLOCK_BYTES;
    await array.createVolume({ name: `v${step}`, sizeBytes });
    return;
  }
  const { name, snapshots } = volume;
  const snapshot = snapshots.length > 0 ? random.pick(snapshots).name : undefined;
  const dice = random.next();
  if (dice < 0.5) {
    const byte = random.chance(0.3) ? 0 : random.integer(1, 255);
    fill(array, name, random.integer(0, BLOCKS_MAX - 1), random.integer(1, 4), byte);
  } else if (dice < 0.6) {
    const sizeBytes = random.integer(0, BLOCKS_MAX) * BLOCK_BYTES;
    await array.resizeVolume(name, sizeBytes, { force: true });
  } else if (dice < 0.74 || snapshot === undefined) {
    await array.takeSnapshots([name], { name: `s${step}` });
  } else if (dice < 0.74 + restores) await array.restore(name, snapshot, { force: true });
  else if (dice < 0.8 + restores) await array.clone(name, snapshot, `c${step}`, {});
  else if (dice < 0.96) await array.deleteSnapshot(name, snapshot, { force: true });
  else await array.deleteVolume(name, { snapshots: true });
}

function newSlots(blocks: BlockContainerKind): MemorySlots | undefined {
  return blocks === 'file' ? new MemorySlots() : undefined;
}

function newRecordingStore(clock: ManualClock, blocks: BlockContainerKind): RecordingStore {
  const store = new RecordingStore(undefined, undefined, newSlots(blocks));
  writeIdentity(store, newIdentity({ capacityBytes: 2 ** 40, blocks }, clock));
  return store;
}

async function run(seed: number, blocks: BlockContainerKind): Promise<void> {
  const random = new RandomSource(seed);
  const clock = new ManualClock(new RandomSource(seed + 1));
  const store = newRecordingStore(clock, blocks);
  const array = await openMemoryArray(store, clock);
  // Many restores in a row make chains that have to be merged.
  const restores = random.pick([0.06, 0.15]);
  for (let step = 0; step < STEPS; step += 1) {
    const done = operate(array, random, step, restores);
    if (random.chance(0.5)) await done;
    if (random.chance(0.5)) await clock.advance(random.integer(1, 2_000));
    await done;
    await findNothing(store, `seed ${seed}, step ${step}`);
  }
  await close(array, clock);
  await findNothing(store, `seed ${seed}, end`);
}

/** More than the cache holds: in parts, each destaged before the next. */
async function fillLarge(
  array: StorageArray,
  clock: ManualClock,
  count: number,
  byte: number,
): Promise<void> {
  for (let block = 0; block < count; block += 100) {
    fill(array, 'db', block, Math.min(100, count - block), byte);
    await array.sync();
  }
  await settle(array, clock);
}

/** Of the many crashes of the large history each is checked with `--long`. */
const CHECKED_STRIDE = Math.max(1, Math.round(5 / repeat(1)));

async function findNothing(store: RecordingStore, place: string): Promise<void> {
  for (const crashed of store.crashes.splice(0)) {
    const { findings } = await check(crashed);
    expect(findings, place).toEqual([]);
  }
}

describe.each(BLOCK_CONTAINERS)(
  'checkStore after a kill at any transaction, blocks in %s',
  (blocks) => {
    it('finds nothing in the middle of reclaims and merges of several slices', async () => {
      const clock = new ManualClock();
      const store = newRecordingStore(clock, blocks);
      const array = await openMemoryArray(store, clock);
      await array.createVolume({ name: 'db', sizeBytes: LARGE_BLOCKS * BLOCK_BYTES });
      await fillLarge(array, clock, LARGE_BLOCKS, 1);
      for (let round = 0; round < 22; round += 1) {
        await array.takeSnapshots(['db'], { name: `s${round}` });
        await fillLarge(array, clock, round < 4 ? LARGE_BLOCKS : 40, 2 + round);
        if (round % 2 === 0) await array.restore('db', `s${round}`, { force: false });
      }
      // Of 11 restores some have been merged.
      expect(array.volume('db').lineageDepth).toBe(LINEAGE_DEPTH_MAX);
      await array.deleteSnapshot('db', 's3', { force: false });
      await settle(array, clock);
      await array.deleteVolume('db', { snapshots: true });
      await settle(array, clock);
      expect(Math.max(...store.crashes.map((crashed) => crashed.fileBytes()))).toBeGreaterThan(
        3 * LARGE_BLOCKS * BLOCK_BYTES,
      );
      await close(array, clock);
      expect(store.crashes.length).toBeGreaterThan(100);
      for (let index = 0; index < store.crashes.length; index += CHECKED_STRIDE) {
        const { findings } = await check(store.crashes[index] as MemoryStore);
        expect(findings).toEqual([]);
      }
      expect((await check(store.crash())).blocksChecked).toBe(0);
    });

    const only = process.env.ARRAYFS_SEED;
    const seeds = only === undefined ? repeat(8) : 1;
    for (let index = 0; index < seeds; index += 1) {
      const seed = only === undefined ? 1_000 + index : Number(only);
      it(`finds nothing in history ${seed}`, () => run(seed, blocks));
    }
  },
);
