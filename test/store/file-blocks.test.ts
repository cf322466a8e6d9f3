/**
 * Blocks in slots through anything that can happen to a task or a commit: seeded histories of puts,
 * publishes and frees, of which some fail, with kills and power cuts in between. What a commit has made
 * durable is there and untouched; nothing else is left.
 */
import { describe, expect, it } from 'vitest';
import { BLOCK_BYTES } from '../../src/base/sizes.js';
import { FileBlocks } from '../../src/store/file-blocks.js';
import { recordKey } from '../../src/store/keys.js';
import { MemorySlots } from '../../src/store/memory-slots.js';
import { MemoryState, MemoryTransaction } from '../../src/store/memory-transaction.js';
import { packUsedSlots, unpackUsedSlots } from '../../src/store/slot-records.js';
import { repeat } from '../support/factor.js';
import { RandomSource } from '../support/random-source.js';

/** Tables whose commits can fail, the slots beside them, and the container over both. */
class Machine {
  readonly blocks: FileBlocks;
  growthLimit = Number.POSITIVE_INFINITY;
  /** The tables if a commit that failed has reached the disk all the same. */
  inDoubt: MemoryState | undefined;
  private current: MemoryTransaction;

  constructor(
    readonly state = new MemoryState(),
    readonly slots = new MemorySlots(),
  ) {
    this.current = this.newTransaction();
    this.blocks = new FileBlocks(
      {
        get: (table, key) => this.current.get(table, key),
        range: (table, start, end) => this.current.range(table, start, end),
        put: (table, key, value) => this.current.put(table, key, value),
        remove: (table, key) => this.current.remove(table, key),
      },
      slots,
      () => this.growthLimit,
    );
    this.blocks.startPuts(1);
  }

  put(byte: number): number {
    return this.blocks.put(new Uint8Array(BLOCK_BYTES).fill(byte));
  }

  transaction(action: () => void, outcome: 'commits' | 'is undone' | 'fails' = 'commits'): void {
    this.current = this.newTransaction();
    action();
    if (outcome !== 'is undone') this.blocks.prepare();
    if (outcome === 'commits') {
      this.inDoubt = undefined;
      this.blocks.committed();
      return;
    }
    if (outcome === 'fails') this.inDoubt = new MemoryState(this.state);
    this.current.rollBack();
    this.blocks.undone();
  }

  /** Ends a transaction whose action has thrown. */
  giveUp(): void {
    this.current.rollBack();
    this.blocks.undone();
  }

  /** What a new daemon finds. */
  crash(lost: (slot: number) => boolean = () => false, state = this.state): Machine {
    return new Machine(new MemoryState(state), this.slots.crash(lost));
  }

  ids(): number[] {
    return [...this.blocks.ids(1)];
  }

  byte(id: number): number | undefined {
    const content = this.blocks.read(id);
    return content && content[0] === content[BLOCK_BYTES - 1] ? content[0] : undefined;
  }

  private newTransaction(): MemoryTransaction {
    return new MemoryTransaction(this.state, { next: 1 });
  }
}

/** Puts and publishes blocks of these bytes. */
function publish(machine: Machine, ...bytes: number[]): number[] {
  const ids = bytes.map((byte) => machine.put(byte));
  machine.blocks.endPuts();
  machine.transaction(() => {
    machine.blocks.sync();
    for (const id of ids) machine.blocks.keep(id);
  });
  return ids;
}

describe('FileBlocks', () => {
  it('keeps what was published, and nothing of what was only put', () => {
    const machine = new Machine();
    publish(machine, 1, 2, 3);
    machine.put(4);
    machine.blocks.endPuts();
    const found = machine.crash();
    expect([found.ids(), [1, 2, 3].map((id) => found.byte(id))]).toEqual([
      [1, 2, 3],
      [1, 2, 3],
    ]);
    found.growthLimit = 0;
    found.blocks.startPuts(5);
    expect([found.blocks.has(4), found.put(5)]).toEqual([false, 4]);
  });

  it('has synced what it keeps before the commit', () => {
    const machine = new Machine();
    const ids = publish(machine, ...Array.from({ length: 200 }, (_, index) => index + 1));
    const found = machine.crash(() => true);
    expect(ids.map((id) => found.byte(id))).toEqual(ids);
  });

  it('does not take a freed slot again before the commit that freed it', () => {
    const machine = new Machine();
    publish(machine, 1, 2, 3, 4);
    machine.growthLimit = 0;
    machine.blocks.startPuts(5);
    let during = 0;
    machine.transaction(() => {
      machine.blocks.free(2);
      during = machine.put(9);
    });
    expect([during, machine.put(8)]).toEqual([5, 2]);
  });

  it('keeps a freed slot where the transaction is undone', () => {
    const machine = new Machine();
    publish(machine, 1, 2);
    machine.growthLimit = 0;
    machine.transaction(() => machine.blocks.free(2), 'is undone');
    machine.blocks.startPuts(3);
    expect([machine.put(9), machine.byte(2), machine.ids()]).toEqual([3, 2, [1, 2]]);
  });

  it('gives the slots of a task that did not end to the next', () => {
    const machine = new Machine();
    publish(machine, 1);
    for (let round = 0; round < 5; round += 1) {
      machine.blocks.startPuts(2);
      expect([machine.put(7), machine.put(8), machine.put(9)]).toEqual([2, 3, 4]);
    }
  });

  it('keeps the slots of a task that did, until they are discarded', () => {
    const machine = new Machine();
    publish(machine, 1);
    machine.blocks.startPuts(2);
    expect(machine.put(2)).toBe(2);
    machine.blocks.endPuts();
    machine.growthLimit = 0;
    machine.blocks.startPuts(3);
    expect(machine.put(3)).toBe(3);
    machine.transaction(() => machine.blocks.free(2));
    expect([machine.put(4), machine.byte(3), machine.ids()]).toEqual([2, 3, [1]]);
  });

  it('does not reuse what a commit that failed may have named, until one succeeds', () => {
    const machine = new Machine();
    machine.growthLimit = 0;
    const id = machine.put(1);
    machine.transaction(() => machine.blocks.keep(id), 'fails');
    machine.blocks.startPuts(1);
    expect(machine.put(2)).toBe(2);
    machine.transaction(() => {});
    expect(machine.put(3)).toBe(1);
  });

  it('publishes again, after a failure, what was put before', () => {
    const machine = new Machine();
    const id = machine.put(1);
    machine.blocks.endPuts();
    for (const outcome of ['is undone', 'fails', 'commits'] as const) {
      machine.transaction(() => {
        machine.blocks.sync();
        machine.blocks.keep(id);
      }, outcome);
    }
    expect([machine.ids(), machine.crash(() => true).byte(id)]).toEqual([[1], 1]);
  });

  it('writes again what a sync that failed may have lost', () => {
    const machine = new Machine();
    const ids = Array.from({ length: 200 }, (_, index) => machine.put(index + 1));
    machine.blocks.endPuts();
    const publishAll = () =>
      machine.transaction(() => {
        machine.blocks.sync();
        for (const id of ids) machine.blocks.keep(id);
      });
    machine.slots.failingSyncs = 2;
    expect(publishAll).toThrow('EIO');
    machine.giveUp();
    expect(publishAll).toThrow('EIO');
    machine.giveUp();
    publishAll();
    const found = machine.crash(() => true);
    expect(ids.map((id) => found.byte(id))).toEqual(ids);
  });

  it('gives the end of the file back when a chunk of it is free', () => {
    const machine = new Machine();
    const ids = publish(machine, ...Array.from({ length: 5_000 }, () => 1));
    machine.transaction(() => {
      for (const id of ids.slice(100)) machine.blocks.free(id);
    });
    expect([machine.slots.slotCount(), machine.ids()]).toEqual([100, ids.slice(0, 100)]);
  });

  it('takes no slot of a chunk whose bitmap is damaged, and leaves the bitmap alone', () => {
    const machine = new Machine();
    publish(machine, 1, 2);
    const key = recordKey('usedSlots', 0);
    const bad = new Uint8Array(machine.state.table('records').get(text(key)) ?? []);
    bad[3] = 0xff;
    machine.state.table('records').put(text(key), bad);
    const found = machine.crash();
    found.blocks.startPuts(3);
    const [id] = publish(found, 3);
    found.transaction(() => expect(found.blocks.free(1)).toBe(true));
    expect([id, found.byte(1), found.blocks.markedCount()]).toEqual([4_097, 1, undefined]);
    expect(found.state.table('records').get(text(key))).toEqual(bad);
  });

  it('reads its slots in the order of their ids, wherever they are asked for', async () => {
    const machine = new Machine();
    publish(machine, 5, 6, 7);
    await machine.blocks.prefetch([3, 1, 2, 900]);
    expect([3, 1].map((id) => machine.byte(id))).toEqual([7, 5]);
  });
});

describe('the record of used slots', () => {
  it('is a version, 512 bytes and a checksum', () => {
    const bitmap = new Uint8Array(512);
    bitmap[0] = 0x81;
    const value = packUsedSlots(bitmap);
    expect([value.length, value[0], value[1]]).toEqual([517, 1, 0x81]);
    expect(unpackUsedSlots(value)).toEqual(bitmap);
  });

  it.each<[string, (value: Uint8Array) => Uint8Array]>([
    ['a flipped bit', (value) => value.with(7, 1)],
    ['another size', (value) => value.slice(0, 300)],
  ])('is EIO with %s', (_what, change) => {
    expect(() => unpackUsedSlots(change(packUsedSlots(new Uint8Array(512))))).toThrow(/^EIO/);
  });
});

function text(key: Uint8Array): string {
  return Buffer.from(key).toString('latin1');
}

/** A random history beside plain maps of what must be there. */
class History {
  private machine = new Machine();
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
    expect(this.published).toBeGreaterThan(100);
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
    machine.transaction(() => {
      machine.blocks.sync();
      for (const id of kept) machine.blocks.keep(id);
      for (const id of [...freed, ...discarded]) expect(machine.blocks.free(id)).toBe(true);
    }, outcome);
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
