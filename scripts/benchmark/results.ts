/** What a run has measured: the model of the JSON, and how it is collected. */
import type { Machine } from './machine.js';
import { type Row, valueAtMost } from './row.js';
import type { Scale } from './scale.js';
import { median } from './statistics.js';
import { MAIN_TARGET, TARGET_NAMES } from './target-names.js';

/** Follows from the other rows. */
const MEMORY_ROW = 'memory-most';
export const MEMORY_MIB_MAX = 512;

/** How the problem of a measurement that was tried begins. */
export const FAILED = 'failed: ';

export interface Sample {
  /** In the unit of the row. */
  readonly value: number;
  readonly p99Us?: number | undefined;
  /** The most that the target's process had while the row ran. */
  readonly anonymousMebibytes?: number | undefined;
}

export interface Cell {
  readonly target: string;
  readonly samples: readonly Sample[];
  /** Why there are none, or fewer than rounds. */
  readonly problem?: string;
}

export interface RowResult extends Pick<Row, 'name' | 'title' | 'unit' | 'goals'> {
  readonly cells: readonly Cell[];
}

/** The JSON file. */
export interface BenchResults {
  readonly machine: Machine;
  readonly warnings: readonly string[];
  readonly isQuick: boolean;
  readonly rounds: number;
  readonly scale: Scale;
  /** Where `arrayfs` kept its blocks; older files do not say it, see older-results.ts. */
  readonly defaultContainer?: string;
  readonly rows: readonly RowResult[];
}

/** Medians over the rounds; undefined where there is no sample. */
export interface CellValue {
  readonly value: number;
  readonly p99Us: number | undefined;
  readonly anonymousMebibytes: number | undefined;
}

export function cellValue(cell: Cell | undefined): CellValue | undefined {
  if (cell === undefined || cell.samples.length === 0) return undefined;
  const latencies = defined(cell.samples.map((sample) => sample.p99Us));
  const memory = defined(cell.samples.map((sample) => sample.anonymousMebibytes));
  return {
    value: median(cell.samples.map((sample) => sample.value)),
    p99Us: latencies.length > 0 ? median(latencies) : undefined,
    anonymousMebibytes: memory.length > 0 ? Math.max(...memory) : undefined,
  };
}

export function cellOf(row: RowResult | undefined, target: string): Cell | undefined {
  return row?.cells.find((cell) => cell.target === target);
}

/** The most anonymous memory over all rows, for each array, as a row with a goal of its own. */
export function memoryRow(rows: readonly RowResult[]): RowResult[] {
  const targets = TARGET_NAMES.filter((target) => target.startsWith(MAIN_TARGET));
  const cells = targets.flatMap((target): Cell[] => {
    const values = rows.map((row) => cellValue(cellOf(row, target))?.anonymousMebibytes);
    const found = defined(values);
    return found.length === 0 ? [] : [{ target, samples: [{ value: Math.max(...found) }] }];
  });
  const title = 'anonymous memory of the daemon, the most in any row';
  const goals = [valueAtMost(MEMORY_MIB_MAX)];
  return cells.length === 0 ? [] : [{ name: MEMORY_ROW, title, unit: 'MiB', goals, cells }];
}

/**
 * Results of several runs as one: rows of later runs replace those of earlier ones, and a warning names
 * the rows that are not of the last run, whose date and machine the report shows.
 */
export function mergeResults(runs: readonly BenchResults[]): BenchResults {
  const last = runs.at(-1);
  if (last === undefined) throw new Error('no results');
  const origins = new Map<string, BenchResults>();
  for (const run of runs) for (const { name } of run.rows) origins.set(name, run);
  origins.delete(MEMORY_ROW);
  const rows = [...origins].flatMap(([name, run]) => run.rows.filter((row) => row.name === name));
  const others = runs.filter((run) => run !== last).flatMap((run) => originWarning(run, origins));
  const warnings = [...new Set(runs.flatMap((run) => run.warnings))];
  const isQuick = runs.some((run) => run.isQuick);
  return {
    ...last,
    isQuick,
    warnings: [...warnings, ...others],
    rows: [...rows, ...memoryRow(rows)],
  };
}

function originWarning(
  run: BenchResults,
  origins: ReadonlyMap<string, BenchResults>,
): readonly string[] {
  const names = [...origins].filter(([, origin]) => origin === run).map(([name]) => name);
  if (names.length === 0) return [];
  const { date, versions } = run.machine;
  return [`of the run of ${date} with arrayfs ${versions.arrayfs} are ${names.join(', ')}`];
}

/** JSON has no NaN: what fio did not report is left out. */
function defined(values: readonly (number | undefined)[]): number[] {
  return values.filter((value) => value !== undefined && Number.isFinite(value)) as number[];
}

/** Rows in the order they were first heard of; targets in the order of the row. */
export class ResultCollector {
  private readonly rows = new Map<string, { row: Row; cells: Map<string, MutableCell> }>();

  add(row: Row, target: string, sample: Sample): void {
    this.cell(row, target).samples.push(sample);
  }

  /** The samples that there are stay. The first problem is the one that counts. */
  problem(row: Row, target: string, text: string): void {
    this.cell(row, target).problem ??= text;
  }

  /** What this machine or version does not have is no failure. */
  hasFailures(): boolean {
    const problems = this.results().flatMap((row) => row.cells.map((cell) => cell.problem ?? ''));
    return problems.some((problem) => problem.startsWith(FAILED));
  }

  results(): RowResult[] {
    return [...this.rows.values()].map(({ row, cells }) => ({
      ...{ name: row.name, title: row.title, unit: row.unit, goals: row.goals },
      cells: row.targets.flatMap((target) => {
        const cell = cells.get(target);
        return cell === undefined ? [] : [{ target, ...cell }];
      }),
    }));
  }

  private cell(row: Row, target: string): MutableCell {
    const entry = this.rows.get(row.name) ?? { row, cells: new Map<string, MutableCell>() };
    this.rows.set(row.name, entry);
    const cell = entry.cells.get(target) ?? { samples: [] };
    entry.cells.set(target, cell);
    return cell;
  }
}

interface MutableCell {
  readonly samples: Sample[];
  problem?: string;
}
