/** Destage: group commit, order, failures that are told and tried again, trims when idle. */
import { beforeEach, describe, expect, it } from 'vitest';
import { ArrayError } from '../../src/base/errors.js';
import { DIRTY_AGE_MS_MAX } from '../../src/base/limits.js';
import { recordKey } from '../../src/store/keys.js';
import { MemoryStore } from '../../src/store/memory-store.js';
import { newIdentity, writeIdentity } from '../../src/store/pool-files.js';
import type { StoreTask, StoreTaskResult } from '../../src/store/tasks.js';
import type { Lineage } from '../../src/volume/lineage.js';
import { ManualClock } from '../support/manual-clock.js';
import { PoolFixture } from './pool-fixture.js';

/** Runs tasks only as far as it is let, and remembers them. */
class GatedStore extends MemoryStore {
  readonly tasks: StoreTask[] = [];
  private gate: Promise<void> = Promise.resolve();
  private open: () => void = () => {};
  private held: StoreTask['kind'] = 'publish';

  /** Tasks of this kind wait until `release`, and all behind them. */
  hold(kind: StoreTask['kind'] = 'publish'): void {
    this.held = kind;
    this.gate = new Promise((resolve) => {
      this.open = resolve;
    });
  }

  release(): void {
    this.open();
  }

  override async run<T extends StoreTask>(task: T): Promise<StoreTaskResult<T>> {
    this.tasks.push(task);
    if (task.kind === this.held) await this.gate;
    return super.run(task);
  }

  get kinds(): string[] {
    return this.tasks.map((task) => task.kind);
  }
}

/** Tasks that publish one generation. */
const ONE_PUBLISH = ['storeBlocks', 'publish'];

let clock: ManualClock;
let store: GatedStore;
let pool: PoolFixture;
let head: Lineage;
beforeEach(async () => {
  clock = new ManualClock();
  store = new GatedStore();
  writeIdentity(store, newIdentity({ capacityBytes: 2 ** 40, blocks: 'lmdb' }, clock));
  pool = await PoolFixture.open({ clock, store });
  head = pool.head();
  pool.write(head, 0, 1);
  await pool.settle();
  store.tasks.length = 0;
});

/** Says which of some promises have settled, and how. */
function watch(...promises: Promise<void>[]): string[] {
  const states = promises.map(() => 'waiting');
  for (const [index, promise] of promises.entries()) {
    promise.then(
      () => {
        states[index] = 'done';
      },
      (error: unknown) => {
        states[index] = (error as ArrayError).code;
      },
    );
  }
  return states;
}

describe('durable', () => {
  it('publishes nothing where nothing was written', async () => {
    await pool.content.durable();
    expect(store.tasks).toEqual([]);
  });

  it('that comes twice during one publish shares the next', async () => {
    store.hold();
    pool.write(head, 0, 2);
    const first = pool.content.durable();
    await clock.yield();
    pool.write(head, 0, 3);
    const second = pool.content.durable();
    pool.write(head, 1, 4);
    const third = pool.content.durable();
    const states = watch(first, second, third);
    await clock.yield();
    expect([store.kinds, states]).toEqual([ONE_PUBLISH, ['waiting', 'waiting', 'waiting']]);
    store.release();
    await Promise.all([first, second, third]);
    expect(store.kinds).toEqual([...ONE_PUBLISH, ...ONE_PUBLISH]);
  });

  it('waits for the generation being published where nothing is newer', async () => {
    store.hold();
    pool.write(head, 0, 2);
    const states = watch(pool.content.durable());
    await clock.yield();
    const later = watch(pool.content.durable());
    await clock.yield();
    expect([...states, ...later]).toEqual(['waiting', 'waiting']);
    store.release();
    await clock.yield();
    expect([...states, ...later, store.kinds]).toEqual(['done', 'done', ONE_PUBLISH]);
  });

  it('holds what a kill leaves once it has resolved', async () => {
    pool.write(head, 0, 9);
    await pool.content.durable();
    expect(pool.bytes(await pool.remount(head), 1)).toEqual([9]);
  });
});

describe('generations', () => {
  it('that nobody waits for are stored in the order of their cuts, and published together', async () => {
    for (const byte of [2, 3, 4]) {
      pool.write(head, 0, byte);
      pool.head({ lineage: head, epoch: head.epoch });
      head.epoch += 1;
    }
    await clock.yield();
    expect(store.kinds).toEqual([]);
    await pool.drive(pool.content.durable());
    expect(store.kinds).toEqual(['storeBlocks', 'storeBlocks', 'storeBlocks', 'publish']);
    const steps = store.tasks.flatMap((task) => (task.kind === 'publish' ? task.steps : []));
    const layers = steps.filter(({ kind }) => kind === 'layer');
    expect(layers).toMatchObject([{ epoch: 1 }, { epoch: 2 }, { epoch: 3 }]);
  });

  it('that somebody waits for are published one after the other', async () => {
    store.hold();
    const waits: Promise<void>[] = [];
    for (const byte of [2, 3, 4]) {
      pool.write(head, 0, byte);
      waits.push(pool.content.durable());
      await clock.yield();
      store.release();
      await clock.yield();
    }
    await Promise.all(waits);
    const sequences = store.tasks.flatMap((task) => (task.kind === 'publish' ? task.sequence : []));
    expect(sequences.length).toBe(3);
    expect(sequences).toEqual([...sequences].sort((a, b) => a - b));
  });

  it('are published by themselves when they have their age', async () => {
    pool.write(head, 0, 2);
    await clock.advance(DIRTY_AGE_MS_MAX - 1);
    expect(store.kinds).toEqual([]);
    await clock.advance(1);
    expect(store.kinds).toEqual(ONE_PUBLISH);
  });

  it('are stored by themselves when more than half of the cache is filled', async () => {
    pool.write(head, 0, 2, 64);
    pool.write(head, 64, 2, 64);
    await clock.yield();
    expect(store.kinds).toEqual([]);
    pool.write(head, 128, 2, 64);
    await clock.yield();
    expect(store.kinds).toEqual(['storeBlocks']);
    expect(pool.content.cache.memory.isFilling).toBe(false);
    await clock.advance(DIRTY_AGE_MS_MAX);
    expect(store.kinds.at(-1)).toBe('publish');
    expect(pool.content.cache.memory.usedBytes).toBe(0);
  });

  it('carry records that changed without a write', async () => {
    pool.content.change(recordKey('job', 5), Uint8Array.of(1));
    await pool.content.durable();
    expect(pool.hasRecord('job', 5)).toBe(true);
  });
});

describe('a publish that fails', () => {
  const full = new ArrayError('ENOSPC', 'the disk is full');

  it('is told to everybody waiting, of this and the next generation', async () => {
    store.hold('storeBlocks');
    store.failTransactionAfter(0, full);
    pool.write(head, 0, 2);
    const first = pool.content.durable();
    await clock.yield();
    pool.write(head, 0, 3);
    const states = watch(first, pool.content.durable());
    store.release();
    await clock.yield();
    expect([states, pool.failures]).toEqual([['ENOSPC', 'ENOSPC'], ['ENOSPC']]);
  });

  it('is told where the blocks were stored before', async () => {
    pool.write(head, 0, 2);
    // One transaction stores the block, the next publishes.
    store.failTransactionAfter(1, full);
    const states = watch(pool.content.durable());
    await clock.yield();
    expect([states, store.kinds, pool.failures]).toEqual([['ENOSPC'], ONE_PUBLISH, ['ENOSPC']]);
    store.failTransactionAfter(undefined);
    await clock.advance(1_000);
    expect([store.kinds, pool.failures]).toEqual([
      [...ONE_PUBLISH, 'publish'],
      ['ENOSPC', 'works'],
    ]);
  });

  it('is tried again, with all that was accepted', async () => {
    store.failTransactionAfter(0, full);
    pool.write(head, 0, 2);
    await expect(pool.content.durable()).rejects.toMatchObject({ code: 'ENOSPC' });
    pool.write(head, 1, 3);
    expect(pool.bytes(head, 2)).toEqual([2, 3]);
    store.failTransactionAfter(undefined);
    await clock.advance(1_000);
    await pool.drive(pool.content.durable());
    expect(pool.failures).toEqual(['ENOSPC', 'works']);
    expect(pool.bytes(await pool.remount(head), 2)).toEqual([2, 3]);
  });

  it('is tried again a second later, not at once', async () => {
    store.failTransactionAfter(0, full);
    pool.write(head, 0, 2);
    await expect(pool.content.durable()).rejects.toThrow();
    await clock.advance(999);
    expect(store.kinds).toEqual(['storeBlocks']);
    await clock.advance(1);
    expect(store.kinds).toEqual(['storeBlocks', 'storeBlocks']);
  });

  it('lets close reject, but close the store', async () => {
    store.failTransactionAfter(0, full);
    pool.write(head, 0, 2);
    let closed = false;
    store.close = async () => {
      closed = true;
    };
    await expect(pool.drive(pool.content.close())).rejects.toMatchObject({ code: 'ENOSPC' });
    expect(closed).toBe(true);
  });
});

describe('trim', () => {
  it('frees what was replaced when the pool is idle', async () => {
    pool.write(head, 0, 2);
    await pool.content.durable();
    expect(pool.storedBlocks).toBe(2);
    await clock.advance(199);
    expect(store.kinds).toEqual(ONE_PUBLISH);
    await clock.advance(1);
    expect([store.kinds, pool.storedBlocks]).toEqual([[...ONE_PUBLISH, 'trim'], 1]);
  });

  it('waits while generations follow one another', async () => {
    for (const byte of [2, 3, 4]) {
      pool.write(head, 0, byte);
      await pool.content.durable();
      await clock.advance(150);
    }
    const threePublishes = [...ONE_PUBLISH, ...ONE_PUBLISH, ...ONE_PUBLISH];
    expect(store.kinds).toEqual(threePublishes);
    await clock.advance(50);
    expect(store.kinds).toEqual([...threePublishes, 'trim']);
  });

  it('is done before the pool closes', async () => {
    pool.write(head, 0, 2);
    await pool.drive(pool.content.close());
    expect([store.kinds, [...store.blocks.ids(1)].length]).toEqual([[...ONE_PUBLISH, 'trim'], 1]);
  });
});
