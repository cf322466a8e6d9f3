/** Times as users write them. One line per case, in two time zones. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isoTime } from '../../src/base/clock.js';
import { ArrayError } from '../../src/base/errors.js';
import { parseTime } from '../../src/control/command-time.js';

const NOW_MS = Date.parse('2026-11-20T15:30:00Z');
const zoneBefore = process.env.TZ;

function inZone(zone: string): void {
  beforeEach(() => {
    process.env.TZ = zone;
  });
  afterEach(() => {
    if (zoneBefore === undefined) delete process.env.TZ;
    else process.env.TZ = zoneBefore;
  });
}

const parsed = (text: string, nowMs = NOW_MS) => isoTime(parseTime(text, nowMs));

describe('a time in UTC', () => {
  inZone('UTC');

  it.each([
    ['+30s', '2026-11-20T15:30:30.000Z'],
    ['+0s', '2026-11-20T15:30:00.000Z'],
    ['+5m', '2026-11-20T15:35:00.000Z'],
    ['+2h', '2026-11-20T17:30:00.000Z'],
    ['+1d', '2026-11-21T15:30:00.000Z'],
    ['18:00', '2026-11-20T18:00:00.000Z'],
    ['15:30:01', '2026-11-20T15:30:01.000Z'],
    ['15:30', '2026-11-21T15:30:00.000Z'],
    ['03:00', '2026-11-21T03:00:00.000Z'],
    ['2026-11-20T18:00', '2026-11-20T18:00:00.000Z'],
    ['2026-11-20 18:00:30', '2026-11-20T18:00:30.000Z'],
    ['2026-11-20T18:00:00Z', '2026-11-20T18:00:00.000Z'],
    ['2026-11-20T18:00+01:00', '2026-11-20T17:00:00.000Z'],
    ['2028-02-29T00:00', '2028-02-29T00:00:00.000Z'],
  ])('%s is %s', (text, time) => {
    expect(parsed(text)).toBe(time);
  });
});

describe('a time in Berlin', () => {
  inZone('Europe/Berlin');

  it.each([
    ['18:00', '2026-11-20T17:00:00.000Z'],
    ['16:30', '2026-11-21T15:30:00.000Z'],
    ['2026-11-20T18:00', '2026-11-20T17:00:00.000Z'],
    ['2026-07-01T18:00', '2026-07-01T16:00:00.000Z'],
    ['2026-11-20T18:00Z', '2026-11-20T18:00:00.000Z'],
    ['+1h', '2026-11-20T16:30:00.000Z'],
  ])('%s is %s', (text, time) => {
    expect(parsed(text)).toBe(time);
  });

  it('is what the clocks show, also over a night in which they are changed', () => {
    const evening = Date.parse('2026-03-28T20:00:00Z');
    expect(parsed('20:30', evening)).toBe('2026-03-29T18:30:00.000Z');
  });
});

describe('no time', () => {
  it.each([
    ...['', 'now', 'tomorrow', '5m', '+5', '+5w', '+m', '-5m', '+1.5h', '+1234567890s'],
    ...['24:00', '18:60', '8:00', '18', '18:00:60', '18:00Z', '1800'],
    ...[
      '2026-11-20',
      '2026-13-01T00:00',
      '2026-02-30T00:00',
      '2026-11-31T00:00',
      '2026-11-00T00:00',
    ],
    ...[
      '2026-11-20T25:00',
      '2026-11-20T18',
      '2026-11-20T18:00+1',
      '2026-11-20T18:00+99:99',
      '20.11.2026 18:00',
    ],
  ])('is %j', (text) => {
    expect(() => parseTime(text, NOW_MS)).toThrow(ArrayError);
  });
});
