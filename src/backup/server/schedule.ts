/**
 * When a definition is due: cron patterns in a time zone, as pure functions of times. The only file that knows croner's
 * interface.
 */
import { Cron } from 'croner';
import { asArrayError } from '../../base/errors.js';
import type { BackupDefinition } from '../definition.js';

export type Schedule = NonNullable<BackupDefinition['schedule']>;

/** Of missed times no more are counted. */
const COUNTED_MAX = 1_000;

export interface DueTimes {
  /** The last scheduled time that is not after now. */
  readonly lastMs: number;
  readonly count: number;
}

/** Why it cannot be used, or undefined. */
export function scheduleProblem(schedule: Schedule, nowMs: number): string | undefined {
  const { timeZone } = schedule;
  if (timeZone !== null && !isTimeZone(timeZone)) {
    return `not a schedule: '${schedule.cron}' in time zone ${timeZone}: there is no such zone`;
  }
  try {
    const next = nextTime(schedule, nowMs);
    return next === null ? `the schedule '${schedule.cron}' never comes` : undefined;
  } catch (error) {
    const why = asArrayError(error).reason.replace(/^Cron\w+: /, '');
    return `not a schedule: '${schedule.cron}': ${why}`;
  }
}

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).format() !== '';
  } catch {
    return false;
  }
}

/** The first scheduled time after `afterMs`, null where there is none. */
export function nextTime(schedule: Schedule, afterMs: number): number | null {
  return cronOf(schedule).nextRun(new Date(afterMs))?.getTime() ?? null;
}

/** The scheduled times after `untilMs` that have come; undefined where there is none. */
export function dueTimes(schedule: Schedule, untilMs: number, nowMs: number): DueTimes | undefined {
  const cron = cronOf(schedule);
  let lastMs = 0;
  let count = 0;
  let next = cron.nextRun(new Date(untilMs));
  while (next !== null && next.getTime() <= nowMs && count < COUNTED_MAX) {
    lastMs = next.getTime();
    count += 1;
    next = cron.nextRun(next);
  }
  if (count === COUNTED_MAX) {
    // The last of very many; one that is due this very second is not among the previous ones.
    const newest = cron.previousRuns(1, new Date(nowMs + 1_000))[0];
    if (newest !== undefined && newest.getTime() <= nowMs) lastMs = newest.getTime();
  }
  return count === 0 ? undefined : { lastMs, count };
}

/** Without a function nothing is ever run by croner itself. */
function cronOf({ cron, timeZone }: Schedule): Cron {
  return new Cron(cron, {
    mode: '5-or-6-parts',
    ...(timeZone === null ? {} : { timezone: timeZone }),
  });
}
