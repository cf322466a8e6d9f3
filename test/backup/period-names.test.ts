/** Days, weeks and hours in time zones. */
import { describe, expect, it } from 'vitest';
import { periodsIn } from '../../src/backup/period-names.js';

describe('the periods of an instant', () => {
  it.each([
    ['2026-01-01T00:00:00Z', '2026-01-01', '2026-W01', '2026-01', '2026'],
    ['2027-01-01T00:00:00Z', '2027-01-01', '2026-W53', '2027-01', '2027'],
    ['2024-12-30T00:00:00Z', '2024-12-30', '2025-W01', '2024-12', '2024'],
    ['2026-11-22T23:59:59Z', '2026-11-22', '2026-W47', '2026-11', '2026'],
    ['2026-11-23T00:00:00Z', '2026-11-23', '2026-W48', '2026-11', '2026'],
    ['1970-01-01T00:00:00Z', '1970-01-01', '1970-W01', '1970-01', '1970'],
  ])('at %s are %s %s %s %s', (time, daily, weekly, monthly, yearly) => {
    expect(periodsIn('UTC')(Date.parse(time))).toMatchObject({ daily, weekly, monthly, yearly });
  });

  it('are those of the zone', () => {
    const ms = Date.parse('2026-06-30T23:00:00Z');
    expect(periodsIn('Asia/Kolkata')(ms)).toEqual({
      ...{ hourly: '2026-07-01 04:00 GMT+5:30', daily: '2026-07-01', weekly: '2026-W27' },
      ...{ monthly: '2026-07', yearly: '2026' },
    });
    expect(periodsIn('America/New_York')(ms).daily).toBe('2026-06-30');
  });
});
