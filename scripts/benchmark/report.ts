/** The results as aligned text. */
import type { Measurement } from './array-measurements.js';
import type { Cell, ComparedRow } from './comparison.js';

/** The comparison: rate of each target, ratios of arrayfs to the others, 99th percentiles. */
export function comparisonTable(rows: readonly ComparedRow[]): string {
  const targets = [...new Set(rows.flatMap((row) => row.cells.map((cell) => cell.target)))];
  const others = targets.filter((target) => target !== 'arrayfs');
  const ratios = targets.includes('arrayfs') ? others : [];
  const header = [
    'row',
    'unit',
    ...targets,
    ...ratios.map((other) => `arrayfs/${other}`),
    ...targets.map((target) => `p99 ${target}`),
  ];
  const lines = rows.map((row) => {
    const find = (target: string) => row.cells.find((cell) => cell.target === target);
    return [
      row.row.name,
      isCounted(row) ? 'IOPS' : 'MB/s',
      ...targets.map((target) => rateText(row, find(target))),
      ...ratios.map((other) => ratioText(find('arrayfs'), find(other))),
      ...targets.map((target) => latencyText(find(target))),
    ];
  });
  const notes = rows[0]?.cells
    .filter((cell) => !cell.direct)
    .map((cell) => `${cell.target} does not take O_DIRECT: the page cache is in its numbers\n`);
  return alignedTable([header, ...lines]) + (notes ?? []).join('');
}

export function measurementTable(measurements: readonly Measurement[]): string {
  const header = ['measurement', 'value', 'unit', 'goal', ''];
  const lines = measurements.map((each) => [
    each.what,
    each.value.toFixed(each.unit === 'ratio' ? 2 : 1),
    each.unit,
    goalText(each),
    isMet(each) ? 'met' : 'MISSED',
  ]);
  return alignedTable([header, ...lines]);
}

function goalText({ goal }: Measurement): string {
  if (goal?.below !== undefined) return `< ${goal.below}`;
  return goal?.atLeast === undefined ? '-' : `>= ${goal.atLeast}`;
}

function isMet({ goal, value }: Measurement): boolean {
  const { below = Number.POSITIVE_INFINITY, atLeast = Number.NEGATIVE_INFINITY } = goal ?? {};
  return value < below && value >= atLeast;
}

/** Small requests are counted, large ones weighed. */
function isCounted({ row }: ComparedRow): boolean {
  return row.blockBytes < 64 * 1024;
}

function rateText(row: ComparedRow, cell: Cell | undefined): string {
  if (cell === undefined) return '-';
  if (isCounted(row)) return cell.median.operationsPerSecond.toFixed(0);
  return (cell.median.bytesPerSecond / 1e6).toFixed(0);
}

function ratioText(mine: Cell | undefined, other: Cell | undefined): string {
  if (mine === undefined || other === undefined) return '-';
  return (mine.median.bytesPerSecond / other.median.bytesPerSecond).toFixed(2);
}

function latencyText(cell: Cell | undefined): string {
  if (cell === undefined || !Number.isFinite(cell.median.p99Us)) return '-';
  const us = cell.median.p99Us;
  return us < 10_000 ? `${us.toFixed(0)} us` : `${(us / 1000).toFixed(0)} ms`;
}

/** First column to the left, the others to the right. */
function alignedTable(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  );
  const line = (row: readonly string[]) =>
    row.map((text, column) =>
      column === 0 ? text.padEnd(widths[0] ?? 0) : text.padStart(widths[column] ?? 0),
    );
  return rows.map((row) => `${line(row).join('  ').trimEnd()}\n`).join('');
}
