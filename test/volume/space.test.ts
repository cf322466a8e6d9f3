/** What a pool can still accept: its capacity, and what the host's disk has left. */
import { beforeEach, describe, expect, it } from 'vitest';
import { BLOCK_COST_BYTES, HOST_RESERVE_BYTES } from '../../src/base/limits.js';
import { MemoryStore } from '../../src/store/memory-store.js';
import { Space } from '../../src/volume/space.js';
import { ManualClock } from '../support/manual-clock.js';

class SizedStore extends MemoryStore {
  file = 0;
  samples = 0;
  override fileBytes(): number {
    this.samples += 1;
    return this.file;
  }
}

const CAPACITY = 1_000 * BLOCK_COST_BYTES;
let store: SizedStore;
let clock: ManualClock;
let space: Space;
beforeEach(() => {
  store = new SizedStore();
  clock = new ManualClock();
  space = new Space(store, CAPACITY, clock);
});

describe('Space within its capacity', () => {
  it('accepts blocks up to the capacity and not one more', () => {
    expect([space.hasRoom(1_000, 0), space.hasRoom(1_001, 0)]).toEqual([true, false]);
  });

  it('counts stored and cached blocks at their cost on disk', () => {
    space.storedBlocks = 700;
    expect(space.usedBytes).toBe(700 * BLOCK_COST_BYTES);
    expect(space.freeBytes(200)).toBe(100 * BLOCK_COST_BYTES);
    expect([space.hasRoom(100, 200), space.hasRoom(101, 200)]).toEqual([true, false]);
  });

  it('never has less than nothing free', () => {
    space.storedBlocks = 900;
    expect(space.freeBytes(200)).toBe(0);
  });
});

describe('Space on the disk of the host', () => {
  it('leaves the reserve free', () => {
    store.hostFree = HOST_RESERVE_BYTES + 10 * BLOCK_COST_BYTES;
    expect([space.hasRoom(10, 0), space.hasRoom(11, 0), space.hasRoom(10, 1)]).toEqual([
      true,
      false,
      false,
    ]);
  });

  it('has nothing free below the reserve', () => {
    store.hostFree = HOST_RESERVE_BYTES - 1;
    expect([space.freeBytes(0), space.hasRoom(1, 0)]).toEqual([0, false]);
  });

  it("counts on three quarters of the pool's own unused file space", () => {
    store.hostFree = HOST_RESERVE_BYTES;
    store.file = 140 * BLOCK_COST_BYTES;
    space.storedBlocks = 100;
    expect(space.freeBytes(0)).toBe(30 * BLOCK_COST_BYTES);
  });
});

describe('Space asks the host', () => {
  it('not again within 250 ms', async () => {
    space.freeBytes(0);
    await clock.advance(249);
    space.freeBytes(0);
    expect(store.samples).toBe(1);
    await clock.advance(1);
    space.freeBytes(0);
    expect(store.samples).toBe(2);
  });

  it('again after 512 accepted blocks', () => {
    space.hasRoom(511, 0);
    space.freeBytes(0);
    expect(store.samples).toBe(1);
    space.hasRoom(1, 0);
    space.freeBytes(0);
    expect(store.samples).toBe(2);
  });

  it('again for a decision that must not be wrong', () => {
    space.freeBytes(0);
    store.hostFree = 0;
    expect(space.freeBytes(0)).toBe(CAPACITY);
    space.refresh();
    expect(space.freeBytes(0)).toBe(0);
  });
});
