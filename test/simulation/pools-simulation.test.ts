/**
 * Three pools whose disks come and go, seeded: mounts from any of them with any others there, writes, new volumes,
 * kills. A pool that is there has what was last written to it; nobody gets a name or number twice.
 */
import { describe, expect, it } from 'vitest';
import type { MemoryStore } from '../../src/store/memory-store.js';
import { PoolsFixture } from '../array/pools-fixture.js';
import { repeat } from '../support/factor.js';
import { RandomSource } from '../support/random-source.js';

const POOLS = ['main', 'mirror', 'third'] as const;

class PoolsHistory {
  private fixture!: PoolsFixture;
  private readonly lost = new Map<string, MemoryStore>();
  /** By pool: its volumes by number, and the byte each is filled with. */
  private readonly content = new Map<string, Map<number, number>>(
    POOLS.map((name) => [name, new Map<number, number>()]),
  );
  private created = 0;

  constructor(
    private readonly random: RandomSource,
    /** Some pool that is there at every mount: then none ever goes on without all others. */
    private readonly anchor: string | undefined,
  ) {}

  async run(mounts: number): Promise<void> {
    this.fixture = await PoolsFixture.open();
    await this.fixture.add('third');
    for (let mount = 0; mount < mounts; mount += 1) {
      await this.work();
      await this.end();
      await this.begin();
      this.compare();
    }
    await this.fixture.stop();
    expect(await this.fixture.findings()).toEqual([]);
  }

  private async work(): Promise<void> {
    const { fixture, random } = this;
    const steps = random.integer(0, 5);
    for (let step = 0; step < steps; step += 1) {
      const working = POOLS.filter((name) => fixture.state(name) === 'normal');
      const pool = random.pick(working);
      const volumes = fixture.array.volumes().filter(({ poolName }) => poolName === pool);
      if (volumes.length === 0 || random.chance(0.4)) {
        this.created += 1;
        const name = `v${this.created}`;
        await fixture.create(pool, name);
        this.content.get(pool)?.set(fixture.array.volume(name).number, 0);
      } else {
        const { name, number } = random.pick([...volumes]);
        const byte = random.integer(1, 255);
        await fixture.fill(name, byte);
        this.content.get(pool)?.set(number, byte);
      }
    }
  }

  /** A stop or a kill; then some disks come back and others go. */
  private async end(): Promise<void> {
    const { fixture, random, lost } = this;
    if (random.chance(0.5)) await fixture.stop();
    else fixture.crash();
    for (const [name, store] of lost) fixture.putBack(name, store);
    lost.clear();
    for (const name of POOLS) {
      const isLast = lost.size === POOLS.length - 1;
      if (name === this.anchor || isLast || random.chance(0.6)) continue;
      lost.set(name, fixture.lose(name));
    }
  }

  private async begin(): Promise<void> {
    const there = POOLS.filter((name) => !this.lost.has(name));
    const given = this.random.pick(there);
    const without = there.filter((name) => name !== given && this.isLeftOut(name));
    await this.fixture.mount(given, { without });
    if (this.anchor === undefined) return;
    for (const name of there) {
      const expected = without.includes(name) ? 'missing' : 'normal';
      expect([name, this.fixture.state(name)]).toEqual([name, expected]);
    }
  }

  private isLeftOut(name: string): boolean {
    return name !== this.anchor && this.random.chance(0.1);
  }

  private compare(): void {
    const { array } = this.fixture;
    const volumes = array.volumes();
    expect(new Set(volumes.map(({ name }) => name)).size).toBe(volumes.length);
    expect(new Set(volumes.map(({ number }) => number)).size).toBe(volumes.length);
    for (const pool of POOLS) {
      if (this.fixture.state(pool) !== 'normal') continue;
      const found = volumes
        .filter(({ poolName }) => poolName === pool)
        .map(({ name, number }) => [number, this.fixture.byte(name)]);
      expect(Object.fromEntries(found)).toEqual(Object.fromEntries(this.content.get(pool) ?? []));
    }
  }
}

describe('pools that come and go', () => {
  it.each(Array.from({ length: repeat(8) }, (_, index) => index + 1))(
    'belong together as long as one of them is always there: seed %i',
    async (seed) => {
      await new PoolsHistory(new RandomSource(seed), POOLS[seed % 3]).run(12);
    },
  );

  it.each(Array.from({ length: repeat(8) }, (_, index) => index + 1))(
    'have what was written to them, also where they have gone apart: seed %i',
    async (seed) => {
      await new PoolsHistory(new RandomSource(1_000 + seed), undefined).run(12);
    },
  );
});
