/** The table of steps of a backup: every step with every event, and what holds however they follow each other. */
import { describe, expect, it } from 'vitest';
import {
  BACKUP_STEPS,
  type BackupEvent,
  type BackupPlan,
  type BackupState,
  type BackupStep,
  FIRST_STATE,
  next,
} from '../../src/backup/backup-steps.js';
import { repeat } from '../support/factor.js';
import { RandomSource } from '../support/random-source.js';

const ALL: BackupPlan = {
  hasPre: true,
  hasPost: true,
  isFrozen: true,
  hasCopy: true,
  isKept: true,
  isMirror: true,
  resyncAfter: true,
};
const LEAST: BackupPlan = {
  hasPre: false,
  hasPost: false,
  isFrozen: false,
  hasCopy: false,
  isKept: true,
  isMirror: false,
  resyncAfter: false,
};
const FAILURE = { error: 'EIO', reason: 'why' };
const DONE: BackupEvent = { kind: 'done' };
const FAILED: BackupEvent = { kind: 'failed', failure: FAILURE };
const CRASHED: BackupEvent = { kind: 'crashed' };

const at = (step: BackupStep, more: Partial<BackupState> = {}): BackupState => ({
  ...FIRST_STATE,
  at: step,
  ...more,
});

/** All steps of a run in which nothing goes wrong but `failing`. */
function course(plan: BackupPlan, failing?: BackupStep, event = FAILED): string[] {
  const steps: string[] = [];
  let state = FIRST_STATE;
  while (state.at !== 'complete' && state.at !== 'failed') {
    const isFirst = !steps.includes(state.at);
    steps.push(state.at);
    state = next(plan, state, state.at === failing && isFirst ? event : DONE);
  }
  return [...steps, state.at];
}

describe('the steps of a backup', () => {
  it.each([
    ['everything', ALL, 'prepare pre freeze take thaw seal catalog copy post complete'],
    ['a snapshot and no more', LEAST, 'prepare take seal catalog complete'],
    [
      'an image that is only copied from',
      { ...ALL, isKept: false },
      'prepare pre freeze take thaw seal copy post undo resync complete',
    ],
    [
      'a snapshot that is only copied from',
      { ...LEAST, isKept: false, hasCopy: true },
      'prepare take seal copy undo complete',
    ],
    [
      'a secondary that is only copied from and stays apart',
      { ...LEAST, isKept: false, hasCopy: true, isMirror: true },
      'prepare take seal copy undo complete',
    ],
  ])('of %s', (_what, plan, steps) => {
    expect(course(plan).join(' ')).toBe(steps);
  });

  it.each<[BackupStep, string]>([
    ['prepare', 'post undo resync failed'],
    ['pre', 'post undo resync failed'],
    ['freeze', 'thaw post undo resync failed'],
    ['take', 'thaw post undo resync failed'],
    ['thaw', 'post undo resync failed'],
    ['seal', 'post undo resync failed'],
    ['catalog', 'post undo resync failed'],
    ['copy', 'post failed'],
    ['post', 'failed'],
  ])('after a failure of %s', (step, rest) => {
    const steps = course(ALL, step);
    expect(steps.slice(steps.indexOf(step) + 1).join(' ')).toBe(rest);
  });

  it.each<[BackupStep, BackupStep, boolean]>([
    ['prepare', 'prepare', false],
    ['pre', 'post', true],
    ['freeze', 'thaw', true],
    ['take', 'thaw', true],
    ['thaw', 'thaw', true],
    ['seal', 'seal', false],
    ['catalog', 'catalog', false],
    ['copy', 'copy', false],
    ['post', 'post', false],
    ['undo', 'undo', false],
    ['resync', 'resync', false],
  ])('after a crash in %s go on at %s', (step, then, isFailed) => {
    const state = next(ALL, at(step), CRASHED);
    expect([state.at, state.failure !== null]).toEqual([then, isFailed]);
  });

  it('take an image again after a crash where nothing was frozen', () => {
    expect(next(LEAST, at('take'), CRASHED)).toEqual(at('take'));
  });

  it('keep the first failure as the reason, and stay at an end', () => {
    const failed = next(ALL, at('post', { failure: FAILURE, isSafe: true }), {
      kind: 'failed',
      failure: { error: 'EBUSY', reason: 'later' },
    });
    expect([failed.at, failed.failure]).toEqual(['failed', FAILURE]);
    expect(next(ALL, failed, DONE)).toBe(failed);
  });

  it('thaw what they froze, run post, and keep in the catalog whole images alone, whatever happens', () => {
    const random = new RandomSource(6);
    for (let round = 0; round < repeat(300); round += 1) {
      const flags = Object.keys(ALL).map((name) => [name, random.chance(0.5)]);
      const plan = Object.fromEntries(flags) as unknown as BackupPlan;
      expect({ plan, problems: problemsOf(plan, random) }).toEqual({ plan, problems: [] });
    }
  });
});

/** A run in which each event is drawn; what must never be. */
function problemsOf(plan: BackupPlan, random: RandomSource): string[] {
  const problems: string[] = [];
  const done: string[] = [];
  let state = FIRST_STATE;
  let isFrozen = false;
  for (let events = 0; events < 1_000; events += 1) {
    const step = state.at;
    if (step === 'complete' || step === 'failed') break;
    const event = random.pick([DONE, DONE, DONE, DONE, FAILED, CRASHED]);
    if (step === 'freeze') isFrozen = true;
    if (step === 'thaw' && event !== CRASHED) isFrozen = false;
    if (isFrozen && !['freeze', 'take', 'thaw'].includes(step))
      problems.push(`${step} while frozen`);
    if (event === DONE) done.push(step);
    const tried = event === CRASHED ? [] : [step];
    state = next(plan, state, event);
    if (tried.includes('post')) done.push('post tried');
  }
  if (state.at === 'complete') {
    const needed = BACKUP_STEPS.filter(
      (step) => step === 'take' || (step === 'copy' && plan.hasCopy),
    );
    problems.push(...needed.filter((step) => !done.includes(step)).map((step) => `no ${step}`));
    if (plan.isKept !== done.includes('catalog')) problems.push('catalog');
  }
  if (plan.hasPost && !done.includes('post tried')) problems.push('no post');
  if (done.includes('catalog') !== state.isSafe) problems.push('safe');
  if (!state.isSafe && !done.includes('undo') && state.at === 'complete')
    problems.push('not undone');
  if (isFrozen) problems.push('left frozen');
  return problems;
}
