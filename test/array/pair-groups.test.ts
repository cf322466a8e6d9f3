/** Several pairs: secondaries of one primary, rotation, groups that share an instant, reserved volumes, snapshots and copies of sides. */
import { describe, expect, it } from 'vitest';
import { TRACK_BYTES } from '../../src/base/sizes.js';
import { repeat } from '../support/factor.js';
import { RandomSource } from '../support/random-source.js';
import { PAIR, PairsFixture } from './pairs-fixture.js';

const ALL = [0, 1, 2, 3, 4, 5, 6, 7];

async function withSecondaries(count: number, mode: 'mirror' | 'on-demand' = 'mirror') {
  const fixture = await PairsFixture.open(2);
  await fixture.write('db', 1, ALL);
  const names = Array.from({ length: count }, (_, index) => `copy${index}`);
  for (const [index, name] of names.entries()) {
    await fixture.volume(name, 8, index % 2 === 0 ? 'main' : 'mirror');
    await fixture.create({ secondary: name, mode });
    if (mode === 'mirror') await fixture.until('duplex', `db:${name}`);
  }
  return { fixture, names, pairs: names.map((name) => `db:${name}`) };
}

describe('a primary', () => {
  it('has up to eight secondaries, all of which follow it, and no ninth', async () => {
    const { fixture, names, pairs } = await withSecondaries(8);
    const refusal = await fixture.refusal(() => fixture.giveCreate({ secondary: 'copy' }));
    expect(refusal).toMatch(/^ENOSPC/);
    await fixture.write('db', 2, [3]);
    for (const pair of pairs) await fixture.quiet(pair);
    for (const name of names) expect(await fixture.bytes(name)).toEqual([1, 1, 1, 2, 1, 1, 1, 1]);
    await fixture.do('split', ...pairs);
    await fixture.write('db', 3, ALL);
    for (const name of names) expect((await fixture.bytes(name))[3]).toBe(2);
  });

  it('gives each secondary of a split its own information, in the order of the pairs', async () => {
    const { fixture, pairs } = await withSecondaries(2);
    const info = new Uint8Array(1024).fill(1, 0, 512).fill(2, 512);
    await fixture.drive(fixture.pairing.splitPairs([...pairs].reverse(), { info }));
    const infos = ['copy0', 'copy1'].map((name) => fixture.array.volume(name).info);
    expect(infos.map((own) => [own?.length, own?.[0]])).toEqual([
      [512, 2],
      [512, 1],
    ]);
  });

  it('is resynced in reverse from one only, and the others learn of it', async () => {
    const { fixture } = await withSecondaries(2);
    await fixture.do('split', 'db:copy0');
    await fixture.until('split', 'db:copy0');
    await fixture.write('copy0', 4, [5]);
    const refusal = await fixture.refusal(() => fixture.give('reverse', 'db:copy0'));
    expect(refusal).toMatch(/^EBUSY: db is copied to copy1/);
    await fixture.do('split', 'db:copy1');
    await fixture.until('split', 'db:copy1');
    const both = await fixture.refusal(() => fixture.give('reverse', 'db:copy0', 'db:copy1'));
    expect(both).toMatch(/^EINVAL/);
    expect(fixture.pairing.pairs().map(({ state }) => state)).toEqual(['split', 'split']);
    await fixture.do('reverse', 'db:copy0');
    await fixture.until('duplex', 'db:copy0');
    await fixture.do('resync', 'db:copy1');
    await fixture.until('duplex', 'db:copy1');
    for (const name of ['db', 'copy0', 'copy1']) {
      expect(await fixture.bytes(name)).toEqual([1, 1, 1, 1, 1, 4, 1, 1]);
    }
  });

  it.each(['mirror', 'on-demand'] as const)(
    'takes the instant of a rotation in the turn of the command (%s)',
    async (mode) => {
      const { fixture, names, pairs } = await withSecondaries(1, mode);
      await fixture.drive(fixture.pairing.rotateSplit('db', {}));
      await fixture.until('split', pairs[0]);
      await fixture.write('db', 5, [3]);
      const rotation = fixture.pairing.rotateSplit('db', {});
      const writing = fixture.write('db', 6, [3]);
      await fixture.drive(Promise.all([rotation, writing]));
      expect((await fixture.bytes(names[0] as string))[3]).toBe(5);
      expect((await fixture.bytes('db'))[3]).toBe(6);
    },
  );

  it.each(['mirror', 'on-demand'] as const)(
    'has a history in three secondaries by rotation (%s)',
    async (mode) => {
      const { fixture, names, pairs } = await withSecondaries(3, mode);
      const shown: number[][] = [];
      for (let turn = 2; turn < 9; turn += 1) {
        await fixture.write('db', turn, [turn - 2]);
        await fixture.drive(fixture.pairing.rotateSplit('db', {}));
        await fixture.clock.advance(5_000);
        shown.push(await fixture.bytes('db'));
      }
      for (const pair of pairs) await fixture.until('split', pair);
      const held = [];
      for (const name of names) held.push((await fixture.bytes(name)).join(''));
      expect(held.sort()).toEqual(
        shown
          .slice(-3)
          .map((each) => each.join(''))
          .sort(),
      );
    },
  );
});

describe('a secondary', () => {
  it('belongs to one pair, and is no primary; a primary is no secondary', async () => {
    const { fixture } = await withSecondaries(1);
    await fixture.volume('other');
    const { pairing } = fixture;
    const options = { mode: 'mirror', pace: 'fast', sync: false, force: false } as const;
    const tries: [string, string][] = [
      ['other', 'copy0'],
      ['copy0', 'other'],
      ['other', 'db'],
      ['db', 'db'],
    ];
    const codes = [];
    for (const [primary, secondary] of tries) {
      codes.push(
        (await fixture.refusal(() => pairing.createPair(primary, secondary, options))).slice(0, 6),
      );
    }
    expect(codes).toEqual(['EBUSY:', 'EBUSY:', 'EBUSY:', 'EINVAL']);
    await fixture.volume('small', 4);
    expect(await fixture.refusal(() => fixture.giveCreate({ secondary: 'small' }))).toMatch(
      /^EINVAL/,
    );
  });

  it('auto is the reserved volume of the same size with the lowest number, never the primary itself', async () => {
    const fixture = await PairsFixture.open(2);
    await fixture.volume('other');
    await fixture.drive(fixture.pairing.reserveVolumes(['db']));
    const refusal = await fixture.refusal(() => fixture.giveCreate({ secondary: 'auto' }));
    expect(refusal).toMatch(/^ENOENT/);
    await fixture.drive(fixture.pairing.reserveVolumes(['other', 'copy']));
    const { pair } = await fixture.create({ secondary: 'auto' });
    expect(pair).toBe(PAIR);
  });

  it('that holds half a copy can be read again when a pair on demand has copied it, not before', async () => {
    const fixture = await PairsFixture.open(2);
    await fixture.write('db', 1, ALL);
    await fixture.create({ pace: 'slow' });
    await fixture.clock.advance(20);
    await fixture.do('now');
    const { array } = fixture;
    expect(array.volume('copy').failure).toMatch(/half a copy/);
    await fixture.create({ mode: 'on-demand' });
    expect(array.volume('copy').failure).toMatch(/half a copy/);
    await fixture.do('copy');
    expect(await fixture.bytes('copy')).toEqual(await fixture.bytes('db'));
  });

  it('can be snapshotted and cloned when it is split; the copies stay as they are', async () => {
    const { fixture } = await withSecondaries(1);
    const { array } = fixture;
    await fixture.do('split', 'db:copy0');
    await fixture.until('split', 'db:copy0');
    await fixture.drive(array.takeSnapshots(['copy0'], { name: 'monday' }));
    await fixture.drive(array.clone('copy0', 'monday', 'clone', {}));
    await fixture.write('db', 5, ALL);
    await fixture.do('resync', 'db:copy0');
    await fixture.until('duplex', 'db:copy0');
    for (const name of ['copy0@monday', 'clone'])
      expect(await fixture.bytes(name)).toEqual(ALL.map(() => 1));
    expect(await fixture.bytes('copy0')).toEqual(ALL.map(() => 5));
  });

  it('notes discards and shared blocks as differences, and refuses to change its size', async () => {
    const { fixture } = await withSecondaries(1);
    const { array } = fixture;
    await fixture.do('split', 'db:copy0');
    await fixture.until('split', 'db:copy0');
    await fixture.volume('source');
    await fixture.write('source', 9, [0]);
    await fixture.drive(array.sync());
    const image = array.openImage(array.volume('copy0'), { write: true });
    const source = array.openImage(array.volume('source'), { write: false });
    await fixture.drive(image.discard(2 * TRACK_BYTES, TRACK_BYTES));
    await fixture.drive(source.copyTo(0, image, 6 * TRACK_BYTES, TRACK_BYTES));
    for (const sizeBytes of [0, 512, 9 * TRACK_BYTES]) {
      expect(await fixture.refusal(() => image.resize(sizeBytes))).toMatch(/^EBUSY/);
    }
    image.close();
    source.close();
    expect(await fixture.bytes('copy0')).toEqual([1, 1, 0, 1, 1, 1, 9, 1]);
    expect(fixture.pairing.pair('db:copy0').secondaryChangedTracks).toBe(2);
    await fixture.do('resync', 'db:copy0');
    await fixture.until('duplex', 'db:copy0');
    expect(await fixture.bytes('copy0')).toEqual(await fixture.bytes('db'));
  });
});

describe('a group of pairs in several pools', () => {
  it('is split at one instant: what was written after something is never shown without it', async () => {
    for (let seed = 0; seed < repeat(12); seed += 1) {
      const random = new RandomSource(seed);
      const fixture = await PairsFixture.open(2);
      await fixture.volume('log', 8, 'mirror');
      await fixture.volume('log-copy', 8, 'main');
      const { pairing } = fixture;
      const options = { mode: 'mirror', pace: 'slow', sync: false, force: false } as const;
      await fixture.drive(pairing.createPair('db', 'copy', options));
      await fixture.drive(pairing.createPair('log', 'log-copy', options));
      await fixture.clock.advance(random.integer(0, 300));
      const count = random.integer(1, 6);
      // Each write to log only after that to db is durable.
      for (let value = 1; value <= count; value += 1) await writeBoth(fixture, value);
      const splitting = fixture.give('split', PAIR, 'log:log-copy');
      for (let turn = random.integer(0, 30); turn > 0; turn -= 1) await Promise.resolve();
      const isKilled = random.integer(0, 1) === 0;
      if (!isKilled) await fixture.drive(splitting);
      splitting.catch(() => undefined);
      const later = isKilled ? await fixture.killed() : fixture;
      if (!isKilled) await writeBoth(fixture, count + 1);
      const states = later.pairing
        .pairs()
        .map(({ secondaryState }) => secondaryState.startsWith('split'));
      if (!states.every((isSplit) => isSplit)) continue;
      const [db] = await later.bytes('copy');
      const [log] = await later.bytes('log-copy');
      expect([seed, db, log]).toEqual([seed, count, count]);
    }
  });
});

async function writeBoth(fixture: PairsFixture, value: number): Promise<void> {
  for (const name of ['db', 'log']) {
    await fixture.write(name, value, [0]);
    await fixture.sync(name);
  }
}

describe('pairs in an array that is read-only', () => {
  it('are changed by no command', async () => {
    const fixture = await PairsFixture.open(2);
    await fixture.write('db', 1, ALL);
    await fixture.create({ pace: 'slow' });
    await fixture.do('split');
    await fixture.drive(fixture.array.sync());
    const readOnly = await fixture.killed();
    Object.assign(readOnly.array, { readOnly: true });
    const commands = [
      () => readOnly.giveCreate({ secondary: 'copy' }),
      () => readOnly.give('split'),
      () => readOnly.give('resync'),
      () => readOnly.give('suspend'),
      () => readOnly.give('delete'),
      () => readOnly.give('now'),
      () => readOnly.pairing.setPairPace([PAIR], 'fast'),
      () => readOnly.pairing.reserveVolumes(['db']),
    ];
    const codes = [];
    for (const command of commands) codes.push((await readOnly.refusal(command)).slice(0, 5));
    expect(new Set(codes.filter((code) => code !== 'EBUSY'))).toEqual(new Set(['EROFS']));
  });
});
