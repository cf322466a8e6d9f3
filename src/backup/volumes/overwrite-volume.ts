/**
 * Overwrites the target of a restore, and takes that back. Both may be done again from any moment: after a crash of the
 * client it is not known how far the one before has come.
 */
import { pause } from '../../base/clock.js';
import { ArrayError, asArrayError } from '../../base/errors.js';
import { arrayTable, type PairRow } from '../array-tables.js';
import type { ErrandContext, KnownArray } from '../client/errand-handler.js';
import { findJob, followJob, startJob } from '../media/array-job.js';
import { deviceOf } from '../media/copy-destination.js';
import type { RestorePlan } from './restore-plan.js';

const PAIR_LOOK_MS = 100;

export interface Overwriting {
  readonly plan: RestorePlan;
  /** Users were told to be gone, whoever writes to it now. */
  readonly force: boolean;
  /** Jobs with higher numbers are of this restore. */
  readonly lastJob: number;
}

export async function overwriteVolume(
  overwriting: Overwriting,
  context: ErrandContext,
): Promise<void> {
  const { plan, force } = overwriting;
  const array = await context.untilArray(plan.arrayUuid);
  const forced = force ? { force: 'yes' } : {};
  switch (plan.method) {
    case 'restore':
      await array.client.run({ name: 'restore', words: [plan.source], options: forced });
      return;
    case 'resync':
      return resyncReverse(plan, array, forced, context);
    case 'clone':
      return unlessThere(array, 'clone', [plan.source, plan.target]);
    case 'rename':
      return unlessThere(array, 'rename', [plan.source, plan.target]);
    case 'copy':
      if (plan.targetBytes > plan.imageBytes) await shrink(plan, array, forced);
      return copy(overwriting, array, plan.source, plan.target, context);
    case 'transfer':
      return transfer(overwriting, array, context);
  }
}

/** The target gets the content of its snapshot again; one that the restore has made is deleted. */
export async function takeBack(
  { plan }: Pick<Overwriting, 'plan'>,
  safety: string | null,
  context: ErrandContext,
): Promise<void> {
  const array = await context.untilArray(plan.arrayUuid);
  const volumes = await arrayTable(array.client, 'volumes');
  if (safety === null) {
    const isMade = volumes.some(({ name }) => name === plan.target);
    if (isMade) await array.client.run({ name: 'delete', words: [plan.target], options: {} });
    return;
  }
  const snapshot = `${plan.target}@${safety}`;
  if (plan.method === 'resync' && !(await isHalf(plan, array))) return;
  if (plan.isPaired) {
    await copy({ force: true, lastJob: 0 }, array, snapshot, plan.target, context);
  } else {
    await array.client.run({ name: 'restore', words: [snapshot], options: { force: 'yes' } });
  }
}

/** A resync that fails leaves the primary as it was: the array takes it back by itself, as long as it can. */
async function isHalf({ pair }: RestorePlan, { client }: KnownArray): Promise<boolean> {
  const row = (await arrayTable(client, 'pairs')).find(({ name }) => name === pair?.name);
  return row?.state === 'suspended-partial-primary';
}

/** The target was not there before: where it is, an attempt before this one has made it. */
async function unlessThere(array: KnownArray, name: string, words: string[]): Promise<void> {
  try {
    await array.client.run({ name, words, options: {} });
  } catch (error) {
    if (asArrayError(error).code !== 'EEXIST') throw error;
  }
}

async function shrink(
  { target, imageBytes }: RestorePlan,
  { client }: KnownArray,
  forced: Readonly<Record<string, string>>,
): Promise<void> {
  await client.run({ name: 'resize', words: [target, `${imageBytes}`], options: forced });
}

async function copy(
  { force, lastJob }: Pick<Overwriting, 'force' | 'lastJob'>,
  array: KnownArray,
  source: string,
  target: string,
  context: ErrandContext,
): Promise<void> {
  const begun = await findJob(array, 'ecopy', `${source} ${target}`, lastJob);
  if (begun !== undefined && (await hasSucceeded(array, begun, context))) return;
  const options = force ? { force: 'yes' } : {};
  const job = await startJob(array, { name: 'ecopy', words: [source, target], options });
  await followJob(array, job, context, 'overwrite');
}

/** What an attempt before has begun may have failed with the array's daemon: it is begun again then. */
async function hasSucceeded(
  array: KnownArray,
  job: number,
  context: ErrandContext,
): Promise<boolean> {
  try {
    await followJob(array, job, context, 'overwrite');
    return true;
  } catch (error) {
    if (context.signal.aborted) throw error;
    return false;
  }
}

/**
 * The primary reads as the secondary from the first moment; when both are equal they are split again, so that
 * the secondary stays the backup that it is, with its sector.
 */
async function resyncReverse(
  { pair }: RestorePlan,
  { uuid }: KnownArray,
  forced: Readonly<Record<string, string>>,
  context: ErrandContext,
): Promise<void> {
  if (pair === null) throw new ArrayError('EINVAL', 'the pair of the backup is not known');
  for (;;) {
    const { client } = await context.untilArray(uuid);
    const row = (await arrayTable(client, 'pairs')).find(({ name }) => name === pair.name);
    if (row === undefined) throw new ArrayError('ENOENT', `there is no pair ${pair.name} any more`);
    if ((row.splitMs ?? 0) !== pair.splitMs) return;
    if (row.state === 'split') {
      const options = { direction: 'reverse', pace: 'fast', ...forced };
      await client.run({ name: 'resync', words: [pair.name], options });
    } else if (row.state === 'duplex') {
      await client.run({ name: 'split', words: [pair.name], options: { info: pair.info } });
    } else if (row.state.startsWith('suspended')) {
      throw new ArrayError('EIO', `pair ${pair.name} is suspended: ${row.reason}`);
    }
    reportPair(row, context);
    await pause(context.clock, PAIR_LOOK_MS);
  }
}

function reportPair({ name, pendingTracks, trackCount }: PairRow, context: ErrandContext): void {
  const [done, total] = [trackCount - pendingTracks, trackCount];
  context.report({ step: 'overwrite', text: `resync of ${name}`, done, total, unit: 'pieces' });
}

/** From another array: the one that has the image writes it, as to a backup device. */
async function transfer(
  overwriting: Overwriting,
  target: KnownArray,
  context: ErrandContext,
): Promise<void> {
  const { plan } = overwriting;
  if (plan.targetBytes > plan.imageBytes) {
    await shrink(plan, target, overwriting.force ? { force: 'yes' } : {});
  }
  const source = await context.untilArray(plan.sourceArrayUuid);
  const device = await deviceOf(source, target);
  await copy(overwriting, source, plan.source, `${device}/${plan.target}`, context);
}
