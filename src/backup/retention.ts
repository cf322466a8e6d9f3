/**
 * Which backups of a definition are kept, and why. A rule counts for each source and each kind of place (snapshots, mirrors,
 * tapes, arrays) on its own: the newest so many, and the newest of each hour, day, week, month and year. Beyond the rule are
 * kept: what another kept backup is based on, what the next incremental copy will be based on, the one made last, what
 * is not good (somebody may still want to look at it), and the only good one of a source.
 */
import type { RetentionRow } from './api.js';
import type { BackupEntry } from './backup-entry.js';
import type { KeepRule } from './definition.js';
import { type PeriodNames, periodsIn } from './period-names.js';

export interface RetentionWish {
  /** Null: everything is kept. */
  readonly keep: KeepRule | null;
  /** IANA name of the zone in which days begin and end; null: that of this machine. */
  readonly timeZone: string | null;
  /** Copies on the second medium hold only what has changed. */
  readonly incremental: boolean;
}

const PERIODS = ['hourly', 'daily', 'weekly', 'monthly', 'yearly'] as const;

/** Newest first; each with all the reasons for which it is kept, or none. */
export function retentionRows(
  entries: readonly BackupEntry[],
  wish: RetentionWish,
): RetentionRow[] {
  const newestFirst = [...entries].sort(
    (a, b) => b.takenMs - a.takenMs || b.jobNumber - a.jobNumber || a.memberNumber - b.memberNumber,
  );
  const reasons = new Map(newestFirst.map(({ id }) => [id, [] as string[]]));
  const keepFor = (id: string, reason: string) => void reasons.get(id)?.push(reason);
  if (wish.keep === null) {
    for (const { id } of newestFirst) keepFor(id, 'no retention');
  } else {
    applyRules(newestFirst, { ...wish, keep: wish.keep }, keepFor);
    keepSomeOfEachSource(newestFirst, reasons);
    keepBases(newestFirst, reasons);
  }
  return newestFirst.map(({ id }) => {
    const found = reasons.get(id) ?? [];
    return { id, isKept: found.length > 0, reasons: found };
  });
}

type KeepFor = (id: string, reason: string) => void;

function applyRules(
  newestFirst: readonly BackupEntry[],
  { keep, timeZone, incremental }: RetentionWish & { readonly keep: KeepRule },
  keepFor: KeepFor,
): void {
  const periodsOf = periodsIn(timeZone);
  for (const { id, state } of newestFirst) {
    if (state !== 'good') keepFor(id, `${state}: only removed by hand`);
  }
  for (const series of seriesOf(newestFirst)) {
    for (const { id } of series.slice(0, keep.last)) keepFor(id, `last ${keep.last}`);
    keepPeriods(series, keep, periodsOf, keepFor);
    const madeLast = series.reduce((a, b) => (b.jobNumber > a.jobNumber ? b : a));
    keepFor(madeLast.id, 'made last');
  }
  if (incremental) keepForNextCopy(newestFirst, keepFor);
}

/** Good ones of one source and kind, newest first. */
function seriesOf(newestFirst: readonly BackupEntry[]): BackupEntry[][] {
  const series = new Map<string, BackupEntry[]>();
  for (const entry of newestFirst) {
    if (entry.state !== 'good') continue;
    const key = `${entry.place.kind} ${entry.sourceUuid}`;
    series.set(key, [...(series.get(key) ?? []), entry]);
  }
  return [...series.values()];
}

function keepPeriods(
  series: readonly BackupEntry[],
  keep: KeepRule,
  periodsOf: (ms: number) => PeriodNames,
  keepFor: KeepFor,
): void {
  const seen = new Set<string>();
  const counts = { hourly: 0, daily: 0, weekly: 0, monthly: 0, yearly: 0 };
  for (const { id, takenMs } of series) {
    const names = periodsOf(takenMs);
    for (const period of PERIODS) {
      const name = `${period} ${names[period]}`;
      if (counts[period] >= keep[period] || seen.has(name)) continue;
      seen.add(name);
      counts[period] += 1;
      keepFor(id, name);
    }
  }
}

/** What the newest copy was made of is what the next one is compared with. */
function keepForNextCopy(newestFirst: readonly BackupEntry[], keepFor: KeepFor): void {
  const sources = new Set<string>();
  for (const { copyOf, sourceUuid, place } of newestFirst) {
    const key = `${place.kind} ${sourceUuid}`;
    if (copyOf === null || sources.has(key)) continue;
    sources.add(key);
    keepFor(copyOf, 'the next incremental copy is based on it');
  }
}

function keepSomeOfEachSource(
  newestFirst: readonly BackupEntry[],
  reasons: ReadonlyMap<string, string[]>,
): void {
  const good = newestFirst.filter(({ state }) => state === 'good');
  for (const source of new Set(good.map(({ sourceUuid }) => sourceUuid))) {
    const own = good.filter(({ sourceUuid }) => sourceUuid === source);
    const kept = own.filter(({ id }) => (reasons.get(id)?.length ?? 0) > 0);
    const [only] = kept.length === 0 ? own : kept.length === 1 ? kept : [];
    if (only !== undefined) reasons.get(only.id)?.push('the only good one');
  }
}

/** Newest first, so what a base is based on is reached, too; whatever the order of their times, until nothing changes. */
function keepBases(
  newestFirst: readonly BackupEntry[],
  reasons: ReadonlyMap<string, string[]>,
): void {
  const pending = newestFirst.filter(({ id }) => (reasons.get(id)?.length ?? 0) > 0);
  const byId = new Map(newestFirst.map((entry) => [entry.id, entry]));
  for (let entry = pending.pop(); entry !== undefined; entry = pending.pop()) {
    const base = entry.place.kind === 'tape' ? entry.place.since : null;
    const found = base === null ? undefined : byId.get(base);
    if (found === undefined) continue;
    const own = reasons.get(found.id) ?? [];
    if (own.length === 0) pending.push(found);
    own.push(`backup ${entry.id} is based on it`);
  }
}
