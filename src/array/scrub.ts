/**
 * Scrub: reads every block of the pool, or what one volume or snapshot shows, and verifies tags and
 * checksums ([003 fig. 10B]: check code with logical address). Paced, in the writer thread.
 */

import type { Clock } from '../base/clock.js';
import { pause } from '../base/clock.js';
import { BLOCK_BYTES, blocksCovering, formatSize } from '../base/sizes.js';
import { EPOCH_MAX } from '../store/keys.js';
import type { Damage, VerifyResult, VerifyTask } from '../store/tasks.js';
import { publishedLevels } from '../volume/view.js';

import type { AnyCopy } from './copies.js';
import type { Job } from './jobs.js';
import type { Pool } from './pool.js';

/** Versions of one slice: 1 MiB read. */
const SLICE_VERSIONS = 64;

export interface ScrubReport {
  damaged(damage: Damage): void;
}

/** Runs until the end or until the job is cancelled; returns the job's message. */
export async function scrub(
  pool: Pool,
  copy: AnyCopy | undefined,
  job: Job,
  clock: Clock,
  report: ScrubReport,
): Promise<string> {
  await pool.content.durable();
  const levels = copy && publishedLevels(copy.lineage, copyEpoch(copy));
  const total = (copy?.allocatedBytes ?? pool.content.space.storedBlocks * BLOCK_BYTES) || 1;
  let from: VerifyTask['from'] | undefined = { lineage: 0, block: 0, epoch: EPOCH_MAX };
  let bytes = 0;
  let damages = 0;
  const endBlock = copy ? blocksCovering(copy.sizeBytes) : 0;
  while (from !== undefined && !job.cancelled) {
    const startMs = clock.monotonicMs();
    const result: VerifyResult = await pool.store.run({
      kind: 'verify',
      levels,
      from,
      endBlock,
      limit: SLICE_VERSIONS,
    });
    for (const damage of result.damages) report.damaged(damage);
    damages += result.damages.length;
    bytes += result.bytes;
    from = result.next;
    job.progress(bytes, Math.max(total, bytes), clock.nowMs());
    await pause(clock, clock.monotonicMs() - startMs);
  }
  job.progress(bytes, from === undefined ? bytes : Math.max(total, bytes), clock.nowMs());
  const result = damages === 0 ? 'no damage found' : `${damages} damaged blocks, see /events`;
  return from === undefined ? result : `stopped after ${formatSize(bytes)}: ${result}`;
}

/** A volume is looked at as stored by now; what is written later is not. */
function copyEpoch(copy: AnyCopy): number {
  return copy.kind === 'volume' ? EPOCH_MAX : copy.viewEpoch;
}
