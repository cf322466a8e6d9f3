/** Pairs across mounts in which a pool is missing, is left out, is deleted. */
import { describe, expect, it } from 'vitest';
import { ArrayError } from '../../src/base/errors.js';
import { TRACK_BYTES } from '../../src/base/sizes.js';
import {
  bytes,
  openPair,
  PAIR,
  pairOf,
  quiet,
  resync,
  until,
  write,
} from './pair-pools-fixture.js';
import type { PoolsFixture } from './pools-fixture.js';

describe('a pair whose pools are not all there', () => {
  it('without the pool of its primary: the secondary can be read, and a resync makes good what differs', async () => {
    const fixture = await openPair();
    await write(fixture, 'db', 2, 1);
    await quiet(fixture);
    await fixture.remount('mirror', { without: ['main'] });
    expect([pairOf(fixture).state, pairOf(fixture).reason]).toEqual([
      'suspended',
      expect.stringMatching(/^pool main: /),
    ]);
    expect(await bytes(fixture, 'copy')).toBe('1211');
    await fixture.remount();
    expect(pairOf(fixture).state).toBe('suspended');
    await write(fixture, 'db', 3, 2);
    await resync(fixture);
    expect(await bytes(fixture, 'copy')).toBe('1231');
  });

  it('without the pool of its secondary: the primary goes on, and a resync copies what differs', async () => {
    const fixture = await openPair();
    await fixture.stop();
    const mirror = fixture.lose('mirror');
    await fixture.mount();
    expect(pairOf(fixture).state).toBe('suspended');
    await write(fixture, 'db', 4, 3);
    await fixture.stop();
    fixture.putBack('mirror', mirror);
    await fixture.mount();
    expect([pairOf(fixture).state, await bytes(fixture, 'copy')]).toEqual(['suspended', '1111']);
    const { unequalTracks } = pairOf(fixture);
    expect(unequalTracks).toBe(1);
    await resync(fixture);
    expect(await bytes(fixture, 'copy')).toBe('1114');
    expect(await fixture.findings()).toEqual([]);
  });

  it('whose disk fails while mounted and is back at the next mount: a resync copies what differs', async () => {
    const fixture = await openPair();
    // Its writes and its log; what was read before is in memory still, as pages of a real disk are.
    fixture.mirror.failTransactionAfter(0, new ArrayError('EIO', 'the disk is detached'));
    await write(fixture, 'db', 6, 2);
    await until(fixture, 'suspended');
    expect(pairOf(fixture).reason).toBe('pool mirror: the disk is detached');
    expect(fixture.volumes()).toEqual(['db normal', 'copy failed']);
    expect(await fixture.refusal(() => resync(fixture))).toBe('EIO');
    await write(fixture, 'db', 7, 3);
    await fixture.kill();
    expect([pairOf(fixture).state, await bytes(fixture, 'db')]).toEqual(['suspended', '1167']);
    expect([await bytes(fixture, 'copy'), pairOf(fixture).unequalTracks]).toEqual(['1111', 2]);
    await resync(fixture);
    expect(await bytes(fixture, 'copy')).toBe('1167');
  });

  it('after the pool of its primary was deleted, the secondary is the last fsync with sync=yes', async () => {
    const fixture = await openPair(true);
    await write(fixture, 'db', 2, 1);
    fixture.crash();
    fixture.lose('main');
    await fixture.mount('mirror');
    expect(await bytes(fixture, 'copy')).toBe('1211');
    await fixture.clock.drive(fixture.array.deletePairs([PAIR], { now: false }));
    await fixture.clock.drive(fixture.array.unreserveVolumes(['copy']));
    await write(fixture, 'copy', 5, 0);
    await fixture.remount('mirror');
    expect(await bytes(fixture, 'copy')).toBe('5211');
    expect(fixture.array.pairs()).toEqual([]);
  });

  it('after a kill in the middle of an update, the secondary alone is the primary of some moment', async () => {
    for (let turn = 0; turn < 60; turn += 2) {
      const fixture = await openPair();
      await write(fixture, 'db', 2, 0);
      await write(fixture, 'db', 3, 2);
      for (let done = 0; done < turn; done += 1) {
        if (done % 20 === 19) await fixture.clock.advance(100);
        else await Promise.resolve();
      }
      fixture.crash();
      const main = fixture.lose('main');
      await fixture.mount('mirror');
      expect(['1111', '2111', '2131']).toContain(await bytes(fixture, 'copy'));
      await fixture.clock.advance(100);
      await fixture.stop();
      fixture.putBack('main', main);
      await fixture.mount('mirror');
      await resync(fixture);
      expect(await bytes(fixture, 'copy')).toBe('2131');
    }
  });

  it.each([
    ['an update', 'duplex', '1111', '2221'],
    ['a resync', 'resync', '1551', '2221'],
  ])(
    'read-only after a kill in the middle of %s: the secondary alone is what it was before',
    async (_what, state, before, after) => {
      const fixture = await openPair();
      await copyHalf(fixture, state);
      fixture.crash();
      const main = fixture.lose('main');
      await fixture.mount('mirror', { readOnly: true });
      const published = fixture.array.cache().publishedSequence;
      expect(await bytes(fixture, 'copy')).toBe(before);
      await fixture.stop();
      expect(fixture.array.cache().publishedSequence).toBe(published);
      // With the other pool it is the instant that was being copied.
      fixture.putBack('main', main);
      await fixture.mount('mirror', { readOnly: true });
      expect([pairOf(fixture).state, await bytes(fixture, 'copy')]).toEqual([state, after]);
    },
  );

  it.each(['kill', 'unmount'] as const)(
    'stays suspended when the source of a reverse resync returns, after a %s',
    async (end) => {
      const fixture = await reversing();
      if (end === 'kill') fixture.crash();
      else await fixture.stop();
      await fixture.mount('main', { without: ['mirror'] });
      expect([pairOf(fixture).state, await bytes(fixture, 'db')]).toEqual(['suspended', '1111']);
      await write(fixture, 'db', 7, 3);
      await fixture.remount();
      await fixture.clock.advance(3_000);
      expect([pairOf(fixture).state, await bytes(fixture, 'db')]).toEqual(['suspended', '1117']);
      await resync(fixture);
      expect(await bytes(fixture, 'copy')).toBe('1117');
    },
  );

  it.each([
    ['an update', 'duplex', '1111'],
    ['a resync', 'resync', '1551'],
  ])('shows no half of %s after a mount without its secondary', async (_what, state, before) => {
    const fixture = await openPair();
    await copyHalf(fixture, state);
    fixture.crash();
    await fixture.mount('main', { without: ['mirror'] });
    await fixture.clock.advance(1_000);
    await fixture.remount();
    expect([pairOf(fixture).state, await bytes(fixture, 'copy')]).toEqual(['suspended', before]);
    await resync(fixture);
    expect(await bytes(fixture, 'copy')).toBe('2221');
  });

  it('knows that half of a primary was overwritten, after its pool was damaged', async () => {
    const fixture = await reversing();
    await fixture.clock.drive(fixture.array.sync());
    fixture.main.failTransactionAfter(0, new ArrayError('EIO', 'the disk is gone'));
    fixture.array.setLabel(fixture.array.volume('db'), 'changed').catch(() => undefined);
    await until(fixture, 'suspended-partial-primary');
    await fixture.kill();
    expect(pairOf(fixture).state).toBe('suspended-partial-primary');
    await resync(fixture, 'reverse');
    expect(await bytes(fixture, 'db')).toBe('5551');
  });
});

/** A reverse resync of three tracks, of which one is copied. */
async function reversing(): Promise<PoolsFixture> {
  const fixture = await openPair();
  const { array, clock } = fixture;
  await clock.drive(array.splitPairs([PAIR], {}));
  await until(fixture, 'split');
  await write(fixture, 'copy', 5, 0, 1, 2);
  const options = { direction: 'reverse', pace: 'slow', force: false } as const;
  await clock.drive(array.resyncPairs([PAIR], options));
  while (pairOf(fixture).pendingTracks > 2) await clock.advance(1);
  return fixture;
}

/** Three tracks are to be copied at once by an update or a resync; some, not all of them, are, and that is durable. */
async function copyHalf(fixture: PoolsFixture, state: string): Promise<void> {
  const { array, clock } = fixture;
  await clock.drive(array.setPairPace([PAIR], 'slow'));
  if (state === 'resync') {
    await clock.drive(array.splitPairs([PAIR], {}));
    await until(fixture, 'split');
    await write(fixture, 'copy', 5, 1, 2);
  }
  const image = array.openImage(array.volume('db'), { write: true });
  await clock.drive(Promise.resolve(image.write(0, new Uint8Array(3 * TRACK_BYTES).fill(2))));
  image.close();
  if (state === 'resync') {
    await clock.drive(array.resyncPairs([PAIR], { direction: 'forward', force: false }));
  }
  const { target } = pairOf(fixture);
  while (target.copied.count === 0) await clock.advance(1);
  await clock.drive(target.volume.pool.content.durable());
  expect(target.pending.count).toBeGreaterThan(0);
}
