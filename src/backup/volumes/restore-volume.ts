/**
 * Restore of a volume ([004] fig. 12). Steps, as they are noted:
 *
 *    prepare     pre command, verification, unmounting, safety snapshot: nothing is overwritten
 *    overwrite   the target is overwritten; from here on the restore is finished, or taken back
 *    take-back   overwriting has failed: the target gets its old content from the safety snapshot
 *    finish      the target is the backup: mounting again, post command
 *    undo        it failed before overwriting, or was taken back: mounting again, post command
 *
 * A client that ends in prepare or undo has changed nothing, and undoes; in overwrite it goes on. So the target has its old
 * content or the backup, whatever happens, and is mounted again.
 */
import { ArrayError, asArrayError } from '../../base/errors.js';
import { volumeNamed } from '../array-tables.js';
import type { ErrandHandler } from '../client/errand-handler.js';
import { checkAllowed } from '../client/hook-command.js';
import type { ErrandOutput } from '../errands.js';
import { placesOf } from './mounted-places.js';
import { overwriteVolume, takeBack } from './overwrite-volume.js';
import { restoreTarget } from './restore-plan.js';
import { prepareRestore } from './restore-prepare.js';
import { type RestoreNotes, RestoreRun } from './restore-run.js';

type Output = ErrandOutput<'restore'>;

export const restoreHandler: ErrandHandler<'restore'> = {
  perform: (input, context) => perform(new RestoreRun(input, context)),
  recover(input, context) {
    const notes = context.noted as RestoreNotes | undefined;
    if (notes === undefined) return perform(new RestoreRun(input, context));
    return goOn(new RestoreRun(input, context, notes));
  },
};

async function perform(run: RestoreRun): Promise<Output> {
  const { pre, post } = run.input;
  const { allowedCommands } = run.context.configuration;
  for (const hook of [pre, post]) if (hook) checkAllowed(hook.command, allowedCommands);
  const target = await restoreTarget(run.input, run.context);
  try {
    await run.note({ step: 'prepare' });
    await prepareRestore(run, target);
  } catch (error) {
    throw await undone(run, asArrayError(error));
  }
  return overwrite(run);
}

/** After a crash. */
async function goOn(run: RestoreRun): Promise<Output> {
  const { step, failure } = run.notes;
  switch (step) {
    case 'prepare': {
      const reason = 'the backup client ended before anything was overwritten';
      throw await undone(run, new ArrayError('EINTR', reason));
    }
    case 'overwrite':
      await refuseIfUsedSince(run);
      return overwrite(run);
    case 'take-back':
      throw await takenBack(run, asFailure(failure));
    case 'undo':
      throw await undone(run, asFailure(failure));
    case 'finish':
      return finish(run);
  }
}

async function overwrite(run: RestoreRun): Promise<Output> {
  await run.note({ step: 'overwrite' });
  const { plan } = run;
  run.report('overwrite', plan.target);
  for (;;) {
    try {
      await overwriteVolume(run.overwriting, run.context);
      break;
    } catch (error) {
      if (run.isStopping) throw error;
      if (await run.isReached(plan.arrayUuid)) throw await takenBack(run, asArrayError(error));
      // Its daemon has died: the same again when it is mounted again.
      await run.unaborted().untilArray(plan.arrayUuid);
    }
  }
  return finish(run);
}

async function finish(run: RestoreRun): Promise<Output> {
  await run.note({ step: 'finish' });
  const { plan } = run;
  const { client } = await run.context.untilArray(plan.arrayUuid);
  // The sector of the backup may have come along, and the target is none.
  await client.run({ name: 'info', words: [plan.target], options: { clear: 'yes' } });
  const { number } = await volumeNamed(client, plan.target);
  await run.say(`${plan.target} (number ${number}) is backup ${run.input.entry.id} now`);
  await run.disconnect();
  await run.dropTemporary();
  const problems = await run.mountAgain();
  const failure = await run.postFailure();
  if (failure !== undefined) problems.push(failure.reason);
  if (problems.length === 0) return { lines: [...run.notes.lines] };
  throw new ArrayError('EIO', `${plan.target} is restored, but ${problems.join('; ')}`);
}

/** The error to be thrown when the target has its old content again. */
async function takenBack(run: RestoreRun, { code, reason }: ArrayError): Promise<ArrayError> {
  await run.note({ step: 'take-back', failure: { code, reason } });
  const { plan, notes, overwriting } = run;
  await takeBack(overwriting, notes.safety, run.unaborted());
  return undone(run, new ArrayError(code, `${reason}; ${plan.target} has its old content again`));
}

/** The error to be thrown when all is as it was before. */
async function undone(run: RestoreRun, cause: ArrayError): Promise<ArrayError> {
  const { code, reason } = cause;
  await run.note({ step: 'undo', failure: { code, reason } });
  await run.disconnect();
  await run.dropTemporary();
  const problems = await run.mountAgain();
  await dropSafety(run);
  const failure = await run.postFailure();
  if (failure !== undefined) problems.push(failure.reason);
  return problems.length === 0 ? cause : new ArrayError(code, [reason, ...problems].join('; '));
}

/** Nothing was overwritten, so it is of no use. */
async function dropSafety(run: RestoreRun): Promise<void> {
  const { safety, plan } = run.notes;
  if (safety === null || plan === null) return;
  const { client } = await run.unaborted().untilArray(plan.arrayUuid);
  const words = [`${plan.target}@${safety}`];
  await client.run({ name: 'delete', words, options: {} }).catch((error: unknown) => {
    if (asArrayError(error).code !== 'ENOENT') throw error;
  });
}

/** Somebody has mounted it while the client was away: it is theirs now. */
async function refuseIfUsedSince(run: RestoreRun): Promise<void> {
  const { targetUuid, target } = run.plan;
  const [place] = targetUuid === null ? [] : await placesOf(targetUuid, run.context);
  if (place === undefined) return;
  await run.disconnect();
  await run.dropTemporary();
  const what = `the backup client ended while ${target} was overwritten`;
  const since = `it was mounted at ${place.mountPoint} since, and is left as it is`;
  const kept = `${target}@${run.notes.safety} holds what it was before`;
  throw new ArrayError('EBUSY', `${what}: ${since}; ${kept}`);
}

function asFailure(failure: RestoreNotes['failure']): ArrayError {
  const { code = 'EIO', reason = 'the restore failed' } = failure ?? {};
  return asArrayError(Object.assign(new Error(reason), { code }));
}
