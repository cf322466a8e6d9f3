/**
 * Power cuts: the pool lies on a recording file system while a host works on the mounted array.
 * Whatever a disk may hold after a cut at any moment, it checks clean, opens, and keeps the promise.
 *
 * ARRAYFS_TEST_SEED repeats the workload, as far as time allows; ARRAYFS_POWER_CUT_KEEP=DIR keeps the
 * pools that break the promise, as the cut left them.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { repeat } from '../support/factor.js';
import { canMount, MountedArray, overKernel } from '../support/mounted-array.js';
import { RandomSource } from '../support/random-source.js';
import { cleanScratch, makeScratch } from '../support/scratch-directory.js';
import { judgeCrashStates, type Recording } from './crash-states.js';
import type { LogEntry } from './programs/operation-log.js';
import { RecordingDisk } from './recording-disk.js';
import { StateJudge } from './state-judge.js';
import { StepChooser } from './step-chooser.js';
import { Family, MARKS, MarkFile } from './workload.js';

const SEED = Number(process.env.ARRAYFS_TEST_SEED ?? Date.now() % 1_000_000);
const FAMILIES = 2;
const STEPS = 300;
const STATES = 40;
const POOL = 'pool';
const CAPACITY = '512M';
/** Where the states are made: their own syncs need not be real. */
const MEMORY = existsSync('/dev/shm') ? '/dev/shm' : undefined;

/** What a workload of `steps` steps does to a pool; all in a scratch directory of its own. */
async function record(seed: number, steps: number): Promise<Recording> {
  const scratch = makeScratch();
  const disk = await RecordingDisk.mount(scratch);
  const array = MountedArray.create({
    directory: scratch,
    store: join(disk.directory, POOL),
    capacity: CAPACITY,
  });
  const marks = new MarkFile(join(disk.directory, MARKS));
  const families = Array.from({ length: FAMILIES }, (_, number) => {
    const chooser = new StepChooser(number, new RandomSource(seed + number), overKernel);
    return new Family(number, array, marks, chooser);
  });
  await Promise.all(families.map((family) => family.work(steps)));
  marks.close();
  await array.umount();
  // The store is closed a little later.
  await array.daemonEnded();
  const log = await disk.finish();
  const from = log.findIndex((entry) => entry.kind === 'create' && entry.name === MARKS);
  return { log, from, pool: POOL, families };
}

describe.skipIf(!canMount)('power cuts', () => {
  const judge = new StateJudge();
  afterEach(cleanScratch);
  afterAll(() => judge.close());

  const seeds = Array.from({ length: repeat(1) }, (_, run) => SEED + FAMILIES * run);
  it.each(seeds)('lose nothing that was promised (seed %i)', async (seed) => {
    const recording = await record(seed, STEPS);
    const summary = await judgeCrashStates(recording, {
      count: STATES,
      random: new RandomSource(seed),
      judge,
      scratch: makeScratch(MEMORY),
      keep: process.env.ARRAYFS_POWER_CUT_KEEP,
    });
    expect(summary.problems).toEqual([]);
    expect(summary.undecided, 'nothing was at stake').toBeGreaterThan(0);
  });

  it('are seen to lose what was promised on a disk that forgets its syncs', async () => {
    const recording = await record(SEED, 60);
    const forgetful = { ...recording, log: withoutSyncs(recording) };
    const { problems } = await judgeCrashStates(forgetful, {
      count: 20,
      random: new RandomSource(SEED),
      judge,
      scratch: makeScratch(MEMORY),
    });
    expect(problems.length).toBeGreaterThan(0);
  });
});

function withoutSyncs({ log, from }: Recording): LogEntry[] {
  return log.filter((entry, place) => place < from || entry.kind !== 'sync');
}
