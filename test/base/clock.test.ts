/** How times and durations are written. */
import { afterEach, describe, expect, it } from 'vitest';
import { formatDuration, localTime } from '../../src/base/clock.js';

describe('formatDuration', () => {
  it.each([
    [0.2, '0:01'],
    [59, '0:59'],
    [750, '12:30'],
    [3_600, '1:00:00'],
  ])('writes %d seconds as %s', (seconds, text) => {
    expect(formatDuration(seconds)).toBe(text);
  });
});

describe('localTime', () => {
  const before = process.env.TZ;

  afterEach(() => {
    if (before === undefined) delete process.env.TZ;
    else process.env.TZ = before;
  });

  it.each([
    ['UTC', '2026-11-21T01:30:00+00:00'],
    ['Europe/Berlin', '2026-11-21T02:30:00+01:00'],
    ['America/St_Johns', '2026-11-20T22:00:00-03:30'],
    ['Asia/Kolkata', '2026-11-21T07:00:00+05:30'],
  ])('in %s is %s', (zone, text) => {
    process.env.TZ = zone;
    expect(localTime(Date.UTC(2026, 10, 21, 1, 30, 0, 999))).toBe(text);
  });
});
