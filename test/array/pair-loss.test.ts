/** A side is lost, late or full: its pair is suspended and says why, the other side goes on, and a resync makes both equal. */
import { describe, expect, it } from 'vitest';
import { ArrayError } from '../../src/base/errors.js';
import { PAIR, PairsFixture } from './pairs-fixture.js';

const ALL = [0, 1, 2, 3, 4, 5, 6, 7];
const FAILURE = new ArrayError('EIO', 'the disk is gone');
const FULL = new ArrayError('ENOSPC', 'the disk is full');

type PoolName = 'main' | 'mirror';

/** Lets a pool fail, and be noticed by a change there. */
async function lose(fixture: PairsFixture, pool: PoolName, failure = FAILURE): Promise<void> {
  fixture[pool].failTransactionAfter(0, failure);
  const volume = fixture.array.volume(pool === 'main' ? 'db' : 'copy');
  fixture.array.setLabel(volume, 'changed').catch(() => undefined);
  for (let turn = 0; !fixture.pair.state.startsWith('suspended'); turn += 1) {
    expect(turn).toBeLessThan(1_000);
    await fixture.clock.advance(10);
  }
}

async function works(fixture: PairsFixture, pool: PoolName): Promise<void> {
  fixture[pool].failTransactionAfter(undefined);
  while (fixture.array.poolList.named(pool).failure !== undefined) await fixture.clock.advance(100);
}

async function equalAfterResync(
  fixture: PairsFixture,
  direction: 'resync' | 'reverse',
): Promise<void> {
  await fixture.do(direction);
  await fixture.until('duplex');
  await fixture.quiet();
  expect((await fixture.content('copy')).equals(await fixture.content('db'))).toBe(true);
}

/** A pair that is split, with changes on both sides. */
async function splitPair(): Promise<PairsFixture> {
  const fixture = await PairsFixture.open(2);
  await fixture.write('db', 1, ALL);
  await fixture.create();
  await fixture.until('duplex');
  await fixture.do('split');
  await fixture.until('split');
  await fixture.drive(fixture.pairing.setPairPace([PAIR], 'slow'));
  await fixture.write('db', 2, [0, 1, 2]);
  await fixture.write('copy', 3, [2, 3]);
  await fixture.drive(fixture.array.sync());
  return fixture;
}

const OLD_COPY = [1, 1, 3, 3, 1, 1, 1, 1];

describe('a pair that loses a pool', () => {
  it.each(['main', 'mirror'] as const)(
    'in duplex (%s) is suspended, and the other side goes on',
    async (pool) => {
      const fixture = await PairsFixture.open(2);
      await fixture.duplex();
      const before = await fixture.bytes('copy');
      await lose(fixture, pool);
      const { state, reason } = fixture.pair;
      expect([state, reason]).toEqual(['suspended', `pool ${pool}: the disk is gone`]);
      expect(await fixture.bytes('copy')).toEqual(before);
      if (pool === 'mirror') await fixture.write('db', 5, [5]);
      await works(fixture, pool);
      await equalAfterResync(fixture, 'resync');
    },
  );

  it('in mid-resync without the source goes back to what the secondary was', async () => {
    const fixture = await splitPair();
    await fixture.do('resync');
    while (fixture.pair.pendingTracks > 2) await fixture.clock.advance(10);
    await lose(fixture, 'main');
    expect(fixture.pair.state).toBe('suspended');
    expect(await fixture.bytes('copy')).toEqual(OLD_COPY);
    // The next attempt to store it where the primary is fails, too.
    await fixture.clock.advance(2_000);
    await fixture.kill();
    expect(fixture.pair.state).toBe('suspended');
    expect(await fixture.bytes('copy')).toEqual(OLD_COPY);
    await equalAfterResync(fixture, 'resync');
  });

  it('in mid-resync without the target keeps the source, and the target is what it was', async () => {
    const fixture = await splitPair();
    await fixture.do('resync');
    while (fixture.pair.pendingTracks > 2) await fixture.clock.advance(10);
    await lose(fixture, 'mirror');
    expect(fixture.pair.state).toBe('suspended');
    await works(fixture, 'mirror');
    expect(await fixture.bytes('copy')).toEqual(OLD_COPY);
    expect(await fixture.bytes('db')).toEqual([2, 2, 2, 1, 1, 1, 1, 1]);
    await equalAfterResync(fixture, 'resync');
  });

  it('in mid-reverse-resync without the source goes back to what the primary was', async () => {
    const fixture = await splitPair();
    const before = await fixture.bytes('db');
    await fixture.do('reverse');
    expect(await fixture.bytes('db')).toEqual(OLD_COPY);
    while (fixture.pair.pendingTracks > 2) await fixture.clock.advance(10);
    await lose(fixture, 'mirror');
    expect(fixture.pair.state).toBe('suspended');
    expect(await fixture.bytes('db')).toEqual(before);
    await works(fixture, 'mirror');
    await equalAfterResync(fixture, 'reverse');
  });

  it.each(['main', 'mirror'] as const)(
    'when it is split (%s): its secondary goes on taking writes where it can, also after a mount',
    async (pool) => {
      const fixture = await splitPair();
      await lose(fixture, pool);
      expect(fixture.pair.state).toBe('suspended');
      if (pool === 'main') {
        await fixture.write('copy', 6, [6]);
        await fixture.sync('copy');
        await fixture.kill();
        await fixture.write('copy', 7, [7]);
        expect(await fixture.bytes('copy')).toEqual([1, 1, 3, 3, 1, 1, 6, 7]);
      } else await works(fixture, pool);
      await equalAfterResync(fixture, 'resync');
    },
  );

  it.each([
    ['full', FULL],
    ['broken', FAILURE],
  ])('says that it is the primary whose disk is %s', async (_what, failure) => {
    const fixture = await PairsFixture.open(2);
    await fixture.duplex();
    fixture.main.failTransactionAfter(0, failure);
    await fixture.write('db', 3, [3]);
    while (fixture.pair.state === 'duplex') await fixture.clock.advance(100);
    fixture.main.failTransactionAfter(undefined);
    await fixture.clock.advance(3_000);
    const [event] = fixture.array.recentEvents(20).filter(({ code }) => code === 'PAIR-SUSPENDED');
    expect(event?.message).toMatch(/^the primary is lost/);
  });

  it('keeps the reason of its suspension when a turn of copying ends later', async () => {
    const fixture = await splitPair();
    await fixture.do('resync');
    await fixture.clock.advance(10);
    const suspending = fixture.give('suspend');
    await fixture.drive(suspending);
    await fixture.clock.advance(5_000);
    expect([fixture.pair.state, fixture.pair.reason]).toEqual(['suspended-partial', 'by command']);
  });

  it('can be closed while a copy waits for a pool that fails', async () => {
    // More than the write cache of the secondary's pool takes.
    const fixture = await PairsFixture.open(2, 200);
    await fixture.write(
      'db',
      1,
      Array.from({ length: 200 }, (_, track) => track),
      0,
      65_536,
    );
    await fixture.drive(fixture.array.sync());
    await fixture.create();
    fixture.mirror.failTransactionAfter(0, FAILURE);
    await fixture.clock.advance(5_000);
    expect(await fixture.endsWithin(60_000)).toBe(true);
  });
});

describe('a full pool of the secondary', () => {
  it('suspends the first copy, which goes on by a resync when there is room', async () => {
    const fixture = await PairsFixture.open(2);
    await fixture.write('db', 1, ALL, 0, 65_536);
    fixture.mirror.hostFree = 0;
    await fixture.create();
    await fixture.until('suspended-partial');
    expect(fixture.pair.reason).not.toBe('');
    await fixture.write('db', 2, [1]);
    fixture.mirror.hostFree = Number.POSITIVE_INFINITY;
    await equalAfterResync(fixture, 'resync');
  });

  it('suspends updates: the secondary stays the primary of a moment ago', async () => {
    const fixture = await PairsFixture.open(2);
    await fixture.duplex();
    const moments = [await fixture.content('db')];
    fixture.mirror.hostFree = 0;
    for (const track of ALL) {
      await fixture.write('db', 2, [track], 0, 65_536);
      moments.push(await fixture.content('db'));
    }
    await fixture.until('suspended');
    const shown = await fixture.content('copy');
    expect(moments.some((moment) => moment.equals(shown))).toBe(true);
    fixture.mirror.hostFree = Number.POSITIVE_INFINITY;
    await equalAfterResync(fixture, 'resync');
  });

  it('holds up a split, which says why, still shows the instant, and ends when there is room', async () => {
    const fixture = await PairsFixture.open(2, 100);
    await fixture.write(
      'db',
      1,
      Array.from({ length: 100 }, (_, track) => track),
      0,
      65_536,
    );
    await fixture.create({ pace: 'slow' });
    const instant = await fixture.content('db');
    await fixture.do('split');
    fixture.mirror.hostFree = 0;
    await fixture.write('db', 2, ALL);
    for (let turn = 0; fixture.pair.reason === ''; turn += 1) {
      expect(turn).toBeLessThan(1_000);
      await fixture.clock.advance(100);
    }
    expect(fixture.pair.state).toBe('split-pending');
    expect((await fixture.content('copy')).equals(instant)).toBe(true);
    fixture.mirror.hostFree = Number.POSITIVE_INFINITY;
    await fixture.until('split');
    expect((await fixture.content('copy')).equals(instant)).toBe(true);
    expect(fixture.pair.reason).toBe('');
  });
});

describe('a pair with sync=yes', () => {
  it('equals the last fsync when the primary is lost and the daemon killed', async () => {
    const fixture = await PairsFixture.open(2);
    await fixture.duplex({ sync: true });
    await fixture.write('db', 6, [2]);
    await fixture.sync('db');
    await fixture.kill();
    // Nothing was written since: the update is whole, and is not taken back.
    fixture.main.failTransactionAfter(0, FAILURE);
    await lose(fixture, 'main');
    expect(await fixture.bytes('copy')).toEqual([1, 1, 6, 1, 1, 0, 0, 0]);
  });

  it('is suspended when its secondary holds up fsync for 5 s, and fsync answers', async () => {
    const fixture = await PairsFixture.open(2);
    await fixture.duplex({ sync: true });
    fixture.mirror.run = () => new Promise(() => {});
    await fixture.write('db', 6, [2]);
    const startMs = fixture.clock.nowMs();
    await fixture.sync('db');
    expect(fixture.clock.nowMs() - startMs).toBeGreaterThanOrEqual(5_000);
    expect(fixture.clock.nowMs() - startMs).toBeLessThan(5_100);
    expect(fixture.pair.state).toBe('suspended');
    expect(fixture.pair.reason).toMatch(/held up fsync/);
    expect(await fixture.bytes('copy')).toEqual([1, 1, 1, 1, 1, 0, 0, 0]);
  });

  it('does not hold up fsync when its secondary fails', async () => {
    const fixture = await PairsFixture.open(2);
    await fixture.duplex({ sync: true });
    fixture.mirror.failTransactionAfter(0, FAILURE);
    await fixture.write('db', 6, [2]);
    const startMs = fixture.clock.nowMs();
    await fixture.sync('db');
    expect(fixture.clock.nowMs() - startMs).toBeLessThan(5_100);
    expect(fixture.pair.state).toBe('suspended');
  });
});
