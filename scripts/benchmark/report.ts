/** The results as text: values, verdicts on the goals, and what is missing. */
import { goalText, type Judgement, judge, quotient } from './judge.js';
import { type BenchResults, type Cell, cellOf, cellValue, type RowResult } from './results.js';
import { MAIN_TARGET, TARGET_NAMES } from './target-names.js';
import { alignedTable, markdownTable } from './text-table.js';

/** Everything, for standard output. */
export function textReport(results: BenchResults): string {
  return [
    `${describeRun(results)}\n`,
    ...results.warnings.map((warning) => `warning: ${warning}\n`),
    `\n${alignedTable(valueTable(results, (row) => row.name))}`,
    `\n${alignedTable(verdictTable(results))}`,
    `\n${alignedTable(ratioTable(results))}`,
    `\n${alignedTable(latencyTable(results))}`,
    problemLines(results),
  ].join('');
}

/** The same for a README, without what its reader does not need: values, verdicts, latencies. */
export function markdownReport(results: BenchResults): string {
  return [
    `${describeRun(results)}.\n`,
    ...results.warnings.map((warning) => `\nWarning: ${warning}.\n`),
    `\n${markdownTable(verdictTable(results))}`,
    `\n${markdownTable(valueTable(results, (row) => row.title))}`,
    `\n${markdownTable(latencyTable(results))}`,
    problemLines(results),
  ].join('');
}

export function describeRun({ machine, rounds, isQuick }: BenchResults): string {
  const versions = Object.entries(machine.versions).map(([name, version]) => `${name} ${version}`);
  const memory = `${Math.round(machine.memoryMebibytes / 1024)} GiB`;
  return [
    `${machine.date.slice(0, 16).replace('T', ' ')} UTC: ${machine.cores} x ${machine.processor}`,
    `${memory}, kernel ${machine.kernel}, ${versions.join(', ')}`,
    `medians of ${rounds} interleaved ${rounds === 1 ? 'round' : 'rounds'}`,
    ...(isQuick ? ['small sizes (--quick): shows that it works, no more'] : []),
  ].join('; ');
}

/** Targets that have a column. */
function targetsOf({ rows }: BenchResults): string[] {
  return TARGET_NAMES.filter((target) => rows.some((row) => cellOf(row, target) !== undefined));
}

function valueTable(results: BenchResults, label: (row: RowResult) => string): string[][] {
  const targets = targetsOf(results);
  const lines = results.rows.map((row) => [
    label(row),
    row.unit,
    ...targets.map((target) => valueText(cellOf(row, target))),
  ]);
  return [['row', 'unit', ...targets], ...lines];
}

/** Variants are held against the same goals as the main target, beside it. */
function verdictTable(results: BenchResults): string[][] {
  const arrays = targetsOf(results).filter((target) => target.startsWith(MAIN_TARGET));
  const variants = arrays.filter((target) => target !== MAIN_TARGET);
  const lines = results.rows.flatMap((row) =>
    row.goals.map((goal) => {
      const verdict = (target: string) =>
        judge(row, target, results.rows).find((each) => each.goal === goal);
      return [
        row.title,
        goalText(row, goal),
        verdictText(verdict(MAIN_TARGET)),
        ...variants.map((target) => verdictText(verdict(target))),
      ];
    }),
  );
  return [['measured', 'goal', MAIN_TARGET, ...variants], ...lines];
}

/** The main target over each other one, goal or not. */
function ratioTable(results: BenchResults): string[][] {
  const others = targetsOf(results).filter((target) => target !== MAIN_TARGET);
  const lines = results.rows.map((row) => [
    row.name,
    ...others.map((other) => fixed(quotient(row, MAIN_TARGET, row, other), 2)),
  ]);
  return [[`${MAIN_TARGET} over`, ...others], ...lines];
}

/** 99th percentiles, and the most anonymous memory of the main target. */
function latencyTable(results: BenchResults): string[][] {
  const targets = targetsOf(results);
  const lines = results.rows.map((row) => [
    row.name,
    ...targets.map((target) => latencyText(cellValue(cellOf(row, target))?.p99Us)),
    fixed(cellValue(cellOf(row, MAIN_TARGET))?.anonymousMebibytes, 0),
  ]);
  const header = ['row', ...targets.map((target) => `p99 ${target}`), `MiB ${MAIN_TARGET}`];
  // A row without either says nothing here.
  return [header, ...lines.filter((line) => line.slice(1).some((text) => text !== '-'))];
}

function problemLines({ rows }: BenchResults): string {
  const problems = rows.flatMap((row) =>
    row.cells
      .filter((cell) => cell.problem !== undefined)
      .map((cell) => ({ row: row.name, text: `${cell.target}: ${cell.problem?.split('\n')[0]}` })),
  );
  const texts = [...new Set(problems.map(({ text }) => text))];
  return texts
    .map((text) => {
      const names = problems.filter((each) => each.text === text).map((each) => each.row);
      return `\nnot measured: ${text} (${names.join(', ')})\n`;
    })
    .join('');
}

function valueText(cell: Cell | undefined): string {
  const value = cellValue(cell)?.value;
  if (value !== undefined)
    return value < 100 ? value.toFixed(value < 10 ? 2 : 1) : value.toFixed(0);
  return cell?.problem === undefined ? '-' : '!';
}

function verdictText(judgement: Judgement | undefined): string {
  if (judgement === undefined) return '-';
  return `${judgement.ratio.toFixed(2)} ${judgement.isMet ? 'met' : 'MISSED'}`;
}

function fixed(value: number | undefined, digits: number): string {
  return value === undefined ? '-' : value.toFixed(digits);
}

function latencyText(us: number | undefined): string {
  if (us === undefined) return '-';
  return us < 10_000 ? `${us.toFixed(0)} us` : `${(us / 1000).toFixed(0)} ms`;
}
