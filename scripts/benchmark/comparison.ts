/**
 * The fio rows over all targets, interleaved: in each round every row runs on every target before
 * the next row begins, so that what else the machine does hits all of them alike.
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import type { Cleanup } from './cleanup.js';
import { type FioResult, fillFile, readFile, runFioRow, takesDirect } from './fio.js';
import { FIO_ROWS, type FioRow } from './fio-rows.js';
import type { BenchOptions } from './options.js';
import { median } from './statistics.js';
import type { Target } from './target.js';

export interface Cell {
  readonly target: string;
  readonly direct: boolean;
  readonly rounds: readonly FioResult[];
  /** Of each number over the rounds. */
  readonly median: FioResult;
}

export interface ComparedRow {
  readonly row: FioRow;
  /** Of the targets that ran it. */
  readonly cells: readonly Cell[];
}

/** Starts the targets, runs the wanted rows, stops the targets. `tell` gets lines on progress. */
export async function compareTargets(
  targets: readonly Target[],
  options: BenchOptions,
  cleanup: Cleanup,
  tell: (line: string) => void,
): Promise<ComparedRow[]> {
  const rows = FIO_ROWS.filter((row) => options.wantsRow(row.name)).filter(canRun);
  if (rows.length === 0) return [];
  const direct = new Map<Target, boolean>();
  for (const target of targets) {
    tell(`preparing ${target.name}`);
    await target.start();
    await fillFile(cleanup, target.file, options.scale.fileBytes);
    direct.set(target, await takesDirect(cleanup, target.file));
  }
  const results = new Map<string, FioResult[]>();
  for (let round = 1; round <= options.rounds; round++) {
    for (const row of rows) {
      for (const target of rotated(targets, round).filter((each) => runsOn(row, each))) {
        tell(`round ${round} of ${options.rounds}: ${row.name} ${target.name}`);
        if (row.cache === 'cold') await makeCold(target);
        else if (row.operation.endsWith('read')) await makeWarm(cleanup, target, options);
        const { scale } = options;
        const isDirect = direct.get(target) === true;
        const result = await runFioRow(cleanup, row, target.file, isDirect, scale);
        const key = cellKey(row, target);
        results.set(key, [...(results.get(key) ?? []), result]);
      }
    }
  }
  for (const target of targets) await target.stop();
  return rows.map((row) => ({
    row,
    cells: targets
      .filter((target) => runsOn(row, target))
      .map((target) => cell(target, direct, results.get(cellKey(row, target)) ?? [])),
  }));
}

/** Dropping caches is for root. */
function canRun(row: FioRow): boolean {
  return row.cache === 'warm' || process.getuid?.() === 0;
}

function runsOn(row: FioRow, target: Target): boolean {
  return row.cache === 'warm' || target.hasColdReads;
}

/** Another target begins in each round. */
function rotated(targets: readonly Target[], round: number): Target[] {
  const first = round % targets.length;
  return [...targets.slice(first), ...targets.slice(0, first)];
}

/** Pages that a process has mapped survive drop_caches, so the target starts anew before it. */
async function makeCold(target: Target): Promise<void> {
  await target.stop();
  execFileSync('sync');
  writeFileSync('/proc/sys/vm/drop_caches', '3');
  await target.start();
}

/** Rows before may have left the caches cold: reads all of the image once. */
async function makeWarm(cleanup: Cleanup, target: Target, options: BenchOptions): Promise<void> {
  await readFile(cleanup, target.file, options.scale.fileBytes);
}

function cell(
  target: Target,
  direct: ReadonlyMap<Target, boolean>,
  rounds: readonly FioResult[],
): Cell {
  const middle = (field: keyof FioResult) => median(rounds.map((result) => result[field]));
  return {
    target: target.name,
    direct: direct.get(target) === true,
    rounds,
    median: {
      operationsPerSecond: middle('operationsPerSecond'),
      bytesPerSecond: middle('bytesPerSecond'),
      p99Us: middle('p99Us'),
    },
  };
}

function cellKey(row: FioRow, target: Target): string {
  return `${row.name} ${target.name}`;
}
