/**
 * A day of the array in simulated time, over the memory store: volumes are written, frozen, restored,
 * cloned and deleted at all hours, with pauses from nothing to minutes. Every hour, a minute of quiet later,
 * nothing is left to do and the content is right; every six hours all is deleted, and nothing is left at all.
 */
import { queryObjects, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import type { StorageArray } from '../../src/array/array.js';
import { Snapshot, Volume } from '../../src/array/copies.js';
import { systemClock } from '../../src/base/clock.js';
import { blocksCovering } from '../../src/base/sizes.js';
import { checkStore } from '../../src/store/check.js';
import type { BlockContainerKind } from '../../src/store/container-kind.js';
import { RECORD_KIND, type RecordKind } from '../../src/store/keys.js';
import type { MemoryStore } from '../../src/store/memory-store.js';
import { Generation } from '../../src/volume/generation.js';
import { Lineage } from '../../src/volume/lineage.js';
import { repeat } from '../support/factor.js';
import { ManualClock } from '../support/manual-clock.js';
import { newMemoryStore, openMemoryArray } from '../support/memory-array.js';
import { RandomSource } from '../support/random-source.js';
import { arrayContent } from './array-content.js';
import { type ArrayModel, applyOperation } from './array-model.js';
import { MountedOperations } from './mounted-operations.js';
import { OperationChooser } from './operation-chooser.js';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const SHIFTS = 4;
const HOURS_PER_SHIFT = 6;
const OPERATIONS_PER_HOUR = repeat(50);
/** Of everything that grows with the number of operations by intention: events and jobs. */
const GROWTH_BYTES_PER_OPERATION = 512;
/** What the test runner and the compiler keep for themselves. */
const NOISE_BYTES = 3 * 2 ** 20;
const GARBAGE_ROUNDS = 5;
const COUNT = { format: 'count' } as const;
/** Kinds of records that outlive all volumes. */
const LASTING_KINDS: readonly RecordKind[] = [
  'identity',
  'counters',
  'allocation',
  'log',
  'usedSlots',
  'job',
  'event',
];

class Day {
  operationCount = 0;
  private readonly random: RandomSource;
  private readonly chooser: OperationChooser;
  private readonly model: ArrayModel = new Map();
  private readonly mounted: MountedOperations;
  private readonly startMs: number;

  constructor(
    seed: number,
    private readonly clock: ManualClock,
    private readonly store: MemoryStore,
    private readonly array: StorageArray,
  ) {
    this.random = new RandomSource(seed);
    this.chooser = new OperationChooser(this.random);
    this.mounted = new MountedOperations(array);
    this.startMs = clock.nowMs();
  }

  get hours(): number {
    return (this.clock.nowMs() - this.startMs) / HOUR_MS;
  }

  async hour(): Promise<void> {
    const end = (Math.floor(this.hours) + 1) * HOUR_MS + this.startMs;
    for (let count = 0; count < OPERATIONS_PER_HOUR; count += 1) await this.operate();
    await this.quiet();
    this.compare();
    await this.clock.advance(end - this.clock.nowMs());
  }

  /** A scrub finds all in order; then all volumes go. */
  async endOfShift(): Promise<void> {
    const { id } = await this.drive(this.array.scrub('all'));
    while (this.array.job(id).state === 'running') await this.clock.advance(1_000);
    expect(this.array.job(id)).toMatchObject({ state: 'done', message: 'no damage found' });
    this.mounted.closeAll();
    for (const name of this.model.keys()) {
      await this.drive(this.array.deleteVolume(name, { snapshots: true }));
    }
    this.model.clear();
    await this.quiet();
    this.expectEmpty();
  }

  private async operate(): Promise<void> {
    this.operationCount += 1;
    const operation = this.chooser.choose(this.model);
    applyOperation(this.model, operation);
    await this.drive(this.mounted.perform(operation));
    const names = [...this.model.keys()];
    if (names.length > 0 && this.random.chance(0.1)) {
      await this.drive(this.mounted.sync(this.random.pick(names), undefined));
    }
    await this.clock.advance(this.pauseMs());
  }

  /** Nearly always short; the sum of an hour's pauses stays below half an hour. */
  private pauseMs(): number {
    if (this.random.chance(0.4)) return 0;
    if (this.random.chance(0.6)) return this.random.integer(1, 1_500);
    return this.random.integer(1, HOUR_MS / OPERATIONS_PER_HOUR);
  }

  /** Nobody waits for anything: what is acknowledged gets to the store by its age alone. */
  private async quiet(): Promise<void> {
    await this.clock.advance(MINUTE_MS);
    const { dirtyBytes, generationsPending, writersWaiting, publishedSequence } =
      this.array.cache();
    const { state, reclaimsPending, storedBlocks } = this.pool();
    expect({ dirtyBytes, generationsPending, writersWaiting, state, reclaimsPending }).toEqual({
      dirtyBytes: 0,
      generationsPending: 0,
      writersWaiting: 0,
      state: 'normal',
      reclaimsPending: 0,
    });
    expect(this.clock.timerCount).toBe(0);
    expect(storedBlocks).toBeLessThanOrEqual(this.blocksShown());
    const report = await checkStore(this.store.crash(), { repair: false, onProgress: () => {} });
    expect(report.findings).toEqual([]);
    expect(this.array.cache().publishedSequence).toBe(publishedSequence);
  }

  private compare(): void {
    const found = arrayContent(this.array);
    const shown = this.shown();
    expect([...found.keys()].sort()).toEqual([...shown.keys()].sort());
    for (const [reference, bytes] of found) {
      expect(Buffer.compare(bytes, shown.get(reference) as Uint8Array), reference).toBe(0);
    }
  }

  private expectEmpty(): void {
    expect(this.pool().storedBlocks).toBe(0);
    expect([...this.store.blocks.ids(0)]).toEqual([]);
    for (const table of ['map', 'born', 'share'] as const) {
      expect([table, this.keys(table)]).toEqual([table, []]);
    }
    const lasting = LASTING_KINDS.map((kind): number => RECORD_KIND[kind]);
    const others = this.keys('records').filter(([kind]) => !lasting.includes(kind as number));
    expect(others).toEqual([]);
  }

  private keys(table: 'records' | 'map' | 'born' | 'share'): Uint8Array[] {
    const end = new Uint8Array(16).fill(0xff);
    return [...this.store.range(table, new Uint8Array(0), end)].map(({ key }) => key);
  }

  private pool() {
    const [pool] = this.array.pools();
    if (pool === undefined) throw new Error('the array has no pool');
    return pool;
  }

  private shown(): Map<string, Uint8Array> {
    const shown = new Map<string, Uint8Array>();
    for (const [name, { bytes, snapshots }] of this.model) {
      shown.set(name, bytes);
      for (const [snapshot, content] of snapshots) shown.set(`${name}@${snapshot}`, content);
    }
    return shown;
  }

  /** As many as would be stored if no copy shared a block with another, nor had a hole. */
  private blocksShown(): number {
    const sizes = [...this.shown().values()].map(({ length }) => blocksCovering(length));
    return sizes.reduce((sum, blocks) => sum + blocks, 0);
  }

  private drive<T>(work: Promise<T>): Promise<T> {
    return this.clock.drive(work);
  }
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Of objects and buffers that are still in use, once promises have let go of theirs. */
async function usedBytes(): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < GARBAGE_ROUNDS; round += 1) {
    await systemClock.yield();
    collectGarbage();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    least = Math.min(least, heapUsed + arrayBuffers);
  }
  return least;
}

/** Objects of each kind that something still refers to. */
function liveObjects(): Record<string, number> {
  const kinds = [Volume, Snapshot, Lineage, Generation];
  return Object.fromEntries(kinds.map((kind) => [kind.name, queryObjects(kind, COUNT)]));
}

describe('a day', () => {
  it.each([
    ['lmdb', 1],
    ['file', 2],
  ] as [BlockContainerKind, number][])(
    'leaves nothing behind, blocks in %s (seed %i)',
    async (blocks, seed) => {
      const clock = new ManualClock(new RandomSource(seed));
      const store = newMemoryStore(clock, 2 ** 40, blocks);
      const array = await clock.drive(openMemoryArray(store, clock));
      const day = new Day(seed, clock, store, array);
      const before = liveObjects();
      const used: number[] = [];
      for (let shift = 0; shift < SHIFTS; shift += 1) {
        for (let hour = 0; hour < HOURS_PER_SHIFT; hour += 1) await day.hour();
        await day.endOfShift();
        used.push(await usedBytes());
        expect(liveObjects()).toEqual(before);
      }
      expect(day.hours).toBeGreaterThanOrEqual(24);
      const growth = (used.at(-1) as number) - (used[0] as number);
      expect(growth).toBeLessThan(NOISE_BYTES + day.operationCount * GROWTH_BYTES_PER_OPERATION);
      await clock.drive(array.close());
      expect(clock.timerCount).toBe(0);
    },
  );
});
