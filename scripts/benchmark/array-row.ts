/** What a row about an array consists of, and what its steps work with. */
import type { ArrayfsMount } from './arrayfs-mount.js';
import type { Cleanup } from './cleanup.js';
import type { Sample } from './results.js';
import type { Goal, Row, Unit } from './row.js';
import type { Scale } from './scale.js';
import { MAIN_TARGET } from './target-names.js';

/** One array, in use by one row. */
export interface ArrayBench {
  readonly array: ArrayfsMount;
  readonly cleanup: Cleanup;
  readonly scale: Scale;
  /** Counts from 1; 0 while it is prepared. */
  readonly round: number;
  /** Name of the volume of the row, and its image; a row that has several adds to the name. */
  readonly volume: string;
  readonly image: string;
  /** Volumes made here are deleted, with their snapshots, when the group of the row has ended. */
  create(volume: string, bytes: number, pool?: string): Promise<void>;
  /** For volumes that a command makes. */
  willDelete(volume: string): void;
  tell(line: string): void;
}

export interface ArrayStep {
  /** Once, before the first round. */
  prepare?(bench: ArrayBench): Promise<void>;
  measure(bench: ArrayBench): Promise<Sample>;
}

export interface ArrayRow extends Row {
  /** Rows of one group are compared with each other: prepared together, and measured in turn. */
  readonly group: string;
  readonly step: ArrayStep;
}

/** The group is the first two words of the name: each group takes the space of its volumes. */
export function rowOf(
  name: string,
  title: string,
  unit: Unit,
  goals: Goal[],
  step: ArrayStep,
): ArrayRow {
  const group = name.split('-').slice(0, 2).join('-');
  return { name, title, unit, goals, targets: [MAIN_TARGET], group, step };
}
