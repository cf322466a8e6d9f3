/** Waits for a job to end, with a progress bar on a terminal. */
import { sleep, systemClock } from '../base/clock.js';
import { ArrayError } from '../base/errors.js';
import type { ArrayClient } from '../client/array-client.js';
import { EXIT_FAILED, note, print, printJson } from './output.js';
import { ProgressBar } from './progress-bar.js';

/** What the command line reads of jobs/ID.json. */
export interface JobRecord {
  readonly id: number;
  readonly kind: string;
  readonly state: 'running' | 'done' | 'failed' | 'cancelled';
  readonly done: number;
  readonly total: number;
  readonly unit: 'bytes' | 'blocks';
  readonly message: string;
}

/** Between two looks at a job; the first ones are quicker, for jobs that are over at once. */
const POLL_MS = 250;
const FIRST_POLL_MS = 20;

/** Prints the job's result; exit status 0 when it is done, 1 when it failed or was cancelled. */
export async function waitForJob(client: ArrayClient, id: string, json: boolean): Promise<void> {
  const job = await endOf(client, id);
  if (json) printJson(job);
  else if (job.state === 'done') print(job.message || `job ${job.id} done`);
  else note(`job ${job.id} ${job.state}${job.message ? `: ${job.message}` : ''}`);
  if (job.state !== 'done') process.exitCode = EXIT_FAILED;
}

async function endOf(client: ArrayClient, id: string): Promise<JobRecord> {
  let job = await readJob(client, id);
  const bar = new ProgressBar(`job ${job.id} ${job.kind}`, systemClock);
  try {
    for (let delayMs = FIRST_POLL_MS; job.state === 'running'; delayMs *= 2) {
      bar.update(job);
      await sleep(Math.min(delayMs, POLL_MS));
      job = await readJob(client, id);
    }
    return job;
  } finally {
    bar.end();
  }
}

export async function readJob(client: ArrayClient, id: string): Promise<JobRecord> {
  const value = await client.jobJson(id);
  if (!isJob(value)) throw new ArrayError('EIO', `jobs/${id}.json does not hold a job`);
  return value;
}

function isJob(value: unknown): value is JobRecord {
  if (typeof value !== 'object' || value === null) return false;
  const { id, state, done, total } = value as Partial<JobRecord>;
  return [id, done, total].every(Number.isFinite) && typeof state === 'string';
}
