/** Recordings to cut: of a host at work on a mounted array, and of a pool that recovers from a cut. */
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { MountedArray, overKernel } from '../support/mounted-array.js';
import { RandomSource } from '../support/random-source.js';
import { makeScratch } from '../support/scratch-directory.js';
import type { CrashState, Recording } from './crash-states.js';
import type { LogEntry } from './programs/operation-log.js';
import { RecordingDisk } from './recording-disk.js';
import { StateJudge } from './state-judge.js';
import { StepChooser } from './step-chooser.js';
import { Family, MARKS, MarkFile } from './workload.js';

export const FAMILIES = 2;
const POOL = 'pool';
const CAPACITY = '512M';

/** What a workload of `steps` steps by each family does to a pool. */
export async function recordWork(seed: number, steps: number): Promise<Recording> {
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
  return { log, from: placeOfMarks(log), pool: POOL, families };
}

/** What checking, opening, reading and closing a pool after a cut does to it. */
export async function recordRecovery(
  { pool, families }: Recording,
  { image, progress }: CrashState,
): Promise<Recording> {
  const disk = await RecordingDisk.mount(makeScratch());
  image.writeTo(disk.directory, pool);
  // An empty file of marks: from here on.
  closeSync(openSync(join(disk.directory, MARKS), 'w'));
  const judge = new StateJudge();
  const { failure, findings } = await judge.judge(join(disk.directory, pool));
  await judge.close();
  const log = await disk.finish();
  const problems = failure === undefined ? findings : [failure, ...findings];
  if (problems.length > 0) throw new Error(problems.join('; '));
  return { log, from: placeOfMarks(log), pool, families, recovered: progress };
}

function placeOfMarks(log: readonly LogEntry[]): number {
  return log.findIndex((entry) => entry.kind === 'create' && entry.name === MARKS);
}
