/**
 * Walks the log of a recorded pool, cuts the power at random places and judges what the disk holds
 * then: the check finds nothing, the array opens, and every family finds what it was promised.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { RandomSource } from '../support/random-source.js';
import { CrashDisk, type DiskImage } from './crash-disk.js';
import { brokenPromise, type Copies, type Progress } from './history.js';
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
  /**
   * Set where the log is that of a recovery: how far the families had come before, and everything up
   * to `from` was on the disk.
   */
  readonly recovered?: (family: number) => Progress;
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

/** What a cut leaves. */
export interface CrashState {
  readonly image: DiskImage;
  readonly cut: number;
  readonly unsynced: number;
  readonly way: Way;
  readonly progress: (family: number) => Progress;
}

/** Judges states in the order of their cuts. */
export async function judgeCrashStates(
  recording: Recording,
  { count, random, judge, scratch, keep }: Judging,
): Promise<CrashSummary> {
  const { pool, log } = recording;
  const problems: string[] = [];
  let undecided = 0;
  for (const { image, cut, unsynced, way, progress } of crashStates(recording, count, random)) {
    if (unsynced > 0) undecided += 1;
    const directory = materialise(image, pool, join(scratch, `cut-${cut}`));
    const problem = await problemOf(join(directory, pool), recording, progress, judge);
    rmSync(directory, { recursive: true });
    if (problem === undefined) continue;
    const what = `${unsynced} unsynced changes, of which ${way}`;
    problems.push(`cut at ${cut} of ${log.length}, ${what}: ${problem}`);
    if (keep !== undefined) materialise(image, pool, mkdtempSync(join(keep, `cut-${cut}-`)));
  }
  return { problems, undecided };
}

/** At most `count` states at random places. */
export function* crashStates(
  recording: Recording,
  count: number,
  random: RandomSource,
): Generator<CrashState> {
  const { log, from, recovered } = recording;
  const disk = new CrashDisk();
  const marks = new MarkReader();
  for (const entry of log.slice(0, from)) if (!marks.read(entry)) disk.apply(entry);
  if (recovered !== undefined) disk.keepAll();
  let place = from;
  for (const cut of chooseCuts(recording, count, random)) {
    for (const entry of log.slice(place, cut)) if (!marks.read(entry)) disk.apply(entry);
    place = cut;
    const unsynced = disk.unsynced();
    const way = random.pick(Object.keys(WAYS) as Way[]);
    const names = random.integer(0, disk.unsyncedNames());
    const image = disk.image(WAYS[way](unsynced, random), names);
    const progress = recovered ?? ((family: number) => marks.of(family));
    yield { image, cut, unsynced: unsynced.length, way, progress };
  }
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
  progress: (family: number) => Progress,
  judge: StateJudge,
): Promise<string | undefined> {
  const { failure, findings, copies } = await judge.judge(directory);
  if (failure !== undefined) return [failure, ...findings].join('; ');
  if (findings.length > 0) return findings.join('; ');
  for (const { number, steps } of families) {
    const problem = brokenPromise(steps, progress(number), ofFamily(copies, number));
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function ofFamily(copies: Copies, number: number): Copies {
  return new Map([...copies].filter(([name]) => name.startsWith(`f${number}-`)));
}
