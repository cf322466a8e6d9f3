/** A pair that cannot go on: it says why and since when, lets others work, and goes on or is ended. */
import { describe, expect, it } from 'vitest';
import { ArrayError } from '../../src/base/errors.js';
import { PAIR, PairsFixture } from './pairs-fixture.js';

const FULL = new ArrayError('ENOSPC', 'the disk is full');
const FAILURE = new ArrayError('EIO', 'the disk is gone');
/** More than the write cache of the secondary's pool takes. */
const TRACKS = 200;
const ALL = Array.from({ length: TRACKS }, (_, track) => track);

const WAYS: readonly [string, (fixture: PairsFixture) => void, (fixture: PairsFixture) => void][] =
  [
    [
      'has no space left',
      ({ mirror }) => {
        mirror.hostFree = 0;
      },
      ({ mirror }) => {
        mirror.hostFree = Number.POSITIVE_INFINITY;
      },
    ],
    [
      'cannot write what it has taken',
      ({ mirror }) => mirror.failTransactionAfter(0, FULL),
      ({ mirror }) => mirror.failTransactionAfter(undefined),
    ],
  ];

async function untilItWaits({ pair, clock }: PairsFixture): Promise<void> {
  for (let turn = 0; pair.reason === ''; turn += 1) {
    expect(turn).toBeLessThan(1_000);
    await clock.advance(100);
  }
}

function told(fixture: PairsFixture, code: string): string[] {
  const events = fixture.array.recentEvents(1_000).filter((event) => event.code === code);
  return events.map(({ message }) => message);
}

describe.each(WAYS)('a pair that is deleted and whose target %s', (_what, fill, free) => {
  async function finishing(): Promise<PairsFixture> {
    const fixture = await PairsFixture.open(2, TRACKS);
    await fixture.write('db', 1, ALL, 0, 65_536);
    await fixture.drive(fixture.array.sync());
    await fixture.create({ pace: 'slow' });
    await fixture.do('split');
    await fixture.drive(fixture.pairing.setPairPace([PAIR], 'fast'));
    fill(fixture);
    await fixture.do('delete');
    await untilItWaits(fixture);
    return fixture;
  }

  it('says so, once, while others work', async () => {
    const fixture = await finishing();
    const since = fixture.pair.reasonMs;
    expect(since).toBeGreaterThan(fixture.pair.createdMs);
    expect(fixture.pair.state).toBe('finishing');
    expect(fixture.pair.reason).toMatch(/full/);
    await fixture.clock.advance(20_000);
    expect(told(fixture, 'PAIR-WAITS')).toEqual([
      expect.stringMatching(/^copying goes on when it can: .*full/),
    ]);
    expect(fixture.pair.reasonMs).toBe(since);
    await fixture.volume('other', TRACKS);
    const options = { mode: 'mirror', pace: 'fast', sync: false, force: false } as const;
    await fixture.drive(fixture.pairing.createPair('db', 'other', options));
    await fixture.until('duplex', 'db:other');
  });

  it('is gone when there is room again', async () => {
    const fixture = await finishing();
    await fixture.clock.advance(20_000);
    const instant = await fixture.content('copy');
    free(fixture);
    await fixture.untilGone();
    expect((await fixture.content('copy')).equals(instant)).toBe(true);
  });

  it('is ended at once by pairdelete now', async () => {
    const fixture = await finishing();
    const answer = await fixture.refusal(() => fixture.pairing.deletePairs([PAIR], { now: true }));
    expect(answer).toMatch(/^(accepted|ENOSPC: done, but not durable yet: .*)$/);
    expect(fixture.pairing.findPair(PAIR)).toBeUndefined();
    expect(await fixture.refusal(() => fixture.content('copy'))).toMatch(/^EIO: .*half a copy/);
  });

  it('does not hold up the end of the mount', async () => {
    const fixture = await finishing();
    expect(await fixture.endsWithin(60_000)).toBe(true);
  });
});

describe('the reason of a suspension', () => {
  async function lost(): Promise<PairsFixture> {
    const fixture = await PairsFixture.open(2);
    await fixture.duplex();
    fixture.mirror.failTransactionAfter(0, FAILURE);
    fixture.array.setLabel(fixture.array.volume('copy'), 'changed').catch(() => undefined);
    await fixture.until('suspended');
    return fixture;
  }

  it('says since when, and that the pool works again when it does', async () => {
    const fixture = await lost();
    const { reason, reasonMs } = fixture.pair;
    expect(reason).toBe('pool mirror: the disk is gone');
    expect(reasonMs).toBeLessThanOrEqual(fixture.clock.nowMs());
    const watched: number[] = [];
    fixture.array.watch({
      ...fixture.array.watcher,
      pairChanged: (number) => watched.push(number),
    });
    fixture.mirror.failTransactionAfter(undefined);
    await fixture.clock.advance(5_000);
    expect(fixture.pair.reason).toBe('pool mirror: the disk is gone; its pools work now');
    expect(fixture.pair.reasonMs).toBe(reasonMs);
    expect(watched).toContain(fixture.pair.number);
  });

  it('is kept over a mount, and gone with the next state', async () => {
    const before = await lost();
    const { reasonMs } = before.pair;
    before.mirror.failTransactionAfter(undefined);
    await before.clock.advance(5_000);
    await before.remount();
    expect(before.pair.reason).toMatch(/^pool mirror: the disk is gone; its pools work now$/);
    expect(before.pair.reasonMs).toBe(reasonMs);
    await before.do('resync');
    expect([before.pair.reason, before.pair.reasonMs]).toEqual(['', undefined]);
  });

  it('by command is all there is to say', async () => {
    const fixture = await PairsFixture.open(2);
    await fixture.duplex();
    await fixture.do('suspend');
    expect(fixture.pair.reason).toBe('by command');
  });
});
