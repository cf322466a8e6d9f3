/** Cron patterns in time zones, and which times have come. */
import { describe, expect, it } from 'vitest';
import { dueTimes, nextTime, scheduleProblem } from '../../../src/backup/server/schedule.js';

const ms = (time: string) => Date.parse(time);
const vienna = { cron: '30 2 * * *', timeZone: 'Europe/Vienna' };
const utc = (cron: string) => ({ cron, timeZone: 'UTC' });

describe('the next time', () => {
  it.each([
    ['in winter', vienna, '2026-01-10T00:00:00Z', '2026-01-10T01:30:00Z'],
    ['in summer', vienna, '2026-07-10T00:00:00Z', '2026-07-10T00:30:00Z'],
    ['on the day that has no 2:30, once', vienna, '2026-03-28T12:00:00Z', '2026-03-29T01:00:00Z'],
    [
      'on the day that has 2:30 twice, once',
      vienna,
      '2026-10-25T00:30:00Z',
      '2026-10-26T01:30:00Z',
    ],
    ['of a nickname', utc('@daily'), '2026-01-10T00:00:00Z', '2026-01-11T00:00:00Z'],
    ['with seconds', utc('*/10 * * * * *'), '2026-01-10T00:00:01Z', '2026-01-10T00:00:10Z'],
    ['on a leap day', utc('0 0 29 2 *'), '2026-01-10T00:00:00Z', '2028-02-29T00:00:00Z'],
  ])('comes %s', (_what, schedule, after, expected) => {
    expect(nextTime(schedule, ms(after))).toBe(ms(expected));
  });
});

describe('a schedule', () => {
  it.each([
    ['nonsense', utc('now and then'), "not a schedule: 'now and then'"],
    ['a field out of range', utc('61 * * * *'), "not a schedule: '61 * * * *'"],
    ['no zone', { cron: '0 0 * * *', timeZone: 'Mars/Olympus' }, 'in time zone Mars/Olympus'],
    ['a day that never comes', utc('0 0 30 2 *'), 'never comes'],
  ])('is refused with a reason: %s', (_what, schedule, reason) => {
    expect(scheduleProblem(schedule, ms('2026-01-01T00:00:00Z'))).toContain(reason);
  });

  it('is accepted with five fields, six, and without a zone', () => {
    for (const cron of ['30 2 * * *', '0 30 2 * * *']) {
      expect(scheduleProblem({ cron, timeZone: null }, 0)).toBeUndefined();
    }
  });
});

describe('due times', () => {
  const hourly = utc('0 * * * *');
  it.each([
    ['none', '2026-01-01T10:00:00Z', '2026-01-01T10:59:59Z', undefined],
    [
      'one, at its very moment',
      '2026-01-01T10:00:00Z',
      '2026-01-01T11:00:00Z',
      ['2026-01-01T11:00:00Z', 1],
    ],
    ['several', '2026-01-01T10:00:00Z', '2026-01-01T13:30:00Z', ['2026-01-01T13:00:00Z', 3]],
    [
      'none where the clock has gone back',
      '2026-01-01T10:00:00Z',
      '2026-01-01T09:30:00Z',
      undefined,
    ],
    [
      'very many, counted up to 1,000',
      '2026-01-01T10:00:00Z',
      '2027-01-01T10:30:00Z',
      ['2027-01-01T10:00:00Z', 1_000],
    ],
  ] as const)('are %s', (_what, until, now, expected) => {
    const due = dueTimes(hourly, ms(until), ms(now));
    expect(due).toEqual(expected && { lastMs: ms(expected[0]), count: expected[1] });
  });
});
