/** How durations are written. */
import { describe, expect, it } from 'vitest';
import { formatDuration } from '../../src/base/clock.js';

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
