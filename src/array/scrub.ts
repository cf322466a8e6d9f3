/**
 * Scrub: reads every block of pools, or what one volume or snapshot shows, and verifies tags and
 * checksums ([003 fig. 10B]: check code with logical address). Paced, in the writer thread. A pool
 * whose disk has gone is not damaged block by block: the job fails.
 */

import type { Clock } from '../base/clock.js';
import { pause } from '../base/clock.js';
import { ArrayError } from '../base/errors.js';
import { BLOCK_BYTES, blocksCovering, formatSize } from '../base/sizes.js';
import { EPOCH_MAX } from '../store/keys.js';
import type { Damage, VerifyResult, VerifyTask } from '../store/tasks.js';
import type { VersionPlace } from '../volume/block-map.js';
import { publishedLevels } from '../volume/view.js';
import type { ArrayContext } from './array-context.js';
import type { AnyCopy } from './copies.js';
import { provesAlive } from './incidents.js';
import type { Job, Jobs } from './jobs.js';
import type { Pool } from './pool.js';

/** Versions of one slice: 1 MiB read. */
const SLICE_VERSIONS = 64;

/** A volume or snapshot, or all of a pool. */
export type ScrubSubject = AnyCopy | { readonly pool: Pool; readonly kind?: 'pool' };

/** What a scrub needs of the array. */
export interface ScrubbingArray extends ArrayContext {
  readonly jobList: Jobs;
  reportDamage(pool: Pool, place: VersionPlace, block: number, reason: string): void;
}

/** Of a volume or snapshot, or `all` pools. */
export function startScrub(array: ScrubbingArray, reference: string): Job {
  const { clock, copies, jobList, poolList } = array;
  const subjects: ScrubSubject[] =
    reference === 'all' ? poolList.present.map((pool) => ({ pool })) : [copies.copy(reference)];
  return jobList.start('scrub', reference, 'bytes', (job) => {
    return scrub(subjects, job, clock, {
      damaged: (pool, damage) => array.reportDamage(pool, damage, damage.block, damage.kind),
    });
  });
}

export interface ScrubReport {
  damaged(pool: Pool, damage: Damage): void;
}

/** Runs until the end or until the job is cancelled; returns the job's message. */
export async function scrub(
  subjects: readonly ScrubSubject[],
  job: Job,
  clock: Clock,
  report: ScrubReport,
): Promise<string> {
  for (const { pool } of subjects) await pool.content.durable();
  const total = subjects.reduce((sum, subject) => sum + bytesOf(subject), 0) || 1;
  let bytes = 0;
  let damages = 0;
  let isWhole = true;
  for (const subject of subjects) {
    const { pool } = subject;
    const task = taskOf(subject);
    let { from }: { from: VerifyTask['from'] | undefined } = task;
    while (from !== undefined && !job.cancelled) {
      const startMs = clock.monotonicMs();
      const result: VerifyResult = await pool.store.run({ ...task, from });
      if (result.damages.length > 0 && !(await provesAlive(pool))) {
        throw new ArrayError('EIO', pool.refusal);
      }
      for (const damage of result.damages) report.damaged(pool, damage);
      damages += result.damages.length;
      bytes += result.bytes;
      from = result.next;
      job.progress(bytes, Math.max(total, bytes), clock.nowMs());
      await pause(clock, clock.monotonicMs() - startMs);
    }
    isWhole &&= from === undefined;
  }
  job.progress(bytes, isWhole ? bytes : Math.max(total, bytes), clock.nowMs());
  const result = damages === 0 ? 'no damage found' : `${damages} damaged blocks, see /events`;
  return isWhole ? result : `stopped after ${formatSize(bytes)}: ${result}`;
}

function bytesOf(subject: ScrubSubject): number {
  if (isCopy(subject)) return subject.allocatedBytes;
  return subject.pool.content.space.storedBlocks * BLOCK_BYTES;
}

function taskOf(subject: ScrubSubject): VerifyTask {
  return {
    kind: 'verify',
    levels: isCopy(subject) ? publishedLevels(subject.lineage, copyEpoch(subject)) : undefined,
    from: { lineage: 0, block: 0, epoch: EPOCH_MAX },
    endBlock: isCopy(subject) ? blocksCovering(subject.sizeBytes) : 0,
    limit: SLICE_VERSIONS,
  };
}

function isCopy(subject: ScrubSubject): subject is AnyCopy {
  return subject.kind === 'volume' || subject.kind === 'snapshot';
}

/** A volume is looked at as stored by now; what is written later is not. */
function copyEpoch(copy: AnyCopy): number {
  return copy.kind === 'volume' ? EPOCH_MAX : copy.viewEpoch;
}
