/**
 * Online and backup processing in turns ([002] fig. 11): which of the two goes next where both use one port, or one array. The
 * user sets the share of each, an amount of data or a time, and changes it while it runs. In [002] online has a time
 * and backup an amount; ratios give both the same unit.
 *
 * A turn ends when its share is used up; a time also when nobody was there to use it. Online is there while a request waits, or
 * one came less than QUIET_MS ago: a host that sends one request after the other is not taken for idle between them. Where one of
 * them is not there the other goes on at once, and it costs no share: nothing waits for nobody.
 *
 *    turn     online is there   backup waits   goes      turn afterwards
 *    online   yes               yes            online    backup, when the share is used up
 *    backup   yes               yes            backup    online, when the share is used up
 *    any      no                yes            backup    the same
 *    any      yes               no             online    the same
 *    any      no                no             none      the same
 */
import { ArrayError } from '../base/errors.js';
import { TURN_BYTES_MAX, TURN_MS_MAX } from '../base/limits.js';
import { printable } from '../base/names.js';
import { formatSize, parseSize } from '../base/sizes.js';
import { PeriodCounts } from './period-counts.js';

export type TurnKind = 'online' | 'backup';

/** What one may do in its turn, 1 at least. */
export interface Share {
  readonly unit: 'bytes' | 'ms';
  readonly value: number;
}
export type TurnRule = Readonly<Record<TurnKind, Share>>;

/** Milliseconds without a request after which hosts are taken for idle. */
export const QUIET_MS = 5;
/** What 1 of a ratio is: a chunk of backup data, and a time in which several fit. */
const RATIO_UNITS = { bytes: 256 * 1024, ms: 4 } as const;
const RATIO_MAX = 1_000;
const RATE_PERIOD_MS = 1_000;

/** The rule of a ratio `online:backup`, such as 10:1. EINVAL unless both are 1 to 1,000. */
export function ratioRule(text: string, unit: Share['unit']): TurnRule {
  const [, online = 0, backup = 0] = (/^(\d{1,4}):(\d{1,4})$/.exec(text) ?? []).map(Number);
  if (Math.min(online, backup) < 1 || Math.max(online, backup) > RATIO_MAX) {
    throw new ArrayError(
      'EINVAL',
      `'${printable(text)}' is no ratio of online to backup (1:1000 to 1000:1)`,
    );
  }
  const share = (parts: number) => ({ unit, value: parts * RATIO_UNITS[unit] });
  return { online: share(online), backup: share(backup) };
}

/** What an array begins with: online has ten times the time of backup. */
export const FIRST_RULE = ratioRule('10:1', 'ms');

/** An amount as `256K`, or a time as `40ms` or `2s`. EINVAL for anything else. */
export function parseShare(text: string): Share {
  const [, digits, unit] = /^(\d{1,6})(ms|s)$/.exec(text) ?? [];
  const share: Share =
    digits === undefined
      ? { unit: 'bytes', value: parseSize(text) }
      : { unit: 'ms', value: Number(digits) * (unit === 's' ? 1_000 : 1) };
  if (isShare(share)) return share;
  const most = `${formatSize(TURN_BYTES_MAX)} or ${TURN_MS_MAX} ms`;
  throw new ArrayError('EINVAL', `a share is at least 1 and at most ${most}`);
}

export function isShare({
  unit,
  value,
}: {
  readonly unit: string;
  readonly value: number;
}): boolean {
  const most = unit === 'bytes' ? TURN_BYTES_MAX : TURN_MS_MAX;
  return (unit === 'bytes' || unit === 'ms') && value >= 1 && value <= most;
}

/** `10:1`; undefined where one has a time and the other an amount. */
export function ratioText({ online, backup }: TurnRule): string | undefined {
  if (online.unit !== backup.unit) return undefined;
  const divisor = greatestDivisor(online.value, backup.value);
  return `${online.value / divisor}:${backup.value / divisor}`;
}

function greatestDivisor(one: number, other: number): number {
  return other === 0 ? one : greatestDivisor(other, one % other);
}

/** How many requests, and backups, wait at the moment. */
export type Waiting = Readonly<Record<TurnKind, number>>;

export interface NextTurn {
  readonly next: TurnKind | 'none';
  /** Where only time changes it: ask again after so many milliseconds. */
  readonly againMs?: number;
  /** One line for people. */
  readonly reason: string;
}

export class Turns {
  private turn: TurnKind = 'online';
  private startedMs: number;
  private movedBytes = 0;
  private lastOnlineMs = Number.NEGATIVE_INFINITY;
  /** Backup was let go because online was not there. */
  private isGap = false;
  private readonly moved: PeriodCounts<Record<TurnKind, number>>;

  /** `nowMs`, here and below, on a clock that never goes back. */
  constructor(
    private current: TurnRule,
    nowMs: number,
  ) {
    this.startedMs = nowMs;
    this.moved = new PeriodCounts(() => ({ online: 0, backup: 0 }), RATE_PERIOD_MS, nowMs);
  }

  get rule(): TurnRule {
    return this.current;
  }

  /** Counts from now on; a new turn begins. */
  setRule(rule: TurnRule, nowMs: number): void {
    this.current = rule;
    this.begin('online', nowMs);
  }

  /** A request of a host was done. */
  onlineDone(bytes: number, nowMs: number): void {
    this.lastOnlineMs = nowMs;
    this.moved.current(nowMs).online += bytes;
    if (this.turn === 'online') this.movedBytes += bytes;
  }

  /** Backup data was moved, after `next` said so. */
  backupDone(bytes: number, nowMs: number): void {
    this.moved.current(nowMs).backup += bytes;
    if (this.turn === 'backup' && !this.isGap) this.movedBytes += bytes;
  }

  /** Bytes a second of both, in the last whole second. */
  rates(nowMs: number): Waiting {
    return this.moved.last(nowMs);
  }

  /** The share of the turn under way is used up. */
  isOver(nowMs: number): boolean {
    return this.used(nowMs) >= this.current[this.turn].value;
  }

  /** Who goes next; ends the turn that is under way where its share is used up. */
  next(waiting: Waiting, nowMs: number): NextTurn {
    const isOnline = waiting.online > 0 || nowMs - this.lastOnlineMs < QUIET_MS;
    this.isGap = !isOnline;
    if (isOnline && waiting.backup > 0) return this.ofTurn(waiting, nowMs);
    if (waiting.backup > 0) return { next: 'backup', reason: `no host request for ${QUIET_MS} ms` };
    if (waiting.online > 0) return { next: 'online', reason: 'no backup waits' };
    return { next: 'none', reason: 'nothing waits' };
  }

  private ofTurn(waiting: Waiting, nowMs: number): NextTurn {
    if (this.isOver(nowMs)) {
      this.begin(this.turn === 'online' ? 'backup' : 'online', nowMs);
    }
    const { turn } = this;
    const { unit, value } = this.current[turn];
    const used = shareText({ unit, value: this.used(nowMs) });
    const reason = `the turn of ${turn}: ${used} of ${shareText({ unit, value })}`;
    if (turn === 'backup' || waiting.online > 0) return { next: turn, reason };
    // Between two requests of a host: until it is quiet, or its time is over.
    const quietMs = this.lastOnlineMs + QUIET_MS - nowMs;
    const leftMs = unit === 'ms' ? value - this.used(nowMs) : quietMs;
    return { next: 'none', againMs: Math.min(quietMs, leftMs), reason };
  }

  private used(nowMs: number): number {
    return this.current[this.turn].unit === 'bytes' ? this.movedBytes : nowMs - this.startedMs;
  }

  private begin(turn: TurnKind, nowMs: number): void {
    this.turn = turn;
    this.startedMs = nowMs;
    this.movedBytes = 0;
  }
}

export function shareText({ unit, value }: Share): string {
  return unit === 'bytes' ? `${Math.round(value / 1024)} KiB` : `${Math.round(value * 10) / 10} ms`;
}
