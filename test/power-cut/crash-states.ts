/**
 * Walks the log of a run, cuts the power at random places and judges what the disk holds then: the
 * check finds nothing, the array opens, and every family finds what it was promised.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { RandomSource } from '../support/random-source.js';
import { CrashDisk, type DiskImage } from './crash-disk.js';
import { brokenPromise, type Copies } from './history.js';
import type { LogEntry } from './programs/operation-log.js';
import type { StateJudge } from './state-judge.js';
import { WAYS, type Way } from './survivals.js';
import { type Family, MarkReader } from './workload.js';

/** The others come just before a sync is answered, where most is at stake. */
const CUTS_ANYWHERE = 0.5;

export interface Recording {
  readonly log: readonly LogEntry[];
  /** No cut comes before this place of the log. */
  readonly from: number;
  /** The pool's directory on the recorded disk. */
  readonly pool: string;
  readonly families: readonly Pick<Family, 'number' | 'steps'>[];
}

export interface Judging {
  /** How many states, and by which chance. */
  readonly count: number;
  readonly random: RandomSource;
  readonly judge: StateJudge;
  /** Directory to make the states in. */
  readonly scratch: string;
  /** Directory to keep the pools in that break a promise, as the cut left them. */
  readonly keep?: string | undefined;
}

export interface CrashSummary {
  readonly problems: readonly string[];
  /** States in which a change was at stake. */
  readonly undecided: number;
}

/** Judges states in the order of their cuts. */
export async function judgeCrashStates(
  recording: Recording,
  { count, random, judge, scratch, keep }: Judging,
): Promise<CrashSummary> {
  const disk = new CrashDisk();
  const marks = new MarkReader();
  const problems: string[] = [];
  let place = 0;
  let undecided = 0;
  for (const cut of chooseCuts(recording, count, random)) {
    for (const entry of recording.log.slice(place, cut)) {
      if (!marks.read(entry)) disk.apply(entry);
    }
    place = cut;
    const unsynced = disk.unsynced();
    if (unsynced.length > 0) undecided += 1;
    const way = random.pick(Object.keys(WAYS) as Way[]);
    const image = disk.image(WAYS[way](unsynced, random), random.integer(0, disk.unsyncedNames()));
    const directory = materialise(image, recording.pool, join(scratch, `cut-${cut}`));
    const problem = await problemOf(join(directory, recording.pool), recording, marks, judge);
    rmSync(directory, { recursive: true });
    if (problem === undefined) continue;
    const what = `${unsynced.length} unsynced changes, of which ${way}`;
    problems.push(`cut at ${cut} of ${recording.log.length}, ${what}: ${problem}`);
    if (keep !== undefined) {
      materialise(image, recording.pool, mkdtempSync(join(keep, `cut-${cut}-`)));
    }
  }
  return { problems, undecided };
}

/** Ascending and without repetition, so perhaps fewer than `count`. */
function chooseCuts({ log, from }: Recording, count: number, random: RandomSource): number[] {
  const syncs: number[] = [];
  for (let place = from; place < log.length; place += 1) {
    if (log[place]?.kind === 'sync') syncs.push(place);
  }
  const cuts = new Set<number>();
  for (let index = 0; index < count; index += 1) {
    const isAnywhere = syncs.length === 0 || random.chance(CUTS_ANYWHERE);
    cuts.add(isAnywhere ? random.integer(from, log.length) : random.pick(syncs));
  }
  return [...cuts].sort((left, right) => left - right);
}

function materialise(image: DiskImage, path: string, target: string): string {
  mkdirSync(target, { recursive: true });
  image.writeTo(target, path);
  return target;
}

async function problemOf(
  directory: string,
  { families }: Recording,
  marks: MarkReader,
  judge: StateJudge,
): Promise<string | undefined> {
  const { failure, findings, copies } = await judge.judge(directory);
  if (failure !== undefined) return failure;
  if (findings.length > 0) return findings.join('; ');
  for (const { number, steps } of families) {
    const problem = brokenPromise(steps, marks.of(number), ofFamily(copies, number));
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function ofFamily(copies: Copies, number: number): Copies {
  return new Map([...copies].filter(([name]) => name.startsWith(`f${number}-`)));
}
