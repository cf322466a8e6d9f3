/** What is told of pairs: the table, the file of a pair, the totals, and the roles of volumes. */
import { beforeEach, describe, expect, it } from 'vitest';
import { pairJson, pairText } from '../../src/control/pair-tables.js';
import { FakeArray } from './fake-array.js';
import { tableNamed } from './table-named.js';

const OPTIONS = { mode: 'mirror', pace: 'fast', sync: false, force: false } as const;

let array: FakeArray;

const text = (name: string) => tableNamed(name).text(array);
const json = (name: string) => JSON.parse(tableNamed(name).json(array));

beforeEach(async () => {
  array = new FakeArray();
  for (const name of ['db', 'db-copy', 'db-copy2', 'spare']) {
    await array.createVolume({ name, sizeBytes: 64 * 2 ** 20 });
  }
  await array.createPair('db', 'db-copy', OPTIONS);
  await array.createPair('db', 'db-copy2', { ...OPTIONS, pace: 'slow' });
  array.finishCopy('db:db-copy');
  const copying = array.pair('db:db-copy2');
  copying.bits.pending.clear(0, 256);
  copying.bytesPerSecond = 2 * 2 ** 20;
  await array.reserveVolumes(['spare']);
});

describe('status/pairs', () => {
  it('shows the state of both sides, progress, rate and time left', () => {
    expect(text('pairs')).toBe(
      [
        'NUMBER  PRIMARY  SECONDARY  PRIMARY-STATE   SECONDARY-STATE  COPIED  UNEQUAL  PACE  RATE  LEFT  REASON',
        '     1  db       db-copy    duplex          duplex             100%        0  fast     -     -  -',
        '     2  db       db-copy2   duplex-pending  duplex-pending      25%      768  slow  2M/s  0:24  -',
        '',
      ].join('\n'),
    );
  });

  it('has everything in JSON', () => {
    expect(json('pairs')[1]).toEqual({
      ...{ number: 2, name: 'db:db-copy2', primary: 'db', secondary: 'db-copy2' },
      ...{ primaryPool: 'pool0', secondaryPool: 'pool0', mode: 'mirror', sync: false },
      ...{ state: 'duplex-pending', primaryState: 'duplex-pending' },
      ...{ secondaryState: 'duplex-pending', reason: '', pace: 'slow' },
      ...{ trackCount: 1024, copyPointer: 256, copiedPercent: 25, pendingTracks: 768 },
      ...{ primaryChangedTracks: 0, secondaryChangedTracks: 0, unequalTracks: 768 },
      ...{ bytesPerSecond: 2 * 2 ** 20, secondsLeft: 24 },
      ...{ created: '2026-01-01T00:00:09.000Z', createdMs: Date.UTC(2026, 0, 1, 0, 0, 9) },
      ...{ reasonSince: null, reasonSinceMs: null },
      ...{ split: null, splitMs: null, synchronised: null, synchronisedMs: null },
    });
  });

  it('says 99% as long as one track is to be copied', () => {
    array.pair('db:db-copy').bits.pending.set(7);
    expect(text('pairs')).toMatch(/ db-copy +duplex +duplex +99% +1 /);
  });

  it('counts what differs as not copied while a pair is suspended', () => {
    array.pair('db:db-copy').bits.pending.set(0, 32);
    array.pair('db:db-copy').bits.primaryChanged.set(512, 256);
    array.happens('db:db-copy', 'secondary-lost', 'pool mirror has failed');
    expect(text('pairs')).toMatch(/ db-copy +suspended +suspended +71% +288 /);
  });

  it('says why a pair is suspended', () => {
    array.happens('db:db-copy', 'secondary-lost', 'pool mirror has failed');
    expect(text('pairs')).toMatch(/ db-copy +suspended +suspended .* pool mirror has failed$/m);
  });
});

describe('the file of a pair', () => {
  it('shows a line for each of its columns', async () => {
    await array.splitPairs(['db:db-copy'], {});
    array.pair('db:db-copy').bits.primaryChanged.set(10, 3);
    expect(pairText(array.pair('db:db-copy'))).toBe(
      [
        'number             1',
        'primary            db',
        'secondary          db-copy',
        'primary-state      split',
        'secondary-state    split-pending',
        'reason             -',
        'since              -',
        'copied             100%',
        'unequal            3',
        'pace               fast',
        'rate               -',
        'left               -',
        'primary-pool       pool0',
        'secondary-pool     pool0',
        'mode               mirror',
        'state              split-pending',
        'sync               no',
        'tracks             1024',
        'copy-pointer       -',
        'pending            0',
        'primary-changed    3',
        'secondary-changed  0',
        'created            2026-01-01T00:00:08Z',
        'split              2026-01-01T00:00:12Z',
        'synchronised       2026-01-01T00:00:10Z',
        '',
      ].join('\n'),
    );
  });

  it('says the same as the row of the table in JSON', () => {
    expect(JSON.parse(pairJson(array.pair('db:db-copy2')))).toEqual(json('pairs')[1]);
  });
});

describe('status/pairusage', () => {
  it('has the totals of seed 003, figure 11A', () => {
    expect(json('pairusage')).toEqual({
      ...{ volumes: 4, volumesMax: 16_384, reserved: 3, reservedMax: 16_384, reservedFree: 1 },
      ...{ pairs: 2, pairsMax: 4_096, primaries: 1, pairsCopying: 1, pairsSuspended: 0 },
    });
    expect(text('pairusage')).toMatch(/^reserved and free +1$/m);
  });

  it('counts no pair on demand that waits for its copy as copying', async () => {
    await array.createVolume({ name: 'late', sizeBytes: 64 * 2 ** 20 });
    await array.createPair('db', 'late', { ...OPTIONS, mode: 'on-demand' });
    expect(json('pairusage')).toMatchObject({ pairs: 3, pairsCopying: 1 });
  });
});

describe('status/volumes', () => {
  it('shows mirrors and roles', async () => {
    await array.createVolume({ name: 'alone', sizeBytes: 512 });
    const [head = '', ...lines] = text('volumes').trimEnd().split('\n');
    const [from, to] = [head.indexOf('MIRRORS'), head.indexOf('SNAPSHOTS')];
    expect(lines.map((line) => line.slice(from, to).trim().split(/ {2,}/))).toEqual([
      ['#2-3', 'primary'],
      ['-', 'secondary of db'],
      ['-', 'secondary of db'],
      ['-', 'reserved'],
      ['-', '-'],
    ]);
    expect(json('volumes').slice(0, 2)).toMatchObject([
      { mirrors: [2, 3], reserved: false, primary: null },
      { mirrors: [], reserved: true, primary: 'db' },
    ]);
  });
});
