/** Pairs over memory stores: what each command does to what both sides show, in one pool and in two. */
import { describe, expect, it } from 'vitest';
import { PAIR, PairsFixture } from './pairs-fixture.js';

const ALL = [0, 1, 2, 3, 4, 5, 6, 7];

describe.each([1, 2] as const)('a pair in %i pools', (pools) => {
  async function duplex(): Promise<PairsFixture> {
    const fixture = await PairsFixture.open(pools);
    await fixture.write('db', 1, ALL);
    await fixture.create();
    await fixture.until('duplex');
    return fixture;
  }

  it('copies everything when it is made, and later what hosts change', async () => {
    const fixture = await duplex();
    expect(await fixture.areEqual()).toBe(true);
    await fixture.write('db', 2, [3]);
    expect(fixture.pair.unequalTracks).toBe(1);
    await fixture.quiet();
    expect(await fixture.bytes('copy')).toEqual([1, 1, 1, 2, 1, 1, 1, 1]);
  });

  it('is split at once: the secondary shows the instant before anything is copied', async () => {
    const fixture = await PairsFixture.open(pools);
    await fixture.write('db', 1, ALL);
    await fixture.create({ pace: 'slow' });
    await fixture.write('db', 2, [0, 7]);
    await fixture.drive(fixture.pairing.splitPairs([PAIR], {}));
    expect(fixture.pair.secondaryState).toBe('split-pending');
    await fixture.write('db', 3, ALL);
    expect(await fixture.bytes('copy')).toEqual([2, 1, 1, 1, 1, 1, 1, 2]);
    await fixture.until('split');
    expect(await fixture.bytes('copy')).toEqual([2, 1, 1, 1, 1, 1, 1, 2]);
    expect(await fixture.bytes('db')).toEqual(ALL.map(() => 3));
  });

  it('takes writes to a track of the secondary that is still pending', async () => {
    const fixture = await PairsFixture.open(pools);
    await fixture.write('db', 1, ALL, 0, 65_536);
    await fixture.create({ pace: 'slow' });
    await fixture.drive(fixture.pairing.splitPairs([PAIR], {}));
    expect(fixture.pair.pendingTracks).toBeGreaterThan(5);
    await fixture.write('copy', 9, [6], 20_000, 100);
    const expected = await fixture.content('db');
    expected.fill(9, 6 * 65_536 + 20_000, 6 * 65_536 + 20_100);
    expect(expected.equals(await fixture.content('copy'))).toBe(true);
    await fixture.sync('copy');
    await fixture.kill();
    expect(expected.equals(await fixture.content('copy'))).toBe(true);
    await fixture.until('split');
    expect(expected.equals(await fixture.content('copy'))).toBe(true);
    expect(fixture.pair.secondaryChangedTracks).toBe(1);
  });

  it('fsync of a secondary makes durable what it still reads from the primary', async () => {
    const fixture = await PairsFixture.open(pools);
    await fixture.create({ pace: 'slow' });
    await fixture.write('db', 5, ALL);
    await fixture.drive(fixture.pairing.splitPairs([PAIR], {}));
    await fixture.sync('copy');
    await fixture.kill();
    expect(await fixture.bytes('copy')).toEqual(ALL.map(() => 5));
  });

  it('half copied and ended, leaves a secondary that cannot be read, or be made a snapshot of', async () => {
    const fixture = await PairsFixture.open(pools);
    await fixture.write('db', 1, ALL);
    await fixture.create({ pace: 'slow' });
    await fixture.drive(fixture.pairing.deletePairs([PAIR], { now: true }));
    const { array } = fixture;
    expect(await fixture.refusal(() => fixture.bytes('copy'))).toMatch(/^EIO: .*half a copy/);
    const snapshot = () => array.takeSnapshots(['copy'], { name: 's' });
    expect(await fixture.refusal(snapshot)).toMatch(/^EIO: .*half a copy/);
  });

  it('resyncs what either side has changed, and no more', async () => {
    const fixture = await duplex();
    await fixture.drive(fixture.pairing.splitPairs([PAIR], {}));
    await fixture.until('split');
    await fixture.write('db', 2, [1]);
    await fixture.write('copy', 3, [2, 3]);
    expect(fixture.pair.unequalTracks).toBe(3);
    await fixture.drive(
      fixture.pairing.resyncPairs([PAIR], { direction: 'forward', force: false }),
    );
    await fixture.until('duplex');
    expect(await fixture.bytes('copy')).toEqual([1, 2, 1, 1, 1, 1, 1, 1]);
    expect(await fixture.areEqual()).toBe(true);
  });

  it('resyncs in reverse: the primary shows the secondary from the first moment', async () => {
    const fixture = await duplex();
    await fixture.drive(fixture.pairing.splitPairs([PAIR], {}));
    await fixture.until('split');
    await fixture.write('db', 2, [1, 5]);
    await fixture.write('copy', 3, [2, 5]);
    await fixture.drive(
      fixture.pairing.resyncPairs([PAIR], { direction: 'reverse', force: false }),
    );
    expect(await fixture.bytes('db')).toEqual([1, 1, 3, 1, 1, 3, 1, 1]);
    await fixture.write('db', 4, [5, 6]);
    await fixture.until('duplex');
    await fixture.quiet();
    expect(await fixture.bytes('db')).toEqual([1, 1, 3, 1, 1, 4, 4, 1]);
    expect(await fixture.areEqual()).toBe(true);
  });

  it('keeps its secondary from hosts, and its volumes from restore, resize and deletion', async () => {
    const fixture = await duplex();
    const { array } = fixture;
    await fixture.drive(array.takeSnapshots(['db'], { name: 'before' }));
    const refused = [
      () => fixture.write('copy', 1, [1]),
      () => fixture.drive(array.restore('db', 'before', { force: true })),
      () => fixture.drive(array.resizeVolume('db', 2 ** 20, { force: true })),
      () => fixture.drive(array.deleteVolume('copy', { snapshots: true })),
      () => fixture.write('db', 1, [8]),
    ];
    const codes = [];
    for (const action of refused) codes.push((await fixture.refusal(action)).slice(0, 5));
    expect(codes).toEqual(['EROFS', 'EBUSY', 'EBUSY', 'EBUSY', 'EBUSY']);
  });

  it('leaves the secondary reserved when it is deleted', async () => {
    const fixture = await duplex();
    await fixture.write('db', 5, [4]);
    await fixture.drive(fixture.pairing.deletePairs([PAIR], { now: false }));
    for (let _turn = 0; fixture.pairing.pairs().length > 0; _turn += 1)
      await fixture.clock.advance(10);
    expect(await fixture.bytes('copy')).toEqual([1, 1, 1, 1, 5, 1, 1, 1]);
    expect(await fixture.refusal(() => fixture.write('copy', 1, [1]))).toMatch(/^EROFS.*reserved/);
    await fixture.remount();
    expect(fixture.pairing.pairs()).toEqual([]);
    await fixture.drive(fixture.pairing.unreserveVolumes(['copy']));
    await fixture.write('copy', 7, [0]);
    expect(await fixture.bytes('copy')).toEqual([7, 1, 1, 1, 5, 1, 1, 1]);
  });

  it('is as it was after a remount and after a kill', async () => {
    const fixture = await duplex();
    await fixture.drive(fixture.pairing.splitPairs([PAIR], {}));
    await fixture.until('split');
    await fixture.write('db', 2, [1]);
    await fixture.sync('db');
    for (const again of [() => fixture.remount(), () => fixture.kill()]) {
      await again();
      expect(fixture.pair.state).toBe('split');
      expect(fixture.pair.primaryChangedTracks).toBe(1);
    }
  });

  it('fsync waits for the secondary with sync=yes', async () => {
    const fixture = await PairsFixture.open(pools);
    await fixture.create({ sync: true });
    await fixture.until('duplex');
    await fixture.write('db', 6, [2]);
    await fixture.sync('db');
    await fixture.kill();
    expect(await fixture.bytes('copy')).toEqual([0, 0, 6, 0, 0, 0, 0, 0]);
  });

  it('on demand copies at the command, the second time only what differs', async () => {
    const fixture = await PairsFixture.open(pools);
    await fixture.write('db', 1, ALL);
    await fixture.create({ mode: 'on-demand' });
    expect(fixture.pair.state).toBe('defined');
    await fixture.drive(fixture.pairing.copyPairs([PAIR], {}));
    await fixture.until('split');
    await fixture.write('db', 2, [3]);
    await fixture.write('copy', 5, [4]);
    await fixture.drive(
      fixture.pairing.resyncPairs([PAIR], { direction: 'forward', force: false }),
    );
    expect(fixture.pair.state).toBe('defined');
    expect(fixture.pair.unequalTracks).toBe(2);
    await fixture.drive(fixture.pairing.copyPairs([PAIR], {}));
    expect(await fixture.bytes('copy')).toEqual([1, 1, 1, 2, 1, 1, 1, 1]);
    await fixture.until('split');
    expect(await fixture.areEqual()).toBe(true);
  });
});

describe('a pair that is named by the number of a volume', () => {
  it('is the one that the volume is in, and of several each is named in the refusal', async () => {
    const fixture = await PairsFixture.open(1);
    await fixture.volume('copy2');
    const [db, copy, copy2] = ['db', 'copy', 'copy2'].map((name) => {
      return `#${fixture.array.volume(name).number}`;
    }) as [string, string, string];
    expect(await fixture.refusal(() => fixture.do('split', db))).toBe(
      'ENOENT: volume db is in no pair',
    );
    await fixture.create();
    await fixture.do('split', db);
    await fixture.create({ secondary: 'copy2' });
    expect(await fixture.refusal(() => fixture.do('suspend', copy2))).toBe('accepted');
    expect(fixture.pairing.pair(copy).name).toBe(PAIR);
    expect(await fixture.refusal(() => fixture.do('suspend', db))).toBe(
      'EINVAL: volume db is in several pairs, name one of them: db:copy, db:copy2',
    );
    expect(fixture.array.findPair(db)).toBeUndefined();
    expect(await fixture.refusal(() => fixture.do('suspend', '#99'))).toBe('ENOENT: no pair #99');
  });
});
