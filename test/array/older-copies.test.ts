/** A pool's directory is put back from a copy that was made earlier: in an earlier mount, or in the last one. */
import { beforeEach, describe, expect, it } from 'vitest';
import { checkStore } from '../../src/store/check.js';
import { recordKey } from '../../src/store/keys.js';
import { repeat } from '../support/factor.js';
import { RandomSource } from '../support/random-source.js';
import {
  bytes,
  openPair,
  PAIR,
  pairOf,
  quiet,
  resync,
  TRACKS,
  write,
} from './pair-pools-fixture.js';
import { PoolsFixture } from './pools-fixture.js';

describe('a pool put back from a copy that was made in the last mount', () => {
  let fixture: PoolsFixture;

  beforeEach(async () => {
    fixture = await PoolsFixture.open();
    await fixture.create('main', 'db');
    await fixture.create('mirror', 'copy');
    await fixture.fill('db', 1);
    await fixture.fill('copy', 2);
  });

  /** The mirror was written, and a copy is put back that is from before. */
  async function putBackOlder(end: 'kill' | 'unmount', writingMs: number): Promise<void> {
    await fixture.clock.drive(fixture.array.sync());
    const old = fixture.mirror.crash();
    for (let doneMs = 0; doneMs <= writingMs; doneMs += 5_000) {
      await fixture.fill('copy', 3);
      await fixture.clock.advance(5_000);
    }
    if (end === 'kill') fixture.crash();
    else await fixture.stop();
    fixture.putBack('mirror', old);
  }

  it.each([
    ['kill', 60_000],
    ['unmount', 0],
  ] as const)('is left out after a %s, and nothing is changed in it', async (end, writingMs) => {
    await putBackOlder(end, writingMs);
    const { blocks } = fixture.mirror;
    const stored = [...blocks.ids(1)];
    await fixture.mount('main');
    expect(fixture.volumes()).toEqual(['db normal', 'copy failed']);
    expect(fixture.array.pools()[1]).toMatchObject({
      state: 'missing',
      problem: 'it is an older copy (in /mirror)',
    });
    // Also by those that have not seen the newer one.
    await fixture.remount('main');
    expect(fixture.volumes()).toEqual(['db normal', 'copy failed']);
    expect([...blocks.ids(1)]).toEqual(stored);
  });

  it('that is given is used without the others, which know it to be older', async () => {
    await putBackOlder('unmount', 0);
    await fixture.mount('mirror');
    expect(fixture.array.pools()[0]).toMatchObject({
      state: 'missing',
      problem: 'it goes on from a newer state of pool mirror than that in /mirror (in /main)',
    });
    expect([fixture.volumes(), fixture.byte('copy')]).toEqual([['db failed', 'copy normal'], 2]);
  });

  it('is not what a repair has made that counts anew', async () => {
    await fixture.stop();
    fixture.mirror.put('records', recordKey('counters'), new Uint8Array(9));
    const repairing = { repair: true, onProgress: () => {} };
    const { findings } = await checkStore(fixture.mirror, repairing);
    expect(findings).toMatchObject([{ kind: 'damaged record', repaired: true }]);
    for (let mount = 0; mount < 2; mount += 1) {
      await fixture.mount('main');
      expect(fixture.volumes()).toEqual(['db normal', 'copy normal']);
      await fixture.stop();
    }
    expect(await fixture.findings()).toEqual([]);
  });

  it.each(Array.from({ length: repeat(20) }, (_, seed) => seed))(
    'is not seen where all were killed at one moment, seed %i',
    async (seed) => {
      const random = new RandomSource(seed);
      for (let kill = 0; kill < 3; kill += 1) {
        for (let write = random.integer(0, 3); write > 0; write -= 1) {
          await fixture.fill(random.chance(0.5) ? 'db' : 'copy', seed);
          await fixture.clock.advance(random.pick([1, 500, 2_000, 40_000]));
        }
        const underWay = random.chance(0.3) ? fixture.array.close() : fixture.array.sync();
        underWay.catch(() => undefined);
        for (let turn = random.integer(0, 60); turn > 0; turn -= 1) await Promise.resolve();
        await fixture.kill(random.chance(0.5) ? 'main' : 'mirror');
        expect(fixture.volumes().sort()).toEqual(['copy normal', 'db normal']);
      }
    },
  );

  it('does not make a pool that is idle publish without end', async () => {
    await fixture.clock.advance(100_000);
    const sequences = () => fixture.array.poolList.all.map(({ reached }) => reached);
    const before = sequences();
    await fixture.clock.advance(300_000);
    expect(sequences()).toEqual(before);
    await fixture.fill('copy', 4);
    await fixture.clock.advance(300_000);
    const [main = 0] = before;
    expect(sequences()[0]).toBeLessThanOrEqual(main + 1);
  });
});

describe('a pair whose pool is put back from an older copy', () => {
  it.each([
    ['mirror', 'main'],
    ['main', 'mirror'],
  ] as const)(
    'does not take a pool (%s) that is as it was earlier for its side',
    async (older, other) => {
      const fixture = await openPair();
      await fixture.stop();
      const old = older === 'main' ? fixture.main.crash() : fixture.mirror.crash();
      await fixture.mount();
      await write(fixture, 'db', 2, 1);
      await quiet(fixture);
      await fixture.stop();
      fixture.putBack(older, old);
      await fixture.mount(other);
      expect(pairOf(fixture).state).toBe('suspended');
      expect(pairOf(fixture).reason).toMatch(/older copy/);
      expect(await bytes(fixture, other === 'main' ? 'db' : 'copy')).toBe('1211');
    },
  );

  it.each([
    ['mirror', 'kill'],
    ['main', 'kill'],
    ['mirror', 'unmount'],
    ['main', 'unmount'],
  ] as const)(
    'leaves out a pool (%s) that was put back from a copy made in the same mount, after a %s',
    async (older, end) => {
      const fixture = await openPair();
      const old = older === 'main' ? fixture.main.crash() : fixture.mirror.crash();
      await write(fixture, 'db', 2, 1);
      await quiet(fixture);
      await fixture.clock.advance(2_000);
      if (end === 'kill') fixture.crash();
      else await fixture.stop();
      const newest = fixture.lose(older);
      fixture.putBack(older, old);
      await fixture.mount(older === 'main' ? 'mirror' : 'main');
      expect([pairOf(fixture).state, pairOf(fixture).reason]).toEqual([
        'suspended',
        `pool ${older}: it is an older copy (in /${older})`,
      ]);
      expect(await bytes(fixture, older === 'main' ? 'copy' : 'db')).toBe('1211');
      await fixture.stop();
      fixture.putBack(older, newest);
      await fixture.mount();
      expect(fixture.volumes()).toEqual(['db normal', 'copy normal']);
      await resync(fixture);
      expect(await bytes(fixture, 'copy')).toBe('1211');
    },
  );

  it.each([
    ['mirror', false],
    ['main', false],
    ['mirror', true],
    ['main', true],
  ] as const)(
    'does not trust a pool (%s) that only the log of the other knows to be older (read-only: %s)',
    async (older, readOnly) => {
      const fixture = await openPair();
      const { array, clock } = fixture;
      await clock.drive(array.sync());
      const old = older === 'main' ? fixture.main.crash() : fixture.mirror.crash();
      for (const pace of ['medium', 'slow', 'fast'] as const) {
        await clock.drive(array.setPairPace([PAIR], pace));
        await pairOf(fixture).persisted();
      }
      fixture.crash();
      fixture.putBack(older, old);
      await fixture.mount('main', { readOnly });
      const published = fixture.array.cache().publishedSequence;
      const { state, reason, unequalTracks } = pairOf(fixture);
      expect([state, unequalTracks]).toEqual(['suspended', TRACKS]);
      expect(reason).toMatch(`pool ${older} was put back from an older copy`);
      expect(await bytes(fixture, 'copy')).toBe('1111');
      if (!readOnly) return resync(fixture);
      await fixture.stop();
      expect(fixture.array.cache().publishedSequence).toBe(published);
    },
  );
});
