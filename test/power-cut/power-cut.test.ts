/**
 * Power cuts: the pool lies on a recording file system while a host works on the mounted array.
 * Whatever a disk may hold after a cut at any moment, it checks clean, opens, and keeps the promise.
 *
 * ARRAYFS_TEST_SEED repeats the workload, as far as time allows; ARRAYFS_POWER_CUT_KEEP=DIR keeps the
 * pools that break the promise, as the cut left them.
 */
import { existsSync } from 'node:fs';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { repeat } from '../support/factor.js';
import { canMount } from '../support/mounted-array.js';
import { RandomSource } from '../support/random-source.js';
import { cleanScratch, makeScratch } from '../support/scratch-directory.js';
import { crashStates, judgeCrashStates, type Recording } from './crash-states.js';
import type { LogEntry } from './programs/operation-log.js';
import { FAMILIES, recordRecovery, recordWork } from './record.js';
import { StateJudge } from './state-judge.js';

const SEED = Number(process.env.ARRAYFS_TEST_SEED ?? Date.now() % 1_000_000);
const STEPS = 300;
const STATES = 30;
/** Cuts of which the recovery is cut again, and how often. */
const RECOVERIES = 1;
const STATES_OF_RECOVERY = 8;
const SHORT_STEPS = 60;
/** Where the states are made: their own syncs need not be real. */
const MEMORY = existsSync('/dev/shm') ? '/dev/shm' : undefined;

describe.skipIf(!canMount)('power cuts', () => {
  const judge = new StateJudge();
  const judging = (count: number, random: RandomSource) => {
    const keep = process.env.ARRAYFS_POWER_CUT_KEEP;
    return { count, random, judge, scratch: makeScratch(MEMORY), keep };
  };
  afterEach(cleanScratch);
  afterAll(() => judge.close());

  const seeds = Array.from({ length: repeat(1) }, (_, run) => SEED + FAMILIES * run);
  it.each(seeds)('lose nothing that was promised (seed %i)', async (seed) => {
    const recording = await recordWork(seed, STEPS);
    const { problems, undecided } = await judgeCrashStates(
      recording,
      judging(STATES, new RandomSource(seed)),
    );
    expect(problems).toEqual([]);
    expect(undecided, 'nothing was at stake').toBeGreaterThan(0);
  });

  it.each(seeds)('lose nothing when they come again during recovery (seed %i)', async (seed) => {
    const random = new RandomSource(seed + 1);
    const recording = await recordWork(seed, SHORT_STEPS);
    for (const state of crashStates(recording, RECOVERIES, random)) {
      const recovery = await recordRecovery(recording, state);
      const { problems } = await judgeCrashStates(recovery, judging(STATES_OF_RECOVERY, random));
      expect(problems, `${state.way}, cut at ${state.cut}`).toEqual([]);
    }
  });

  it('are seen to lose what was promised on a disk that forgets its syncs', async () => {
    const recording = await recordWork(SEED, SHORT_STEPS);
    const forgetful = { ...recording, log: withoutSyncs(recording) };
    const { keep: _none, ...rest } = judging(STATES / 2, new RandomSource(SEED));
    const { problems } = await judgeCrashStates(forgetful, rest);
    expect(problems.length).toBeGreaterThan(0);
  });
});

function withoutSyncs({ log, from }: Recording): LogEntry[] {
  return log.filter((entry, place) => place < from || entry.kind !== 'sync');
}
