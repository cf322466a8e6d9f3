/** Copies of a secondary right after its split ([001] figs. 3 to 11): all policies give the same image, each in its way. */
import { beforeEach, describe, expect, it } from 'vitest';
import { TRACK_BYTES } from '../../src/base/sizes.js';
import { CONTENT, CopyFixture } from './copy-fixture.js';
import { copyImages } from './copy-images.js';

const PAIR = 'db:db2';
let fixture: CopyFixture;

beforeEach(async () => {
  fixture = await CopyFixture.openWritten();
  const options = { mode: 'mirror', pace: 'fast', sync: false, force: false } as const;
  await fixture.drive(fixture.array.createPair('db', 'db2', options));
  await until('duplex');
  // What the split still has to copy.
  await fixture.write('db', 2 ** 20, Buffer.concat([CONTENT, CONTENT]));
  await fixture.drive(fixture.array.setPairPace([PAIR], 'slow'));
});

const pair = () => fixture.array.pair(PAIR);
async function until(state: string): Promise<void> {
  for (let turn = 0; turn < 1_000 && pair().state !== state; turn += 1) {
    await fixture.pools.clock.advance(100);
  }
  expect(pair().state).toBe(state);
}

describe.each(['merge', 'wait', 'copy-first'] as const)('with policy=%s', (policy) => {
  it('splits and copies in one command, as of the split', async () => {
    const expected = await fixture.content('db');
    const request = { source: PAIR, destination: 'far', force: false, split: true, policy };
    const { id } = fixture.ecopies.startImage(request);
    expect(pair().state).toBe('split-pending');
    await fixture.write('db', 0, new Uint8Array(20 * TRACK_BYTES).fill(1));
    await fixture.pools.clock.advance(50);
    await fixture.write('db2', TRACK_BYTES, new Uint8Array(20 * TRACK_BYTES).fill(2));
    expect(await fixture.drive(fixture.array.jobList.get(id).whenEnded())).toBe('done');
    expect((await fixture.content('far')).equals(expected)).toBe(true);
    await until('split');
    expect([fixture.frozen(), (await fixture.content('db2'))[TRACK_BYTES]]).toEqual([0, 2]);
  });

  it('copies a secondary that was split before', async () => {
    const expected = await fixture.content('db');
    await fixture.array.splitPairs([PAIR], { pace: 'slow' });
    expect(await copyImages(fixture, 'db2', 'far', { policy })).toMatch(/^done/);
    expect((await fixture.content('far')).equals(expected)).toBe(true);
  });
});

describe('a copy right after a split', () => {
  it('waits for the pair or does not, as its policy says', async () => {
    const done = async (policy: 'merge' | 'wait', destination: string) => {
      const { id } = fixture.ecopies.startImage({
        source: 'db2',
        destination,
        force: false,
        policy,
      });
      await fixture.drive(fixture.array.jobList.get(id).whenEnded());
      return pair().state;
    };
    await fixture.array.splitPairs([PAIR], { pace: 'slow' });
    fixture.array.pairing.pair(PAIR);
    expect([await done('merge', 'far'), await done('wait', 'new')]).toEqual([
      'split-pending',
      'split',
    ]);
  });

  it.each([
    ['split of a volume', 'db', { split: true }, /^EINVAL/],
    ['an unknown pair', 'db:far', {}, /^ENOENT/],
  ])('is refused for %s', async (_what, source, options, expected) => {
    expect(await copyImages(fixture, source, 'new', options)).toMatch(expected);
    expect(pair().state).toBe('duplex');
  });
});
