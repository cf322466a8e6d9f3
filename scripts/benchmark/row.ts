/**
 * A row of the report: what is measured, on which targets, and what it is to reach. Rows are data; the
 * suites know how they are run.
 */

export type Unit = 'IOPS' | 'MB/s' | 'TPS' | 'us' | 'ms' | 's' | 'MiB' | '%';

/**
 * What a value is held against: the same row of another target, the do-nothing file system on the same
 * transport (the limit), another row of the same target, or nothing (the value itself is bounded).
 */
export type Reference =
  | { readonly kind: 'target'; readonly target: string }
  | { readonly kind: 'limit' }
  | { readonly kind: 'row'; readonly row: string }
  | { readonly kind: 'value' };

/** A bound of value / reference, or of the value where there is no reference. */
export interface Goal {
  readonly to: Reference;
  readonly atLeast?: number;
  readonly atMost?: number;
}

export interface Row {
  readonly name: string;
  readonly title: string;
  readonly unit: Unit;
  readonly goals: readonly Goal[];
  /** Names of the targets it runs on, in the order of the report. */
  readonly targets: readonly string[];
  /** Whether a run with --quick has it. */
  readonly isQuick?: boolean;
  /** Runs only where --rows names it. */
  readonly isExtra?: boolean;
}

export function againstQemu(atLeast: number): Goal {
  return { to: { kind: 'target', target: 'qemu' }, atLeast };
}

/** `atLeast` as a fraction. */
export function againstLimit(atLeast: number): Goal {
  return { to: { kind: 'limit' }, atLeast };
}

export function atLeastOfRow(row: string, atLeast: number): Goal {
  return { to: { kind: 'row', row }, atLeast };
}

export function atMostOfRow(row: string, atMost: number): Goal {
  return { to: { kind: 'row', row }, atMost };
}

export function valueAtMost(atMost: number): Goal {
  return { to: { kind: 'value' }, atMost };
}

/** Whether more is better. */
export function isRate(unit: Unit): boolean {
  return unit === 'IOPS' || unit === 'MB/s' || unit === 'TPS';
}
