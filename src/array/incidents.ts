/** What goes wrong without a command, told in /events: once, however often it is met. */
import type { Clock } from '../base/clock.js';
import type { ArrayError } from '../base/errors.js';
import { DAMAGES_REPORTED_MAX } from '../base/limits.js';
import { BLOCK_BYTES } from '../base/sizes.js';
import type { VersionPlace } from '../volume/block-map.js';
import { copyName, type Volume } from './copies.js';
import type { CopyDirectory } from './copy-directory.js';
import type { Pool } from './pool.js';

/** Between two events that say that the array is full. */
const REFUSALS_APART_MS = 60_000;

/** Of reads and of scrub: the block could not be read at all, which may be its disk's fault as a whole. */
const UNREADABLE: readonly string[] = ['block is missing', 'missing block'];

export interface IncidentHost {
  readonly clock: Clock;
  readonly copies: CopyDirectory;
  recordEvent(code: string, subject: string, message: string): void;
}

export class Incidents {
  private readonly damages = new Set<string>();
  /** By pool: what was last told of it. */
  private readonly failures = new Map<Pool, string>();
  private refusedMs = Number.NEGATIVE_INFINITY;

  constructor(private readonly host: IncidentHost) {}

  /** A stored block is damaged: says once which volumes and snapshots show it. */
  damaged(pool: Pool, place: VersionPlace, block: number, reason: string): void {
    const name = `${pool.name}/${place.lineage}/${place.epoch}/${block}`;
    if (this.damages.has(name) || this.damages.size >= DAMAGES_REPORTED_MAX) return;
    this.damages.add(name);
    const record = () => {
      const { copies } = this.host;
      const shown = copies.copiesShowing(pool, place, block).map(copyName).join(' ') || '-';
      const where = `byte ${block * BLOCK_BYTES} in pool ${pool.name}`;
      this.host.recordEvent('DAMAGED', shown, `${where}: ${reason}`);
    };
    const proof = UNREADABLE.includes(reason) ? provesAlive(pool) : undefined;
    if (proof === undefined) record();
    proof?.then((isAlive) => {
      if (isAlive) record();
      else this.damages.delete(name);
    });
  }

  /** Told once a minute at most: a host may try for ever. */
  writeRefused(volume: Volume, reason: string): void {
    const nowMs = this.host.clock.monotonicMs();
    if (nowMs - this.refusedMs < REFUSALS_APART_MS) return;
    this.refusedMs = nowMs;
    this.host.recordEvent('FULL', volume.name, `a write was refused: ${reason}`);
  }

  /** The pool cannot be written now; undefined: it can again. False where that was told already. */
  poolFailed(pool: Pool, error: ArrayError | undefined): boolean {
    if (error?.reason === this.failures.get(pool)) return false;
    if (error === undefined) this.failures.delete(pool);
    else this.failures.set(pool, error.reason);
    const code = error ? 'POOL-FAILED' : 'POOL-WORKS';
    this.host.recordEvent(code, pool.name, error?.message ?? 'writes succeed');
    return true;
  }
}

/**
 * Whether the disk of the pool can be written: where it has gone all of its blocks cannot be read, and it is
 * the pool that has failed, which the attempt finds out.
 */
export async function provesAlive(pool: Pool): Promise<boolean> {
  if (pool.isFailed) return false;
  pool.content.touch(pool.allocation);
  await pool.content.durable().catch(() => undefined);
  return !pool.isFailed;
}
