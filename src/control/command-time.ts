/**
 * A point in time as users write it, for `at=`:
 *
 *   +30s  +5m  +2h  +1d        from now
 *   18:00  18:00:30            the next time that the clocks here show so
 *   2026-11-20T18:00[:30]      local time; with Z or +01:00 at its end that of UTC or of the offset
 *
 * `here` and `local` are the time zone of the array's daemon.
 */
import { ArrayError } from '../base/errors.js';

const FROM_NOW = /^\+(\d{1,9})([smhd])$/;
const CLOCK = /^([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?$/;
const DATE = /^(\d{4})-(\d\d)-(\d\d)[T ]([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?(Z|[+-]\d\d:\d\d)?$/;
const UNIT_MS: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** Milliseconds since 1970 of `text`, seen from `nowMs`; EINVAL where it is no time. */
export function parseTime(text: string, nowMs: number): number {
  const atMs = fromNow(text, nowMs) ?? nextOnClock(text, nowMs) ?? dateTime(text);
  if (atMs !== undefined) return atMs;
  throw new ArrayError(
    'EINVAL',
    `not a time: '${text}' (examples: +30s, +5m, 18:00, 2026-11-20T18:00, 2026-11-20T18:00:00Z)`,
  );
}

function fromNow(text: string, nowMs: number): number | undefined {
  const [, count, unit = ''] = FROM_NOW.exec(text) ?? [];
  return count === undefined ? undefined : nowMs + Number(count) * (UNIT_MS[unit] ?? 0);
}

function nextOnClock(text: string, nowMs: number): number | undefined {
  const [, hours, minutes, seconds = 0] = CLOCK.exec(text) ?? [];
  if (hours === undefined) return undefined;
  const time = new Date(nowMs);
  time.setHours(Number(hours), Number(minutes), Number(seconds), 0);
  // By the calendar: a day in which the clocks are changed has not 24 hours.
  if (time.getTime() <= nowMs) time.setDate(time.getDate() + 1);
  return time.getTime();
}

function dateTime(text: string): number | undefined {
  const [, year, month, day] = DATE.exec(text) ?? [];
  if (year === undefined) return undefined;
  // Date.parse takes 30 February for 2 March.
  const date = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)));
  if (date.getUTCMonth() + 1 !== Number(month)) return undefined;
  const atMs = Date.parse(text.replace(' ', 'T'));
  return Number.isNaN(atMs) ? undefined : atMs;
}
