/** The hour, day, week (ISO 8601), month and year that an instant lies in, in a time zone, as names that differ where they differ. */

const DAY_MS = 86_400_000;
/** 1970-01-01 was a Thursday. */
const THURSDAY = 4;

export interface PeriodNames {
  readonly hourly: string;
  readonly daily: string;
  readonly weekly: string;
  readonly monthly: string;
  readonly yearly: string;
}

/** Null: the zone of this machine. RangeError where there is no such zone. */
export function periodsIn(timeZone: string | null): (ms: number) => PeriodNames {
  const format = new Intl.DateTimeFormat('en-CA', {
    ...(timeZone === null ? {} : { timeZone }),
    ...({ year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit' } as const),
    hourCycle: 'h23',
    // Two hours of one name, when clocks are put back.
    timeZoneName: 'shortOffset',
  });
  return (ms) => {
    const parts = new Map(format.formatToParts(ms).map(({ type, value }) => [type, value]));
    const year = parts.get('year') ?? '';
    const monthly = `${year}-${parts.get('month')}`;
    const daily = `${monthly}-${parts.get('day')}`;
    const hourly = `${daily} ${parts.get('hour')}:00 ${parts.get('timeZoneName')}`;
    return { hourly, daily, weekly: weekOf(daily), monthly, yearly: year };
  };
}

/** `2026-W47`: a week belongs to the year of its Thursday. */
function weekOf(day: string): string {
  const days = Date.parse(`${day}T00:00:00Z`) / DAY_MS;
  const weekday = ((days + THURSDAY - 1) % 7) + 1;
  const thursday = days + THURSDAY - weekday;
  const year = new Date(thursday * DAY_MS).getUTCFullYear();
  const week = Math.floor((thursday - Date.UTC(year, 0, 1) / DAY_MS) / 7) + 1;
  return `${year}-W${String(week).padStart(2, '0')}`;
}
