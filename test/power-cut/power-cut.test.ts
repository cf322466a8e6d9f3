/**
 * Power cuts: the pool lies on a recording file system while a host works on the mounted array.
 * Whatever a disk may hold after a cut at any moment, it checks clean, opens, and keeps the promise.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { repeat } from '../support/factor.js';
import { canMount, MountedArray } from '../support/mounted-array.js';
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
/** Where the states are made: their own syncs need not be real. */
const MEMORY = existsSync('/dev/shm') ? '/dev/shm' : undefined;

/** Runs the workload of one seed; all in a scratch directory of its own. */
async function record(seed: number): Promise<Recording> {
  const scratch = makeScratch();
  const disk = await RecordingDisk.mount(scratch);
  const array = MountedArray.create({ directory: scratch, store: join(disk.directory, POOL) });
  const marks = new MarkFile(join(disk.directory, MARKS));
  const families = Array.from({ length: FAMILIES }, (_, number) => {
    const chooser = new StepChooser(number, new RandomSource(seed + number));
    return new Family(number, array, marks, chooser);
  });
  await Promise.all(families.map((family) => family.work(STEPS)));
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
  const recordings: Recording[] = [];
  beforeAll(async () => {
    for (let run = 0; run < repeat(1); run += 1) recordings.push(await record(SEED + 10 * run));
  });
  afterAll(() => {
    judge.close();
    cleanScratch();
  });

  it(`lose nothing that was promised (seed ${SEED})`, async () => {
    const random = new RandomSource(SEED);
    for (const recording of recordings) {
      const summary = await judgeCrashStates(recording, STATES, random, judge, makeScratch(MEMORY));
      expect(summary.problems).toEqual([]);
      expect(summary.undecided, 'nothing was at stake').toBeGreaterThan(0);
    }
  });

  it('are seen to lose what was promised on a disk that forgets its syncs', async () => {
    const [recording] = recordings as [Recording];
    const forgetful = { ...recording, log: withoutSyncs(recording) };
    const random = new RandomSource(SEED);
    const { problems } = await judgeCrashStates(forgetful, 10, random, judge, makeScratch(MEMORY));
    expect(problems.length).toBeGreaterThan(0);
  });
});

function withoutSyncs({ log, from }: Recording): LogEntry[] {
  return log.filter((entry, place) => place < from || entry.kind !== 'sync');
}
