/**
 * Jobs of an array, followed by their files: their progress is that of the errand, their end that of its step. A job outlives the
 * program that ordered it, and a backup to a device even the mount: so it is followed by its number.
 */
import { z } from 'zod';
import { pause } from '../../base/clock.js';
import { ArrayError, asArrayError, ERROR_TABLE, type ErrorCode } from '../../base/errors.js';
import type { CommandRequest } from '../../client/array-client.js';
import { arrayTable } from '../array-tables.js';
import { CLIENT_STOPS, type ErrandContext, type KnownArray } from '../client/errand-handler.js';
import { pauseUnlessAborted } from '../client/until-answered.js';

/** Between two looks: soon at first, as many jobs are short. */
const FIRST_LOOK_MS = 10;
const LOOK_MS_MAX = 300;

const jobSchema = z.object({
  state: z.enum(['running', 'done', 'failed', 'cancelled']),
  message: z.string(),
  done: z.number(),
  total: z.number(),
  unit: z.string(),
});

/** The number of the job that the command began. */
export async function startJob(array: KnownArray, command: CommandRequest): Promise<number> {
  const result = await array.client.run(command);
  const number = /^job (\d+) /.exec(result)?.[1];
  if (number !== undefined) return Number(number);
  throw new ArrayError('EIO', `${command.name} began no job: '${result}'`);
}

/**
 * The result of the job; its failure is thrown with the code it has. ENOENT where the array has forgotten it. When the array's daemon ends, it is
 * waited for, and the job is looked at again. An abort cancels the job and waits for its end; when the client stops it is left to whoever recovers.
 */
export async function followJob(
  known: KnownArray,
  number: number,
  context: ErrandContext,
  step: string,
): Promise<string> {
  const { clock, signal } = context;
  const text = `job ${number} of the array at ${known.mountPoint}`;
  let array = known;
  for (let pauseMs = FIRST_LOOK_MS; ; pauseMs = Math.min(2 * pauseMs, LOOK_MS_MAX)) {
    const job = await readJob(array, number, context);
    if (job !== undefined) {
      const { state, message, done, total, unit } = job;
      context.report({ step, text, done, total, unit: unit === 'bytes' ? 'bytes' : 'pieces' });
      if (state === 'done') return message;
      if (state === 'failed') throw failureOf(message);
      if (state === 'cancelled') throw new ArrayError('EINTR', `${text} was cancelled`);
    }
    if (!signal.aborted) {
      await pauseUnlessAborted(clock, pauseMs, signal);
      if (job === undefined) array = await context.untilArray(known.uuid);
      continue;
    }
    if (signal.reason === CLIENT_STOPS) throw new ArrayError('EINTR', CLIENT_STOPS);
    if (job === undefined) throw new ArrayError('EINTR', `${text} is left: its array is away`);
    await cancel(array, number);
    await pause(clock, pauseMs);
  }
}

/** Undefined where the array is just not there. */
async function readJob({ client, uuid }: KnownArray, number: number, context: ErrandContext) {
  try {
    return jobSchema.parse(await client.jobJson(`${number}`));
  } catch (error) {
    const { code, reason } = asArrayError(error);
    if (code === 'EIO' || code === 'ENXIO' || code === 'ENOTDIR') return undefined;
    // Unmounted, there are no jobs either.
    if (!(await context.arrays()).some((array) => array.uuid === uuid)) return undefined;
    throw new ArrayError(code, `job ${number}: ${reason}`);
  }
}

/** A job that has ended meanwhile is as well. */
async function cancel({ client }: KnownArray, number: number): Promise<void> {
  try {
    await client.run({ name: 'cancel', words: [`${number}`], options: {} });
  } catch (error) {
    const { code } = asArrayError(error);
    if (code !== 'EBUSY' && code !== 'ENOENT') throw error;
  }
}

/** The array was stopped or killed, and cannot go on with the job: it may be ordered again. */
export class InterruptedJobError extends ArrayError {}

/** With this the array begins the message of such a job. */
const INTERRUPTED = 'the array was stopped before the job ended';
/** An array that ends each time has another problem. */
const ORDERS_MAX = 3;

/** Orders a job and follows it; again where the array was stopped meanwhile. */
export async function runJob(
  known: KnownArray,
  command: CommandRequest,
  context: ErrandContext,
  step: string,
  noteJob: (number: number) => Promise<void> = async () => undefined,
): Promise<string> {
  for (let orders = 1, array = known; ; orders += 1) {
    try {
      const number = await startJob(array, command);
      await noteJob(number);
      return await followJob(array, number, context, step);
    } catch (error) {
      if (!(error instanceof InterruptedJobError) || orders === ORDERS_MAX) throw error;
      array = await context.untilArray(known.uuid);
    }
  }
}

/** The message of a failed job begins with the code. */
function failureOf(message: string): ArrayError {
  if (message.includes(INTERRUPTED)) return new InterruptedJobError('EIO', message);
  const [, code = '', reason = message] = /^([A-Z]+): (.*)$/s.exec(message) ?? [];
  const isKnown = Object.hasOwn(ERROR_TABLE, code);
  return new ArrayError(isKnown ? (code as ErrorCode) : 'EIO', isKnown ? reason : message);
}

/** The highest number of a job so far; one that is begun later has a higher one. */
export async function lastJobNumber({ client }: KnownArray): Promise<number> {
  const jobs = await arrayTable(client, 'jobs');
  return jobs.reduce((highest, { id }) => Math.max(highest, id), 0);
}

/** The job with this order that was begun after `lastNumber`: an earlier attempt may have begun it and not noted it. */
export async function findJob(
  { client }: KnownArray,
  kind: string,
  subject: string,
  lastNumber: number,
): Promise<number | undefined> {
  const jobs = await arrayTable(client, 'jobs');
  const mine = jobs.filter((job) => {
    return job.kind === kind && job.subject === subject && job.id > lastNumber;
  });
  return mine.map(({ id }) => id).sort((one, other) => one - other)[0];
}
