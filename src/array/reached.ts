/**
 * Tells each pool how far the others have come: a record with the last published generation of each other pool goes
 * with every publication of a pool, so it costs none of its own. By it a copy of a pool's directory that is put back is
 * known for an older one (find-pools.ts), also where it was made in the last mount. A pool that nothing is written to
 * is told when others publish and it has not heard for long, and at the end of a mount.
 */
import type { Clock } from '../base/clock.js';
import { POOLS_TOLD_MS } from '../base/limits.js';
import { recordKey } from '../store/keys.js';
import { packReached } from '../store/member-records.js';
import type { RecordChange } from '../store/tasks.js';
import type { Pool } from './pool.js';
import type { Pools } from './pools.js';

export class Reached {
  private readonly toldMs = new Map<Pool, number>();
  private readonly startedMs: number;

  constructor(
    private readonly pools: Pools,
    private readonly clock: Clock,
  ) {
    this.startedMs = clock.monotonicMs();
  }

  /** What goes with a publication of the pool. */
  publishing(pool: Pool): readonly RecordChange[] {
    const nowMs = this.clock.monotonicMs();
    this.toldMs.set(pool, nowMs);
    for (const other of this.pools.working) {
      if (nowMs - (this.toldMs.get(other) ?? this.startedMs) >= POOLS_TOLD_MS) this.tell(other);
    }
    return this.pools.all.length > 1 ? [this.record(pool)] : [];
  }

  /** Before the pools are closed: each knows of all that was changed in the others. */
  async settle(): Promise<void> {
    const { working } = this.pools;
    if (working.length < 2) return;
    // A pool that cannot says so when it is closed.
    await Promise.allSettled(working.map(({ content }) => content.durable()));
    for (const pool of working) if (!pool.isFailed) this.tell(pool);
  }

  /** Makes the pool publish, if nothing else does. */
  private tell(pool: Pool): void {
    this.toldMs.set(pool, this.clock.monotonicMs());
    const { key, value } = this.record(pool);
    pool.content.change(key, value);
  }

  private record(pool: Pool): RecordChange {
    const others = this.pools.all.filter((other) => other !== pool);
    const reached = others.map(({ identity, reached }) => {
      return { uuid: identity.poolUuid, sequence: reached };
    });
    return { key: recordKey('reached'), value: packReached(reached) };
  }
}
