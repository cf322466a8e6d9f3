/**
 * Work that waits for its time, as a job: `at=` of a command. The time is that of the host's clock, which
 * may be set while the job waits; so it is looked at again and again.
 */
import { type Clock, isoTime } from '../base/clock.js';
import { ArrayError } from '../base/errors.js';
import { DELAY_DAYS_MAX } from '../base/limits.js';
import type { Job, Jobs } from './jobs.js';

/** Between two looks at the clock. */
const LOOK_MS = 1_000;
const DAY_MS = 86_400_000;

/** Starts a job that waits until `atMs` and then does `work`, whose text is the job's result. */
export function startLater(
  jobs: Jobs,
  clock: Clock,
  what: { readonly kind: string; readonly subject: string; readonly atMs: number },
  work: () => Promise<string>,
): Job {
  checkTime(clock, what.atMs);
  return jobs.start(what.kind, what.subject, 'bytes', async (job) => {
    await waitUntil(job, clock, what.atMs);
    if (job.cancelled) return 'cancelled before its time';
    const result = await work();
    // What is done is done: a cancel came too late.
    job.cancelled = false;
    return result;
  });
}

/** EINVAL where the time is past or too far away. */
export function checkTime(clock: Clock, atMs: number): void {
  const leftMs = atMs - clock.nowMs();
  if (leftMs < 0) throw new ArrayError('EINVAL', `${isoTime(atMs)} is past`);
  if (leftMs > DELAY_DAYS_MAX * DAY_MS) {
    throw new ArrayError('EINVAL', `nothing is put off for more than ${DELAY_DAYS_MAX} days`);
  }
}

/** Resolves when the time has come, or the job is cancelled. */
export async function waitUntil(job: Job, clock: Clock, atMs: number): Promise<void> {
  for (;;) {
    const leftMs = atMs - clock.nowMs();
    if (job.cancelled || leftMs <= 0) return;
    await job.pause(clock, Math.min(leftMs, LOOK_MS));
  }
}
