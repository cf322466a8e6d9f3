/** Copies of a secondary right after its split ([001] figs. 3 to 11): all policies give the same image, each in its way. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { BLOCK_BYTES, TRACK_BYTES } from '../../src/base/sizes.js';
import { openBackup } from '../../src/device/backup-image.js';
import { openDevice } from '../../src/device/open-device.js';
import { cleanScratch } from '../support/scratch-directory.js';
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

describe.each(['merge', 'wait', 'copy-first', 'parallel'] as const)('with policy=%s', (policy) => {
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

describe('a backup on tape', () => {
  it.each(['merge', 'wait'] as const)(
    'with policy=%s is taken at the instant of the split',
    async (policy) => {
      const tapes = fixture.addTape({ cartridgeBytes: 2 ** 24 });
      const splitMs = fixture.pools.clock.nowMs();
      const request = {
        source: PAIR,
        destination: 'tape0/AFS001',
        force: false,
        split: true,
        policy,
      };
      const { id } = fixture.ecopies.startImage(request);
      expect(await fixture.drive(fixture.array.jobList.get(id).whenEnded())).toBe('done');
      const session = openDevice({ kind: 'tape', path: tapes }).login('reader');
      const { manifest } = openBackup(session, 'AFS001');
      session.logout();
      expect(manifest?.takenMs).toBe(splitMs);
    },
  );
});

describe('a copy in parallel with the first copy of a pair ([002] fig. 9)', () => {
  const TRACKS = (8 * 2 ** 20) / TRACK_BYTES;
  /** Nearly all of the 4 MiB: the pair begins a moment before the copy. */
  const READ_ONCE = /^read once, for the pair and the copy: (3\.[5-9]|4)M$/;
  let disk: string;

  beforeEach(async () => {
    await fixture.drive(fixture.array.deletePairs([PAIR], { now: true }));
    // Each block tells which one it is.
    for (let block = 0; block < (4 * 2 ** 20) / BLOCK_BYTES; block += 1) {
      await fixture.write('db', block * BLOCK_BYTES, new Uint8Array(BLOCK_BYTES).fill(1 + block));
    }
    disk = fixture.addDisk();
  });
  afterAll(cleanScratch);

  async function pairUp(secondary: string, pace: 'slow' | 'fast' = 'slow'): Promise<void> {
    const options = { mode: 'mirror', pace, sync: false, force: false } as const;
    await fixture.drive(fixture.array.createPair('db', secondary, options));
  }

  function begin(secondary: string, policy: 'parallel' | 'wait') {
    const source = `db:${secondary}`;
    const request = { source, destination: 'disk0/disk.img', force: false, policy };
    const { id } = fixture.ecopies.startImage(request);
    return fixture.array.job(id);
  }

  it.each(['far', 'db2'])(
    'never passes the copy pointer, and has the instant of the pair: %s',
    async (secondary) => {
      const expected = await fixture.content('db');
      await pairUp(secondary);
      const job = begin(secondary, 'parallel');
      const copied = () => fixture.array.pair(`db:${secondary}`).copyPointer ?? TRACKS;
      let between = 0;
      for (let turn = 0; turn < 2_000 && job.state === 'running'; turn += 1) {
        await fixture.pools.clock.advance(10);
        expect(job.done).toBeLessThanOrEqual(copied() * TRACK_BYTES);
        if (job.done > 0 && copied() < TRACKS) between += 1;
        if (turn === 5) await fixture.write('db', 2 ** 20, new Uint8Array(2 ** 20).fill(9));
      }
      expect([job.state, between > 3]).toEqual(['done', true]);
      // Within a pool the pair shares blocks: only the copy reads them.
      const shared = job.report?.().find((line) => line.startsWith('read once')) ?? 'none';
      expect(shared).toMatch(secondary === 'far' ? READ_ONCE : /^none$/);
      expect(readFileSync(disk).equals(expected)).toBe(true);
      expect(fixture.frozen()).toBe(0);
    },
  );

  it('has the instant of a pair that is far ahead of it', async () => {
    const expected = await fixture.content('db');
    await pairUp('far', 'fast');
    const job = begin('far', 'parallel');
    expect(await fixture.drive(job.whenEnded())).toBe('done');
    expect(job.report?.().find((line) => line.startsWith('read once'))).toBeDefined();
    expect(readFileSync(disk).equals(expected)).toBe(true);
  });

  it('waits for the whole copy with policy=wait, and tells where both are', async () => {
    const expected = await fixture.content('db');
    await pairUp('far');
    const job = begin('far', 'wait');
    await fixture.pools.clock.advance(100);
    expect([job.done, fixture.array.pair('db:far').state]).toEqual([0, 'duplex-pending']);
    expect(await fixture.drive(job.whenEnded())).toBe('done');
    expect(fixture.array.pair('db:far').state).toBe('duplex');
    expect(readFileSync(disk).equals(expected)).toBe(true);
  });

  it('goes on from the instant where the pair is suspended in the middle', async () => {
    const expected = await fixture.content('db');
    await pairUp('far');
    const job = begin('far', 'parallel');
    await fixture.pools.clock.advance(200);
    expect(job.done).toBeLessThan(4 * 2 ** 20);
    await fixture.drive(fixture.array.suspendPairs(['db:far']));
    expect(await fixture.drive(job.whenEnded())).toBe('done');
    expect(readFileSync(disk).equals(expected)).toBe(true);
  });

  it('ends by a cancel while it waits for the pair', async () => {
    await pairUp('far');
    const job = begin('far', 'parallel');
    await fixture.pools.clock.advance(100);
    await fixture.drive(fixture.array.cancelJob(job.id));
    expect([job.state, fixture.frozen()]).toEqual(['cancelled', 0]);
  });
});
