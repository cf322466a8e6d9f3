/**
 * Pairs across a mount without the pool of one side, which comes back as it was left: what was promised of the
 * secondary waits and is kept, and no difference is forgotten.
 */
import { describe, expect, it } from 'vitest';
import { TRACK_BYTES } from '../../src/base/sizes.js';
import {
  bytes,
  openPair,
  PAIR,
  pairOf,
  resync,
  TRACKS,
  until,
  write,
} from './pair-pools-fixture.js';
import type { PoolsFixture } from './pools-fixture.js';

type PoolName = 'main' | 'mirror';
const OTHER = { main: 'mirror', mirror: 'main' } as const;

/** Two tracks of the split of `2222` are copied, two are not. */
async function splitHalf(): Promise<PoolsFixture> {
  const fixture = await openPair();
  const { array, clock } = fixture;
  await clock.drive(array.setPairPace([PAIR], 'slow'));
  const image = array.openImage(array.volume('db'), { write: true });
  await clock.drive(Promise.resolve(image.write(0, Buffer.alloc(TRACKS * TRACK_BYTES, 2))));
  image.close();
  await clock.drive(array.splitPairs([PAIR], {}));
  while (pairOf(fixture).pendingTracks > 2) await clock.advance(1);
  await clock.drive(array.sync());
  expect([pairOf(fixture).state, pairOf(fixture).pendingTracks]).toEqual(['split-pending', 2]);
  return fixture;
}

async function mountWithout(fixture: PoolsFixture, pool: PoolName): Promise<void> {
  await fixture.remount(OTHER[pool], { without: [pool] });
}

/** First byte of each track, `-` where it cannot be read. */
async function readable(fixture: PoolsFixture, name: string): Promise<string> {
  const { array, clock } = fixture;
  const image = array.openImage(array.volume(name), { write: false });
  let shown = '';
  for (let track = 0; track < TRACKS; track += 1) {
    const target = Buffer.alloc(1);
    const reading = Promise.resolve().then(() => image.read(track * TRACK_BYTES, target));
    shown += await clock.drive(
      reading.then(
        () => `${target[0]}`,
        () => '-',
      ),
    );
  }
  image.close();
  return shown;
}

function told({ array }: PoolsFixture, code: string): string[] {
  return array.recentEvents(1e4).flatMap((event) => (event.code === code ? [event.message] : []));
}

describe('a pair that is split-pending', () => {
  it('without the pool of its primary waits for it, and says so', async () => {
    const fixture = await splitHalf();
    await mountWithout(fixture, 'main');
    await fixture.clock.advance(5_000);
    const { state, reason, pendingTracks } = pairOf(fixture);
    expect([state, pendingTracks]).toEqual(['split-pending', 2]);
    expect(reason).toBe('pool main: left out by --without');
    expect(told(fixture, 'PAIR-WAITS')).toEqual([
      `copying goes on when the primary is there again: ${reason}`,
    ]);
    expect(await readable(fixture, 'copy')).toBe('22--');
  });

  it('keeps what is written to its secondary meanwhile, and is completed as of the split', async () => {
    const fixture = await splitHalf();
    await write(fixture, 'copy', 5, 3);
    await mountWithout(fixture, 'main');
    await write(fixture, 'copy', 6, 0);
    expect(await fixture.refusal(() => write(fixture, 'copy', 7, 2))).toBe('EIO');
    // Its source may be away for several mounts.
    fixture.crash();
    await fixture.mount('mirror', { without: ['main'] });
    expect(await readable(fixture, 'copy')).toBe('62-5');
    await fixture.remount();
    expect([pairOf(fixture).state, pairOf(fixture).reason]).toEqual(['split-pending', '']);
    await write(fixture, 'db', 9, 2);
    expect(await bytes(fixture, 'copy')).toBe('6225');
    await until(fixture, 'split');
    expect(await bytes(fixture, 'copy')).toBe('6225');
    await resync(fixture);
    expect(await bytes(fixture, 'db')).toBe('2292');
    expect(await fixture.findings()).toEqual([]);
  });

  it('without the directory of the pool of its secondary waits, while its primary is written', async () => {
    const fixture = await splitHalf();
    await write(fixture, 'copy', 5, 3);
    await fixture.stop();
    const mirror = fixture.lose('mirror');
    await fixture.mount();
    await write(fixture, 'db', 8, 1, 2);
    await fixture.clock.advance(5_000);
    expect([pairOf(fixture).state, pairOf(fixture).reason]).toEqual([
      'split-pending',
      'pool mirror: /mirror does not exist',
    ]);
    // How much of it was copied is not known here.
    expect([pairOf(fixture).pendingTracks, pairOf(fixture).unequalTracks]).toEqual([4, 4]);
    fixture.crash();
    fixture.putBack('mirror', mirror);
    await fixture.mount();
    await until(fixture, 'split');
    expect([await bytes(fixture, 'db'), await bytes(fixture, 'copy')]).toEqual(['2882', '2225']);
    await resync(fixture);
    expect(await bytes(fixture, 'copy')).toBe('2882');
  });

  it('cannot be finished without one of its pools: only given up', async () => {
    const fixture = await splitHalf();
    await mountWithout(fixture, 'main');
    const end = (now: boolean) => fixture.array.deletePairs([PAIR], { now });
    await expect(fixture.clock.drive(end(false))).rejects.toMatchObject({
      code: 'EIO',
      reason: expect.stringMatching(
        /^pair db:copy has to be copied first, and pool main is missing: left out.*now=yes/,
      ),
    });
    expect(pairOf(fixture).state).toBe('split-pending');
    expect(await fixture.refusal(() => resync(fixture))).toBe('EIO');
    await fixture.clock.drive(end(true));
    expect(fixture.array.volume('copy').failure).toMatch(/half a copy/);
    await fixture.remount();
    expect([fixture.array.pairs(), fixture.volumes()]).toEqual([[], ['db normal', 'copy failed']]);
  });

  it('is suspended where the pool that returns was changed elsewhere', async () => {
    const fixture = await splitHalf();
    await mountWithout(fixture, 'main');
    await mountWithout(fixture, 'mirror');
    await fixture.remount('mirror');
    expect([pairOf(fixture).state, pairOf(fixture).reason]).toEqual([
      'suspended-partial',
      'pool main: it was changed elsewhere (in /main)',
    ]);
  });
});

describe('a copy that was promised', () => {
  it.each(['main', 'mirror'] as const)(
    'before the end of the pair is done when its pool (%s) is there again',
    async (pool) => {
      const fixture = await splitHalf();
      await fixture.clock.drive(fixture.array.deletePairs([PAIR], { now: false }));
      await mountWithout(fixture, pool);
      await fixture.clock.advance(5_000);
      expect(pairOf(fixture).state).toBe('finishing');
      await fixture.remount();
      for (let turn = 0; fixture.array.pairs().length > 0; turn += 1) {
        expect(turn).toBeLessThan(1_000);
        await fixture.clock.advance(10);
      }
      expect(await bytes(fixture, 'copy')).toBe('2222');
    },
  );

  it('to the primary goes on with what hosts wrote there, after a mount without it', async () => {
    const fixture = await splitHalf();
    await until(fixture, 'split');
    await write(fixture, 'copy', 5, 0, 1, 2);
    const options = { direction: 'reverse', pace: 'slow', force: false } as const;
    await fixture.clock.drive(fixture.array.resyncPairs([PAIR], options));
    while (pairOf(fixture).pendingTracks > 2) await fixture.clock.advance(1);
    await write(fixture, 'db', 7, 0);
    await mountWithout(fixture, 'main');
    expect([pairOf(fixture).state, await bytes(fixture, 'copy')]).toEqual([
      'reverse-resync',
      '5552',
    ]);
    await fixture.remount();
    await until(fixture, 'duplex');
    expect(await bytes(fixture, 'db')).toBe('7552');
  });
});

describe('a pool that did not hear of the last update before its daemon was killed', () => {
  /** Track 1 and then, in the next round, track 2 are written; the record of that round is in main alone. */
  async function behind(): Promise<PoolsFixture> {
    const fixture = await openPair();
    await fixture.clock.advance(2_000);
    fixture.mirror.run = () => new Promise(() => {});
    fixture.mirror.log.pause = () => new Promise(() => {});
    const { round } = pairOf(fixture);
    await write(fixture, 'db', 3, 1);
    while (pairOf(fixture).round === round) await fixture.clock.advance(10);
    await write(fixture, 'db', 4, 2);
    fixture.crash();
    return fixture;
  }

  it.each(['main', 'mirror'] as const)(
    'and a mount without %s forgets no difference',
    async (pool) => {
      const fixture = await behind();
      await fixture.mount(OTHER[pool], { without: [pool] });
      await fixture.clock.advance(1_000);
      await fixture.remount();
      await resync(fixture);
      expect(await bytes(fixture, 'copy')).toBe('1341');
    },
  );
});
