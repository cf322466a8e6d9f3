/** Holds the results against the goals. */
import { cellOf, cellValue, type RowResult } from './results.js';
import type { Goal } from './row.js';
import { limitOf } from './target-names.js';

export interface Judgement {
  readonly target: string;
  readonly goal: Goal;
  /** Value over reference, or the value where the goal bounds it. */
  readonly ratio: number;
  readonly isMet: boolean;
}

/** One judgement for each goal of `row` that this run can decide for `target`. */
export function judge(row: RowResult, target: string, rows: readonly RowResult[]): Judgement[] {
  return row.goals.flatMap((goal) => {
    const ratio = ratioOf(row, target, goal, rows);
    return ratio === undefined ? [] : [{ target, goal, ratio, isMet: meets(goal, ratio) }];
  });
}

function ratioOf(
  row: RowResult,
  target: string,
  { to }: Goal,
  rows: readonly RowResult[],
): number | undefined {
  if (to.kind === 'value') return cellValue(cellOf(row, target))?.value;
  if (to.kind === 'row') {
    const reference = rows.find((each) => each.name === to.row);
    return quotient(row, target, reference, target);
  }
  const reference = to.kind === 'limit' ? limitOf(target) : to.target;
  return reference === undefined ? undefined : quotient(row, target, row, reference);
}

/** Value of one cell over that of another. */
export function quotient(
  row: RowResult,
  target: string,
  otherRow: RowResult | undefined,
  otherTarget: string,
): number | undefined {
  const mine = cellValue(cellOf(row, target));
  const other = cellValue(cellOf(otherRow, otherTarget));
  if (mine === undefined || other === undefined || other.value === 0) return undefined;
  return mine.value / other.value;
}

function meets({ atLeast, atMost }: Goal, ratio: number): boolean {
  return (
    ratio >= (atLeast ?? Number.NEGATIVE_INFINITY) && ratio <= (atMost ?? Number.POSITIVE_INFINITY)
  );
}

/** Such as `>= 0.95 of qemu`, `<= 20 ms`. */
export function goalText({ unit }: RowResult, { to, atLeast, atMost }: Goal): string {
  const bound = atLeast === undefined ? `<= ${atMost}` : `>= ${atLeast}`;
  switch (to.kind) {
    case 'value':
      return `${bound} ${unit}`;
    case 'row':
      return `${bound} of ${to.row}`;
    case 'limit':
      return `${bound} of do-nothing`;
    case 'target':
      return `${bound} of ${to.target}`;
  }
}
