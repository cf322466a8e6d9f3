/**
 * Blocks in slots through anything that can happen to a task or a commit: seeded histories of puts,
 * publishes and frees, of which some fail, with kills and power cuts in between. What a commit has made
 * durable is there and untouched; nothing else is left. A failing seed is named; ARRAYFS_SEED runs it alone.
 */
import { describe, expect, it } from 'vitest';
import { ArrayError } from '../../src/base/errors.js';
import { repeat } from '../support/factor.js';
import { RandomSource } from '../support/random-source.js';
import { SlotMachine } from './slot-machine.js';

/** A random history beside plain maps of what must be there. */
class History {
  private machine = new SlotMachine();
  /** Bytes of blocks by id: durable, durable if a failed commit counts, and put but not published. */
  private durable = new Map<number, number>();
  private doubtful: Map<number, number> | undefined;
  private waiting = new Map<number, number>();
  private nextByte = 0;
  private published = 0;

  constructor(private readonly random: RandomSource) {}

  run(steps: number): void {
    for (let step = 0; step < steps; step += 1) {
      const dice = this.random.next();
      if (dice < 0.4) this.putTask();
      else if (dice < 0.9) this.publish();
      else this.crash();
      this.verify();
    }
    expect(this.published).toBeGreaterThan(50);
  }

  private putTask(): void {
    const { machine, random } = this;
    machine.growthLimit = random.pick([0, 50, Number.POSITIVE_INFINITY]);
    machine.blocks.startPuts(1);
    const put = new Map<number, number>();
    const count = random.integer(1, random.pick([3, 150]));
    for (let index = 0; index < count; index += 1) {
      this.nextByte = (this.nextByte % 255) + 1;
      const id = machine.put(this.nextByte);
      for (const others of [this.durable, this.doubtful, this.waiting, put]) {
        expect(others?.has(id) ?? false).toBe(false);
      }
      put.set(id, this.nextByte);
    }
    if (random.chance(0.2)) return;
    machine.blocks.endPuts();
    for (const [id, byte] of put) this.waiting.set(id, byte);
  }

  private publish(): void {
    const { machine, random, waiting } = this;
    const chosen = (ids: Iterable<number>, share: number) =>
      [...ids].filter(() => random.chance(share));
    const kept = chosen(waiting.keys(), random.pick([0, 0.5, 1]));
    const discarded = chosen(waiting.keys(), 0.1).filter((id) => !kept.includes(id));
    const freed = chosen(this.durable.keys(), random.pick([0, 0.1, 0.9]));
    const outcome = random.pick(['commits', 'commits', 'commits', 'is undone', 'fails'] as const);
    machine.slots.failingSyncs = random.chance(0.1) ? 1 : 0;
    try {
      machine.transaction(() => {
        machine.blocks.sync();
        for (const id of kept) machine.blocks.keep(id);
        for (const id of [...freed, ...discarded]) expect(machine.blocks.free(id)).toBe(true);
      }, outcome);
    } catch (error) {
      if (!(error instanceof ArrayError)) throw error;
      machine.giveUp();
      return;
    }
    const next = new Map(this.durable);
    for (const id of freed) next.delete(id);
    for (const id of kept) next.set(id, waiting.get(id) as number);
    if (outcome === 'fails') this.doubtful = next;
    if (outcome !== 'commits') return;
    this.durable = next;
    this.published += kept.length;
    this.doubtful = undefined;
    for (const id of [...kept, ...discarded]) waiting.delete(id);
  }

  /** A kill, or a power cut that loses slots not synced; a commit in doubt may count. */
  private crash(): void {
    const { machine, random } = this;
    const share = random.pick([0, 0.5, 1]);
    const counts = this.doubtful !== undefined && random.chance(0.5);
    if (counts) this.durable = this.doubtful as Map<number, number>;
    this.machine = machine.crash(
      () => random.chance(share),
      counts ? machine.inDoubt : machine.state,
    );
    this.doubtful = undefined;
    this.waiting.clear();
  }

  private verify(): void {
    const { machine, durable, waiting } = this;
    expect(machine.ids()).toEqual([...durable.keys()].sort((a, b) => a - b));
    expect(machine.blocks.markedCount()).toBe(durable.size);
    for (const [id, byte] of [...durable, ...waiting]) expect(machine.byte(id)).toBe(byte);
  }
}

describe('FileBlocks in seeded histories', () => {
  const only = process.env.ARRAYFS_SEED;
  const seeds = only === undefined ? repeat(40) : 1;
  for (let index = 0; index < seeds; index += 1) {
    const seed = only === undefined ? 1 + index : Number(only);
    it(`keeps what is durable and no more, seed ${seed}`, () => {
      new History(new RandomSource(seed)).run(120);
    });
  }
});
