/**
 * What the suites share: the targets of this run, and measuring row by row, interleaved. In each round
 * every row runs on every target before the next row begins, so that what else the machine does hits all
 * of them alike. A target that fails is left out of the rest of its suite, and the report says so.
 */
import { chmodSync, mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { Cleanup } from './cleanup.js';
import { MemoryWatch } from './memory-watch.js';
import { FAILED, type ResultCollector, type Sample } from './results.js';
import type { Row } from './row.js';
import type { Scale } from './scale.js';
import type { Target, TargetKind } from './target.js';

export interface BenchRun {
  readonly cleanup: Cleanup;
  readonly scale: Scale;
  readonly rounds: number;
  /** Targets asked for, with the reason where one does not work here. */
  readonly kinds: readonly AskedKind[];
  /** Own, exists, is removed at the end. */
  readonly directory: string;
  readonly results: ResultCollector;
  /** Writes what there is so far to the JSON file. */
  save(): void;
  /** What makes numbers of this run doubtful; each line counts once. */
  warn(line: string): void;
  /** A line on progress. */
  tell(line: string): void;
}

export interface AskedKind {
  readonly kind: TargetKind;
  readonly problem: string | undefined;
}

export interface Suite {
  readonly rows: readonly Row[];
  /** Measures `rows`, some of its own. */
  run(bench: BenchRun, rows: readonly Row[]): Promise<void>;
}

const GIB = 2 ** 30;
/** Left free on the disk, whatever the rows take. */
const DISK_RESERVE_BYTES = 2 * GIB;

/** The kinds that `rows` name, work here and have room for images of `bytes` at one time; tells of the others. */
export function usableKinds(bench: BenchRun, rows: readonly Row[], bytes: number): TargetKind[] {
  const { bavail, bsize } = statfsSync(bench.directory);
  let free = bavail * bsize - DISK_RESERVE_BYTES;
  const wanted = bench.kinds.filter(({ kind }) =>
    rows.some((row) => row.targets.includes(kind.name)),
  );
  return wanted.flatMap(({ kind, problem }) => {
    const need = kind.diskFactor * bytes;
    const room =
      need > free ? `no room: ${Math.ceil((need - free) / GIB)} GiB more needed` : undefined;
    const reason = problem ?? room;
    if (reason === undefined) {
      free -= need;
      return [kind];
    }
    for (const row of rows.filter((each) => each.targets.includes(kind.name))) {
      bench.results.problem(row, kind.name, reason);
    }
    bench.tell(`SKIPPED ${kind.name}: ${reason}`);
    return [];
  });
}

/** A target in a new directory, with a cleanup of its own. */
export interface MadeTarget {
  readonly target: Target;
  readonly cleanup: Cleanup;
  /** Its own; other users may pass through. */
  readonly directory: string;
  /** Ends what is left of it by force, and removes the directory. After `stop` nothing is left. */
  discard(): void;
}

export function makeTarget(
  bench: Pick<BenchRun, 'cleanup' | 'directory'>,
  kind: TargetKind,
  imageBytes: number,
): MadeTarget {
  const cleanup = new Cleanup();
  const directory = mkdtempSync(join(bench.directory, `${kind.name}-`));
  chmodSync(directory, 0o711);
  cleanup.add(() => rmSync(directory, { recursive: true, force: true }));
  const discard = bench.cleanup.add(() => cleanup.runAll());
  const target = kind.create({ cleanup, directory, imageBytes });
  return { target, cleanup, directory, discard };
}

/** Calls `step` for every round, row and entrant that runs the row. */
export async function interleave<R extends Row, E extends { readonly kind: TargetKind }>(
  bench: Pick<BenchRun, 'rounds'>,
  rows: readonly R[],
  entrants: readonly E[],
  step: (row: R, entrant: E, label: string, round: number) => Promise<void>,
): Promise<void> {
  for (let round = 1; round <= bench.rounds; round++) {
    for (const row of rows) {
      for (const entrant of rotated(entrants, round)) {
        if (!row.targets.includes(entrant.kind.name)) continue;
        const label = `round ${round} of ${bench.rounds}: ${row.name} ${entrant.kind.name}`;
        await step(row, entrant, label, round);
      }
    }
  }
}

/** Another target begins in each round. */
export function rotated<T>(values: readonly T[], round: number): T[] {
  const first = round % Math.max(1, values.length);
  return [...values.slice(first), ...values.slice(0, first)];
}

/** Where a target is, or is to be. */
export interface Place {
  readonly kind: TargetKind;
  made: MadeTarget | undefined;
  /** Why nothing is measured there any more. */
  problem: string | undefined;
}

/** How a suite gets the samples of its rows. */
export interface Sampling<R extends Row, P extends Place> {
  /** Makes ready what is missing at the place, then measures. */
  sample(row: R, place: P, round: number): Promise<Sample>;
  /** Something has failed there. */
  discard(place: P): void;
  /** Places that a row does not use are left out. */
  isFor?(row: R, place: P): boolean;
}

/** All rounds of the rows, interleaved over the places, each up to the first failure there. */
export async function measureRows<R extends Row, P extends Place>(
  bench: BenchRun,
  rows: readonly R[],
  places: readonly P[],
  { sample, discard, isFor = () => true }: Sampling<R, P>,
): Promise<void> {
  await interleave(bench, rows, places, async (row, place, label, round) => {
    if (!isFor(row, place)) return;
    if (place.problem !== undefined) {
      bench.results.problem(row, place.kind.name, `not run: ${place.problem}`);
      return;
    }
    place.problem = await measure(bench, row, place, label, () => sample(row, place, round));
    if (place.problem !== undefined) discard(place);
    bench.save();
  });
}

/** One measurement, watched; a failure becomes a problem of the row, and is returned. */
async function measure(
  bench: BenchRun,
  row: Row,
  place: Place,
  label: string,
  action: () => Promise<Sample>,
): Promise<string | undefined> {
  const target = place.kind.name;
  const watch = new MemoryWatch(() => place.made?.target.daemonPid());
  try {
    const sample = await action();
    bench.results.add(row, target, { ...sample, anonymousMebibytes: watch.stop() });
    bench.tell(`${label}: ${sampleText(row, sample)}`);
    return undefined;
  } catch (error) {
    watch.stop();
    const text = messageOf(error);
    const [firstLine] = text.split('\n');
    bench.results.problem(row, target, `${FAILED}${firstLine}`);
    bench.tell(`${label}: FAILED: ${text}`);
    return firstLine;
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function sampleText(row: Row, { value, p99Us }: Sample): string {
  const latency =
    p99Us === undefined || !Number.isFinite(p99Us) ? '' : ` (p99 ${p99Us.toFixed(0)} us)`;
  return `${value < 100 ? value.toFixed(2) : value.toFixed(0)} ${row.unit}${latency}`;
}
