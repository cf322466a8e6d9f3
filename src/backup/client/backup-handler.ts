/**
 * The errand `backup`: walks through the table of backup-steps.ts. Where it is, is noted before each step; the steps freeze,
 * take and thaw are one for a crash, so nothing is written to a disk while file systems are frozen.
 */
import { ArrayError, asArrayError, ERROR_TABLE, type ErrorCode } from '../../base/errors.js';
import {
  type BackupEvent,
  type BackupPlan,
  type BackupState,
  type BackupStep,
  next,
} from '../backup-steps.js';
import type { BackupDefinition } from '../definition.js';
import type { ErrandOutput } from '../errands.js';
import { copyImages } from './backup-copies.js';
import { removeImages, sealImages, takeImages } from './backup-images.js';
import { firstNotes, notesFrom } from './backup-notes.js';
import { checkHooks, prepareBackup } from './backup-prepare.js';
import { BackupRun } from './backup-run.js';
import { CLIENT_STOPS, type ErrandContext, type ErrandHandler } from './errand-handler.js';
import { Freezer, thawLeft } from './freeze.js';
import { runHook } from './hook-command.js';
import { mirrorAgain } from './mirror-pairs.js';

export const backupHandler: ErrandHandler<'backup'> = {
  async perform(input, context) {
    const notes = firstNotes(context.clock.nowMs());
    return walk(new BackupRun(input, context, planOf(input.definition), notes, false));
  },

  async recover(input, context) {
    if (context.noted === undefined) return backupHandler.perform(input, context);
    const plan = planOf(input.definition);
    const notes = notesFrom(context.noted);
    const state = next(plan, notes.state, { kind: 'crashed' });
    context.log(
      `the backup client was ended in the step ${notes.state.at}, goes on at ${state.at}`,
    );
    return walk(new BackupRun(input, context, plan, { ...notes, state }, true));
  },
};

export function planOf(definition: BackupDefinition): BackupPlan {
  const { pre, post, freeze, paths, secondMedium, method, resyncAfter } = definition;
  const isMirror = method === 'mirror';
  return {
    hasPre: pre !== null,
    hasPost: post !== null,
    isFrozen: freeze && paths !== null,
    hasCopy: secondMedium.length > 0,
    isKept: definition.class === 'disk' && !(isMirror && resyncAfter),
    isMirror,
    resyncAfter,
  };
}

const STEPS: Readonly<Record<BackupStep, (run: BackupRun) => Promise<void>>> = {
  prepare: prepareBackup,
  pre: (run) => hook(run, 'pre', run.context.signal),
  freeze,
  take: takeImages,
  thaw,
  seal: sealImages,
  catalog: (run) => run.context.catalog({ add: run.notes.entries, remove: [] }),
  copy: copyImages,
  // Also after a cancel: it may undo what the pre command did.
  post: (run) => hook(run, 'post', new AbortController().signal),
  undo: removeImages,
  resync: mirrorAgain,
};

async function walk(run: BackupRun): Promise<ErrandOutput<'backup'>> {
  try {
    await run.note({});
    for (;;) {
      const { state } = run.notes;
      if (state.at === 'complete') return { lines: [...run.lines] };
      if (state.at === 'failed') break;
      const event = await eventOf(run, state.at);
      await enter(run, next(run.plan, state, event));
    }
  } finally {
    await run.freezer?.release();
  }
  const { error, reason } = run.notes.state.failure ?? { error: 'EIO', reason: 'no reason' };
  throw new ArrayError(Object.hasOwn(ERROR_TABLE, error) ? (error as ErrorCode) : 'EIO', reason);
}

async function eventOf(run: BackupRun, step: BackupStep): Promise<BackupEvent> {
  try {
    stopIfAsked(run.context, step);
    run.report('');
    await STEPS[step](run);
    return { kind: 'done' };
  } catch (error) {
    if (run.context.signal.reason === CLIENT_STOPS) throw error;
    const { code, reason } = asArrayError(error);
    run.say(`${step} failed: ${reason}`);
    return { kind: 'failed', failure: { error: code, reason } };
  }
}

/** A cancel is a failure of whatever comes; when the client stops, the next one goes on from here. */
function stopIfAsked({ signal }: ErrandContext, step: BackupStep): void {
  if (!signal.aborted) return;
  if (signal.reason === CLIENT_STOPS) throw new ArrayError('EINTR', CLIENT_STOPS);
  if (!AFTER_CANCEL.includes(step)) throw new ArrayError('EINTR', 'cancelled');
}

const AFTER_CANCEL: readonly BackupStep[] = ['thaw', 'post', 'undo', 'resync'];

/** A crash while all is frozen is one in the step freeze: syncing a note would take longer than the image. */
async function enter(run: BackupRun, state: BackupState): Promise<void> {
  const isFrozen = run.freezer !== undefined;
  if (isFrozen) run.notes = { ...run.notes, state };
  else await run.note({ state });
}

async function hook(run: BackupRun, name: 'pre' | 'post', signal: AbortSignal): Promise<void> {
  const { definition, context, notes } = run;
  const command = definition[name];
  if (command === null) return;
  checkHooks(run);
  const failure = notes.state.failure;
  await runHook(command, name, {
    clock: context.clock,
    signal,
    variables: {
      ARRAYFS_BACKUP_RUN: `${run.input.runNumber}`,
      ARRAYFS_BACKUP_DEFINITION: definition.name,
      ARRAYFS_BACKUP_FAILURE: failure?.reason ?? '',
    },
    log: (line) => context.log(line),
  });
}

async function freeze(run: BackupRun): Promise<void> {
  // The array is looked for before, not while everything waits.
  await run.reachArray();
  run.freezer = await Freezer.freeze(run.sources.frozen, run.context.clock);
}

async function thaw(run: BackupRun): Promise<void> {
  const { freezer } = run;
  run.freezer = undefined;
  if (freezer === undefined) {
    await thawLeft(run.notes.sources?.frozen ?? [], run.context.clock);
    return;
  }
  const { ms } = await freezer.thaw();
  run.say(`frozen for ${ms.toFixed(1)} ms: ${run.sources.frozen.join(' ')}`);
}
