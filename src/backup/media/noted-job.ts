/**
 * A copy that the array is ordered to make exactly once, however often the client dies meanwhile: before the order the number of the array's last job is noted,
 * after it that of the new one. So whoever follows knows the job, or finds it by its subject, or knows that there is none.
 */
import { asArrayError, type ErrorCode } from '../../base/errors.js';
import type { ErrandContext, KnownArray } from '../client/errand-handler.js';
import { findJob, followJob, InterruptedJobError, lastJobNumber, runJob } from './array-job.js';
import { dropImage } from './image-of.js';
import { reachedArray } from './locate.js';

export interface JobNotes {
  readonly lastJob: number;
  readonly job?: number;
}

export interface CopyOrder {
  readonly source: string;
  readonly destination: string;
  readonly options: Readonly<Record<string, string>>;
}

export type NoteJob = (notes: JobNotes) => Promise<void>;

/** Changed blocks alone cannot be copied with these: a full copy can. */
const NO_INCREMENT: readonly ErrorCode[] = ['EXDEV', 'ENOENT', 'EINVAL'];

/** The result of the job. */
export async function orderCopy(
  array: KnownArray,
  { source, destination, options }: CopyOrder,
  context: ErrandContext,
  note: NoteJob,
): Promise<string> {
  const lastJob = await lastJobNumber(array);
  await note({ lastJob });
  const command = { name: 'ecopy', words: [source, destination], options };
  return runJob(array, command, context, 'copy', (job) => note({ lastJob, job }));
}

/** What an attempt at a copy leaves for the next one. */
export interface CopyNotes {
  /** Where a backup from tape is meanwhile. */
  readonly volume?: string;
  readonly source?: string;
  readonly destination?: string;
  readonly job?: JobNotes;
}

/** What came of the copy that an earlier attempt has ordered; undefined where it has not, and nothing of that attempt is left. */
export async function orderedResult(
  arrayUuid: string,
  { source, destination, job, volume }: CopyNotes,
  context: ErrandContext,
): Promise<string | undefined> {
  const array = await reachedArray(arrayUuid, context);
  try {
    if (source === undefined || destination === undefined || job === undefined) return undefined;
    const number = await orderedJob(array, { source, destination }, job);
    return number === undefined ? undefined : await followJob(array, number, context, 'copy');
  } catch (error) {
    if (!(error instanceof InterruptedJobError)) throw error;
    return undefined;
  } finally {
    if (volume !== undefined) await dropImage(arrayUuid, volume, context);
  }
}

/** The job that an earlier attempt has ordered; undefined where it did not come to that. */
export async function orderedJob(
  array: KnownArray,
  { source, destination }: Pick<CopyOrder, 'source' | 'destination'>,
  { lastJob, job }: JobNotes,
): Promise<number | undefined> {
  return job ?? findJob(array, 'ecopy', `${source} ${destination}`, lastJob);
}

/**
 * The same with `since`, or all of the image where that cannot be: without a base, or where the array refuses. Told is whether only changes
 * were copied, and why not.
 */
export async function orderIncrement(
  order: CopyOrder,
  since: string | undefined,
  carryOut: (order: CopyOrder) => Promise<string>,
): Promise<{ readonly result: string; readonly isIncrement: boolean; readonly why: string }> {
  if (since === undefined) return { result: await carryOut(order), isIncrement: false, why: '' };
  try {
    const options = { ...order.options, since };
    return { result: await carryOut({ ...order, options }), isIncrement: true, why: '' };
  } catch (error) {
    const { code, reason } = asArrayError(error);
    if (!NO_INCREMENT.includes(code)) throw error;
    const result = await carryOut(order);
    return { result, isIncrement: false, why: `all of it was copied: ${reason}` };
  }
}
