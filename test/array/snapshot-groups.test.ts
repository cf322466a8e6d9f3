/** Group snapshots over two pools, killed at any moment: all of them are there or none, and of one instant. */
import { describe, expect, it } from 'vitest';
import { BLOCK_BYTES } from '../../src/base/sizes.js';
import { repeat } from '../support/factor.js';
import { RandomSource } from '../support/random-source.js';
import { PoolsFixture } from './pools-fixture.js';

/** Writes of the logs take a while, each pool's as long as it likes. */
function slowDown(fixture: PoolsFixture, random: RandomSource): void {
  for (const store of [fixture.main, fixture.mirror]) {
    store.log.pause = () => ticks(random.integer(0, 20));
  }
}

async function ticks(count: number): Promise<void> {
  for (let tick = 0; tick < count; tick += 1) await Promise.resolve();
}

/** Writes and syncs, with nobody who waits. */
async function overwrite({ array }: PoolsFixture, name: string): Promise<void> {
  const image = array.openImage(array.volume(name), { write: true });
  await image.write(0, new Uint8Array(BLOCK_BYTES).fill(2));
  await image.sync();
}

describe('a group snapshot over two pools', () => {
  it('is in both pools or in none after a kill at any moment', async () => {
    const seen = new Set<string>();
    for (let seed = 1; seed <= repeat(60); seed += 1) {
      const random = new RandomSource(seed);
      const fixture = await PoolsFixture.open();
      await fixture.create('main', 'db');
      await fixture.create('mirror', 'log');
      await fixture.fill('db', 1);
      await fixture.fill('log', 1);
      slowDown(fixture, random);
      let answered = false;
      const taken = fixture.array.takeSnapshots(['db', 'log'], { name: 's' }).then(() => {
        answered = true;
      });
      const written = ['log', 'db'].map((name) => overwrite(fixture, name));
      await Promise.race([taken, ticks(random.integer(0, 150))]);
      const wasAnswered = answered;
      for (const work of [taken, ...written]) work.catch(() => undefined);
      await fixture.kill(random.pick(['main', 'mirror']));
      const volumes = ['db', 'log'].map((name) => fixture.array.volume(name));
      const counts = volumes.map(({ snapshots }) => snapshots.length);
      expect(counts[0], `seed ${seed}`).toBe(counts[1]);
      if (wasAnswered) expect(counts, `seed ${seed}`).toEqual([1, 1]);
      if (counts[0] === 1) {
        expect([fixture.byte('db@s'), fixture.byte('log@s')], `seed ${seed}`).toEqual([1, 1]);
      }
      seen.add(`${counts[0]} ${wasAnswered}`);
      expect(await fixture.findings(), `seed ${seed}`).toEqual([]);
    }
    // Killed before anything was there, in between, and after the answer.
    expect([...seen].sort()).toEqual(['0 false', '1 false', '1 true']);
  });

  it('stays when the answer was given and one of it is deleted', async () => {
    const fixture = await PoolsFixture.open();
    await fixture.create('main', 'db');
    await fixture.create('mirror', 'log');
    await fixture.clock.drive(fixture.array.takeSnapshots(['db', 'log'], { name: 's' }));
    await fixture.clock.drive(fixture.array.deleteSnapshot('log', 's', { force: false }));
    await fixture.kill();
    expect(fixture.array.volume('db').snapshots.map(({ name }) => name)).toEqual(['s']);
    expect(fixture.array.volume('log').snapshots).toEqual([]);
  });

  it('is kept where the pool of another of its snapshots is missing', async () => {
    const fixture = await PoolsFixture.open();
    await fixture.create('main', 'db');
    await fixture.create('mirror', 'log');
    const taken = fixture.array.takeSnapshots(['db', 'log'], { name: 's' });
    taken.catch(() => undefined);
    // Both logs have it; that both have it, none has been told.
    await ticks(12);
    fixture.crash();
    fixture.lose('mirror');
    await fixture.mount('main');
    const { snapshots } = fixture.array.volume('db');
    expect(snapshots.length).toBeLessThanOrEqual(1);
    await fixture.remount('main');
    expect(fixture.array.volume('db').snapshots.length).toBe(snapshots.length);
  });
});
