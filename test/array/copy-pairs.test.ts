/** Copies from and to volumes of pairs: what a secondary shows is copied, difference bits are set, refusals are those of writers. */
import { beforeEach, describe, expect, it } from 'vitest';
import { TRACK_BYTES } from '../../src/base/sizes.js';
import { blocks, CONTENT, CopyFixture, isCopied } from './copy-fixture.js';

const TRACK = TRACK_BYTES / 512;
const PAIR = 'db:db2';
let fixture: CopyFixture;

beforeEach(async () => {
  fixture = await CopyFixture.openWritten();
  const options = { mode: 'mirror', pace: 'fast', sync: false, force: false } as const;
  await fixture.drive(fixture.array.createPair('db', 'db2', options));
});

const pair = () => fixture.array.pair(PAIR);
async function until(state: string): Promise<void> {
  for (let turn = 0; turn < 1_000 && pair().state !== state; turn += 1) {
    await fixture.pools.clock.advance(100);
  }
  expect(pair().state).toBe(state);
}

describe('a copy to a side of a pair', () => {
  it('sets difference bits of the primary, and comes to the secondary', async () => {
    await until('duplex');
    await fixture.drive(fixture.array.splitPairs([PAIR], {}));
    await until('split');
    const segments = [blocks([0, 0], [0, 20 * TRACK], 3 * TRACK), blocks([0, 2], [0, 0], TRACK)];
    expect(
      await fixture.copy(fixture.list(...segments, blocks([2, 0], [3, 31 * TRACK + 1], 9))),
    ).toBe('good');
    expect([pair().primaryChangedTracks, pair().secondaryChangedTracks]).toEqual([4, 0]);
    expect(await fixture.copy(fixture.list(blocks([2, 1], [0, 50 * TRACK], TRACK)))).toBe('good');
    expect([pair().primaryChangedTracks, pair().secondaryChangedTracks]).toEqual([4, 1]);
    await fixture.drive(fixture.array.resyncPairs([PAIR], { direction: 'forward', force: false }));
    await until('duplex');
    expect((await fixture.content('db')).equals(await fixture.content('db2'))).toBe(true);
    expect(
      isCopied(CONTENT, [0, 3 * TRACK_BYTES], await fixture.content('db2'), 20 * TRACK_BYTES),
    ).toBe(true);
  });

  it('is refused where hosts may not write', async () => {
    await until('duplex');
    const refused = await fixture.copy(fixture.list(blocks([2, 1], [0, 0], 8)));
    // THIRD PARTY DEVICE FAILURE, target 1; the destination: DATA PROTECT.
    expect([refused.slice(24, 28), refused.slice(30, 36), refused.slice(42, 44)]).toEqual([
      '0d01',
      '800030',
      '07',
    ]);
  });
});

describe('a copy from a secondary', () => {
  it('has its content as of acceptance, from whichever side it is then', async () => {
    await until('duplex');
    await fixture.write('db', 0, new Uint8Array(4 * TRACK_BYTES).fill(1));
    await fixture.drive(fixture.array.setPairPace([PAIR], 'slow'));
    await fixture.array.splitPairs([PAIR], { pace: 'slow' });
    expect(pair().state).toBe('split-pending');
    const sent = fixture.send(fixture.list(blocks([1, 2], [0, 0], 16 * TRACK)));
    const expected = await fixture.content('db2');
    expect(expected[0]).toBe(1);
    await fixture.write('db', 0, new Uint8Array(4 * TRACK_BYTES).fill(2));
    await fixture.write('db2', TRACK_BYTES, new Uint8Array(4 * TRACK_BYTES).fill(3));
    await until('split');
    expect((await fixture.drive(sent)).status).toBe(0);
    expect(isCopied(expected, [0, 16 * TRACK_BYTES], await fixture.content('far'), 0)).toBe(true);
  });

  it('that has just been created is that of the primary', async () => {
    expect(pair().state).toBe('duplex-pending');
    expect(await fixture.copy(fixture.list(blocks([1, 2], [0, 5], 2048)))).toBe('good');
    expect(isCopied(CONTENT, [0, 2 ** 20], await fixture.content('far'), 5 * 512)).toBe(true);
  });
});
