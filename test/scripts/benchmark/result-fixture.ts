/** Results for tests: rows with values, of a machine that does not matter. */
import type { BenchResults, RowResult } from '../../../scripts/benchmark/results.js';
import type { Goal, Unit } from '../../../scripts/benchmark/row.js';
import { FULL_SCALE } from '../../../scripts/benchmark/scale.js';

/** A row with one sample of each target. */
export function rowOf(
  name: string,
  unit: Unit,
  values: Readonly<Record<string, number>>,
  goals: readonly Goal[] = [],
): RowResult {
  const cells = Object.entries(values).map(([target, value]) => ({ target, samples: [{ value }] }));
  return { name, title: `title of ${name}`, unit, goals, cells };
}

export function resultsOf(rows: readonly RowResult[]): BenchResults {
  return {
    machine: {
      date: '2026-11-20T12:34:56.000Z',
      processor: 'Test CPU',
      cores: 2,
      memoryMebibytes: 24 * 1024,
      kernel: '6.1',
      directoryFreeMebibytes: 1,
      uptimeSeconds: 1,
      load: [0, 0, 0],
      busy: [],
      versions: { arrayfs: 'abc1234' },
    },
    warnings: [],
    isQuick: false,
    rounds: 3,
    scale: FULL_SCALE,
    rows,
  };
}
