/** Which backups a retention keeps and why, as tables of cases. Entries are written `N@TIME` and what differs from a snapshot. */
import { describe, expect, it } from 'vitest';
import type { BackupEntry } from '../../src/backup/backup-entry.js';
import { keepSchema } from '../../src/backup/definition.js';
import { type RetentionWish, retentionRows } from '../../src/backup/retention.js';
import { repeat } from '../support/factor.js';
import { RandomSource } from '../support/random-source.js';
import { sampleEntry, tapePlace } from './server/server-fixture.js';

const DAY_MS = 86_400_000;
const wish = (keep: object, more: Partial<RetentionWish> = {}): RetentionWish => ({
  ...{ keep: keepSchema.parse(keep), timeZone: 'UTC', incremental: false },
  ...more,
});
const at = (number: number, time: string, more: Partial<BackupEntry> = {}) =>
  sampleEntry(number, { takenMs: Date.parse(time), ...more });
const tape = (since: string | null) => tapePlace('AFS001', since);
const keptOf = (entries: readonly BackupEntry[], rule: RetentionWish) =>
  retentionRows(entries, rule)
    .filter(({ isKept }) => isKept)
    .map(({ id }) => id);

const daily = [1, 2, 3, 4, 5, 6, 7, 8, 9].map((day) => at(day, `2026-03-0${day}T02:30:00Z`));

describe('a retention', () => {
  it.each<[string, BackupEntry[], object, string[]]>([
    ['the newest so many', daily, { last: 3 }, ['9', '8', '7']],
    ['all where there are fewer', daily.slice(0, 2), { last: 3 }, ['2', '1']],
    ['the newest of each day', daily, { daily: 2 }, ['9', '8']],
    [
      'of a day with several the newest',
      [at(1, '2026-03-01T01:00:00Z'), at(2, '2026-03-01T21:00:00Z'), at(3, '2026-03-02T01:00:00Z')],
      { daily: 7 },
      ['3', '2'],
    ],
    [
      'days with a backup alone, whatever lies between',
      [at(1, '2026-01-01T00:00:00Z'), at(2, '2026-02-01T00:00:00Z'), at(3, '2026-03-01T00:00:00Z')],
      { daily: 2 },
      ['3', '2'],
    ],
    ['the newest of each ISO week', daily, { weekly: 2 }, ['9', '8']],
    ['each rule on its own', daily, { daily: 2, weekly: 3 }, ['9', '8', '1']],
    [
      'the newest of each month and year',
      [
        ...[at(1, '2024-12-31T00:00:00Z'), at(2, '2025-06-01T00:00:00Z')],
        ...[at(3, '2025-12-31T00:00:00Z'), at(4, '2026-01-01T00:00:00Z')],
      ],
      { monthly: 1, yearly: 3 },
      ['4', '3', '1'],
    ],
    [
      'two hours of one name apart, when clocks are put back',
      [at(1, '2026-10-25T00:30:00Z'), at(2, '2026-10-25T01:30:00Z')],
      { hourly: 2 },
      ['2', '1'],
    ],
    ['nothing of nothing', [], { last: 1 }, []],
  ])('keeps %s', (_what, entries, keep, expected) => {
    const rows = retentionRows(entries, wish(keep, { timeZone: 'Europe/Vienna' }));
    expect(rows.filter(({ isKept }) => isKept).map(({ id }) => id)).toEqual(expected);
    expect(rows).toHaveLength(entries.length);
  });

  it('says every reason', () => {
    expect(retentionRows(daily.slice(0, 2), wish({ last: 1, daily: 1, weekly: 2 }))).toEqual([
      {
        ...{ id: '2', isKept: true },
        reasons: ['last 1', 'daily 2026-03-02', 'weekly 2026-W10', 'made last'],
      },
      { id: '1', isKept: true, reasons: ['weekly 2026-W09'] },
    ]);
  });

  it('keeps everything where there is none', () => {
    const rows = retentionRows(daily, { ...wish({}), keep: null });
    expect(rows.every(({ isKept, reasons }) => isKept && reasons[0] === 'no retention')).toBe(true);
  });

  it('has days begin in its time zone', () => {
    const entries = [at(1, '2026-03-01T22:30:00Z'), at(2, '2026-03-01T23:30:00Z')];
    expect(keptOf(entries, wish({ daily: 2 }))).toEqual(['2']);
    expect(keptOf(entries, wish({ daily: 2 }, { timeZone: 'Europe/Vienna' }))).toEqual(['2', '1']);
  });

  it('counts each source and each kind of place on its own', () => {
    const other = { sourceUuid: sampleEntry(77).volumeUuid };
    const entries = [
      ...[at(1, '2026-03-01T00:00:00Z'), at(2, '2026-03-02T00:00:00Z')],
      ...[at(3, '2026-03-01T00:00:00Z', other), at(4, '2026-03-02T00:00:00Z', other)],
      at(5, '2026-02-01T00:00:00Z', { place: tape(null) }),
    ];
    expect(keptOf(entries, wish({ last: 1 }))).toEqual(['4', '2', '5']);
  });

  it('keeps what other kept backups are based on, over any number of steps', () => {
    const entries = [
      at(1, '2026-03-01T00:00:00Z', { place: tape(null) }),
      at(2, '2026-03-02T00:00:00Z', { place: tape('1') }),
      at(3, '2026-03-03T00:00:00Z', { place: tape('2') }),
      at(4, '2026-03-03T12:00:00Z', { place: tape('1') }),
    ];
    const rows = retentionRows(entries, wish({ last: 1 }));
    expect(rows.map(({ id, isKept }) => `${id} ${isKept}`)).toEqual([
      ...['4 true', '3 false', '2 false', '1 true'],
    ]);
    expect(keptOf(entries.slice(0, 3), wish({ last: 1 }))).toEqual(['3', '2', '1']);
    expect(rows[3]?.reasons).toEqual(['backup 4 is based on it']);
  });

  it('keeps what the next incremental copy is compared with', () => {
    const entries = [
      at(1, '2026-03-01T00:00:00Z'),
      at(2, '2026-03-01T00:00:00Z', { place: tape(null), copyOf: '1' }),
      ...[at(3, '2026-03-02T00:00:00Z'), at(4, '2026-03-03T00:00:00Z')],
    ];
    expect(keptOf(entries, wish({ last: 1 }))).toEqual(['4', '2']);
    expect(keptOf(entries, wish({ last: 1 }, { incremental: true }))).toEqual(['4', '2', '1']);
  });

  it('never takes away what is not good, and does not count it', () => {
    const entries = [
      ...[at(1, '2026-03-01T00:00:00Z'), at(2, '2026-03-02T00:00:00Z')],
      at(3, '2026-03-03T00:00:00Z', { state: 'damaged' }),
      at(4, '2026-03-04T00:00:00Z', { state: 'missing' }),
    ];
    expect(keptOf(entries, wish({ last: 1 }))).toEqual(['4', '3', '2']);
  });

  it('never takes away the only good one', () => {
    expect(keptOf([at(1, '2020-01-01T00:00:00Z')], wish({}))).toEqual(['1']);
    const damaged = daily.map((entry) => ({ ...entry, state: 'damaged' as const }));
    expect(keptOf([...damaged, at(20, '2020-01-01T00:00:00Z')], wish({}))).toContain('20');
  });

  it('keeps the one made last where the clock has gone back', () => {
    const entries = [...daily, at(10, '2025-01-01T00:00:00Z')];
    expect(keptOf(entries, wish({ last: 2 }))).toEqual(['9', '8', '10']);
  });

  it('leaves a good one of each source and whole chains, whatever the rule (seeded)', () => {
    const random = new RandomSource(9);
    for (let round = 0; round < repeat(200); round += 1) {
      const entries = randomEntries(random);
      const rule = wish(
        { last: random.integer(0, 2), daily: random.integer(0, 3), weekly: random.integer(0, 1) },
        { incremental: random.chance(0.5) },
      );
      const kept = new Set(keptOf(entries, rule));
      const left = entries.filter(({ id }) => kept.has(id));
      for (const { place } of left) {
        if (place.kind === 'tape' && place.since !== null) expect(kept).toContain(place.since);
      }
      const sources = (list: readonly BackupEntry[]) =>
        new Set(list.filter(({ state }) => state === 'good').map(({ sourceUuid }) => sourceUuid));
      expect(sources(left)).toEqual(sources(entries));
    }
  });
});

function randomEntries(random: RandomSource): BackupEntry[] {
  const entries: BackupEntry[] = [];
  for (let number = 1; number <= random.integer(1, 20); number += 1) {
    const tapes = entries.filter(({ place }) => place.kind === 'tape');
    const base = tapes.length > 0 && random.chance(0.7) ? random.pick(tapes).id : null;
    entries.push(
      sampleEntry(number, {
        takenMs: Date.UTC(2026, 0, 1) + random.integer(0, 20) * (DAY_MS / 2),
        sourceUuid: sampleEntry(random.integer(101, 102)).volumeUuid,
        state: random.pick(['good', 'good', 'good', 'missing', 'damaged'] as const),
        ...(random.chance(0.5) && { place: tape(base) }),
      }),
    );
  }
  return entries;
}
