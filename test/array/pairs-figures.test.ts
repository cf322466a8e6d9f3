/** The flows of the figures of [003] and [001], as one goes through them with an array. */
import { describe, expect, it } from 'vitest';
import { TRACK_BYTES } from '../../src/base/sizes.js';
import { PACE_TRACKS } from '../../src/pair/difference-bits.js';
import { PAIR, PairsFixture } from './pairs-fixture.js';

const ALL = [0, 1, 2, 3, 4, 5, 6, 7];

async function defined(): Promise<PairsFixture> {
  const fixture = await PairsFixture.open(2);
  await fixture.write('db', 1, ALL);
  await fixture.create({ mode: 'on-demand', pace: 'slow' });
  return fixture;
}

describe('[003]', () => {
  it('fig. 2: a pair is created, copied, resynchronised and deleted', async () => {
    const fixture = await defined();
    const states = [fixture.pair.state];
    await fixture.do('copy');
    states.push(fixture.pair.state);
    await fixture.until('split');
    states.push(fixture.pair.state);
    await fixture.do('resync');
    states.push(fixture.pair.state);
    await fixture.do('delete');
    expect(states).toEqual(['defined', 'split-pending', 'split', 'defined']);
    expect(fixture.pairing.pairs()).toEqual([]);
    // 212: the secondary is available for writing upon being unreserved.
    expect(await fixture.refusal(() => fixture.write('copy', 1, [0]))).toMatch(/^EROFS/);
    await fixture.drive(fixture.pairing.unreserveVolumes(['copy']));
    expect(await fixture.refusal(() => fixture.write('copy', 1, [0]))).toBe('accepted');
  });

  it('fig. 3: pair information is a number, a status, both volumes and a copy pointer', async () => {
    const fixture = await defined();
    await fixture.do('copy');
    const { array, pair } = fixture;
    const pointer = pair.copyPointer as number;
    await fixture.clock.advance(30);
    expect(fixture.pair.copyPointer).toBeGreaterThan(pointer);
    expect(pair.number).toBeGreaterThan(0);
    expect([pair.primarySide.volume.number, pair.secondarySide.volume.number]).toEqual([
      array.volume('db').number,
      array.volume('copy').number,
    ]);
    expect([pair.primaryState, pair.secondaryState]).toEqual(['split', 'split-pending']);
  });

  it('fig. 4: a bit tells of each track whether both sides are equal there', async () => {
    const fixture = await defined();
    expect(fixture.pair.unequalTracks).toBe(8);
    await fixture.do('copy');
    await fixture.until('split');
    expect(fixture.pair.unequalTracks).toBe(0);
    await fixture.write('db', 2, [2, 3]);
    await fixture.write('copy', 3, [3, 7]);
    expect(fixture.pair.unequalTracks).toBe(3);
  });

  it('fig. 5: copy is done to a pair that is defined only, and repeated until nothing is left', async () => {
    const fixture = await defined();
    await fixture.do('copy');
    const [again] = await fixture.do('copy');
    expect(again).toMatchObject({ isPerformed: false });
    await fixture.until('split');
    expect(fixture.pair.copyPointer).toBe(undefined);
    expect((await fixture.do('copy'))[0]).toMatchObject({ isPerformed: false });
    expect(await fixture.bytes('copy')).toEqual(ALL.map(() => 1));
  });

  it('fig. 6: one step at pace slow copies the next unequal track and moves the pointer', async () => {
    const fixture = await defined();
    await fixture.do('copy');
    const pointers = new Set<number | undefined>();
    while (fixture.pair.state === 'split-pending') {
      const { copyPointer, pendingTracks } = fixture.pair;
      pointers.add(copyPointer);
      expect(pendingTracks).toBe(copyPointer === undefined ? 0 : 8 - copyPointer);
      await fixture.clock.advance(1);
    }
    expect(pointers.size).toBeGreaterThan(5);
    expect(PACE_TRACKS).toEqual({ slow: 1, medium: 3, fast: 15 });
  });

  it('fig. 7: a command names its pair by primary and secondary, by their names or numbers', async () => {
    const fixture = await defined();
    const { array, pairing } = fixture;
    const name = `#${array.volume('db').number}:#${array.volume('copy').number}`;
    expect(pairing.pair(name)).toBe(fixture.pair);
    expect(await fixture.refusal(() => fixture.give('copy', 'copy:db'))).toMatch(/^ENOENT/);
    await fixture.drive(pairing.copyPairs([name], {}));
    expect(fixture.pair.state).toBe('split-pending');
  });

  it('fig. 8: commands lead from no pair to not copied, copying, copied, and back from everywhere', async () => {
    for (const state of ['defined', 'split-pending', 'split']) {
      const fixture = await defined();
      if (state !== 'defined') await fixture.do('copy');
      await fixture.until(state);
      await fixture.do('now');
      expect(fixture.pairing.pairs()).toEqual([]);
    }
  });

  it('fig. 9: a change of a track that is not copied yet does not reach the secondary', async () => {
    const fixture = await defined();
    await fixture.do('copy');
    // 903: one that is copied already, and one that is not.
    while ((fixture.pair.copyPointer ?? 0) < 2) await fixture.clock.advance(1);
    await fixture.write('db', 2, [0, 7]);
    expect(await fixture.bytes('copy')).toEqual(ALL.map(() => 1));
    await fixture.until('split');
    expect(await fixture.bytes('copy')).toEqual(ALL.map(() => 1));
    expect(await fixture.bytes('db')).toEqual([2, 1, 1, 1, 1, 1, 1, 2]);
    expect(fixture.pair.unequalTracks).toBe(2);
  });

  it('fig. 10A: a host write is answered before its copy reaches the secondary', async () => {
    const fixture = await PairsFixture.open(2);
    await fixture.duplex();
    const { array } = fixture;
    const image = array.openImage(array.volume('db'), { write: true });
    expect(image.write(4 * TRACK_BYTES, new Uint8Array(512).fill(2))).toBe(512);
    image.close();
    expect(fixture.pair.primaryChangedTracks).toBe(1);
    await fixture.quiet();
    expect((await fixture.bytes('copy'))[4]).toBe(2);
  });

  it.each([1, 2] as const)(
    'fig. 10B: a block is copied with a check code for its new address, in %i pools',
    async (pools) => {
      const fixture = await PairsFixture.open(pools);
      await fixture.duplex();
      await fixture.drive(fixture.array.sync());
      // The scrub compares the code of every block with volume, block and content.
      for (const name of ['db', 'copy']) {
        const job = await fixture.drive(fixture.array.scrub(name));
        while (fixture.array.job(job.id).state === 'running') await fixture.clock.advance(10);
        expect(fixture.array.job(job.id).state).toBe('done');
      }
      expect(fixture.array.recentEvents(50).filter(({ code }) => code === 'DAMAGED')).toEqual([]);
    },
  );

  it('fig. 11: reserved volumes, pairs, their states and their history can be seen', async () => {
    const fixture = await defined();
    await fixture.do('copy');
    await fixture.until('split');
    await fixture.do('resync');
    await fixture.do('delete');
    const told = fixture.array.recentEvents(50).filter(({ subject }) => subject === PAIR);
    expect(told.map(({ code }) => code)).toEqual([
      'PAIR-CREATED',
      'PAIR-COPY',
      'PAIR-COPIED',
      'PAIR-RESYNC',
      'PAIR-DELETED',
    ]);
    expect(fixture.array.volume('copy').reserved).toBe(true);
  });
});

describe('[001]', () => {
  it('fig. 1: the online host writes to the source while the backup host reads the target', async () => {
    const fixture = await PairsFixture.open(2);
    await fixture.duplex();
    await fixture.do('split');
    for (const track of ALL) {
      await fixture.write('db', 9, [track]);
      expect((await fixture.bytes('copy')).slice(0, 5)).toEqual([1, 1, 1, 1, 1]);
    }
  });

  it('fig. 2: the states of source and target are seen apart', async () => {
    const fixture = await PairsFixture.open(2);
    await fixture.write('db', 1, ALL);
    const seen: string[] = [];
    const look = () => seen.push(`${fixture.pair.primaryState}/${fixture.pair.secondaryState}`);
    await fixture.create({ pace: 'slow' });
    look();
    await fixture.until('duplex');
    look();
    await fixture.write('db', 2, ALL);
    await fixture.do('split');
    look();
    await fixture.until('split');
    look();
    expect(seen).toEqual([
      'duplex-pending/duplex-pending',
      'duplex/duplex',
      'split/split-pending',
      'split/split',
    ]);
  });

  it('fig. 3: a split is reported at once, and what a backup wants first is copied first', async () => {
    const fixture = await PairsFixture.open(2, 64);
    await fixture.write(
      'db',
      1,
      Array.from({ length: 64 }, (_, track) => track),
    );
    await fixture.create({ pace: 'slow' });
    await fixture.do('split');
    expect(fixture.pair.pendingTracks).toBeGreaterThan(50);
    await fixture.drive(fixture.pair.copyNow({ track: 40, count: 5 }));
    for (const track of [40, 41, 42, 43, 44]) {
      expect(fixture.pair.secondarySide.pending.bits.has(track)).toBe(false);
    }
    await fixture.until('split');
    expect((await fixture.content('copy')).equals(await fixture.content('db'))).toBe(true);
  });
});
