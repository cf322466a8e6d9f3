/**
 * Results of runs in which `init` had another container by itself: their `arrayfs` is what bears the name
 * of that container today, and what bore the name of today's default is `arrayfs`. All else that was
 * measured over the former default, such as another transport, has no name today and is left out.
 */
import { DEFAULT_CONTAINER } from '../../src/store/container-kind.js';
import type { BenchResults, Cell } from './results.js';
import { CONTAINER_TARGETS, containerTarget, MAIN_TARGET } from './target-names.js';

/** That of files which do not say it. */
const FIRST_DEFAULT = 'lmdb';

/** The same results under the names of today, with a warning of what is left out. */
export function namedAsToday(results: BenchResults): BenchResults {
  const { defaultContainer: former = FIRST_DEFAULT, machine, warnings } = results;
  if (former === DEFAULT_CONTAINER) return results;
  const leftOut = new Set<string>();
  const renamed = (cell: Cell): Cell[] => {
    const target = nameToday(cell.target, former);
    if (target === undefined) leftOut.add(cell.target);
    return target === undefined ? [] : [{ ...cell, target }];
  };
  const rows = results.rows.map((row) => ({ ...row, cells: row.cells.flatMap(renamed) }));
  const names = [...leftOut].join(', ');
  const warning = `of the run of ${machine.date} are left out ${names}: blocks were in ${former}`;
  return {
    ...results,
    defaultContainer: DEFAULT_CONTAINER,
    warnings: leftOut.size === 0 ? warnings : [...warnings, warning],
    rows,
  };
}

function nameToday(target: string, former: string): string | undefined {
  if (target === MAIN_TARGET) return containerTarget(former);
  if (target === containerTarget(DEFAULT_CONTAINER)) return MAIN_TARGET;
  if (!target.startsWith(MAIN_TARGET) || CONTAINER_TARGETS.includes(target)) return target;
  return undefined;
}
