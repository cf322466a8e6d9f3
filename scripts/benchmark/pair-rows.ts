/** Rows of mirror pairs; array-suite.ts runs them with those of array-rows.ts. */
import type { ArrayRow, ArrayStep } from './array-row.js';
import {
  initialCopy,
  pairedWrite,
  plainCopy,
  readBeside,
  resyncTime,
  splitUnderLoad,
} from './pair-steps.js';
import { atLeastOfRow, type Goal, type Unit, valueAtMost } from './row.js';
import { MAIN_TARGET } from './target-names.js';

const SPLIT_MS_MAX = 50;

/** The group is the first two words of the name: each group takes the space of its volumes. */
function row(name: string, title: string, unit: Unit, goals: Goal[], step: ArrayStep): ArrayRow {
  const group = name.split('-').slice(0, 2).join('-');
  return { name, title, unit, goals, targets: [MAIN_TARGET], group, step };
}

export const PAIR_ROWS: readonly ArrayRow[] = [
  row(
    'pair-write-none',
    '4k random write, 16 jobs, 60 s, final fsync counted, a volume without a pair',
    'IOPS',
    [],
    pairedWrite('unpaired'),
  ),
  row(
    'pair-write-local',
    'the same on the primary of a duplex pair in one pool',
    'IOPS',
    [atLeastOfRow('pair-write-none', 0.7)],
    pairedWrite('local'),
  ),
  row(
    'pair-write-remote',
    'the same on the primary of a duplex pair across pools',
    'IOPS',
    [atLeastOfRow('pair-write-none', 0.5)],
    pairedWrite('remote'),
  ),
  row('pair-copy-cp', 'cp and sync of 4 GiB between two plain files', 'MB/s', [], plainCopy),
  row(
    'pair-copy-initial',
    'first copy of 4 GiB across pools, pace fast, idle array',
    'MB/s',
    [atLeastOfRow('pair-copy-cp', 0.6)],
    initialCopy,
  ),
  row(
    'pair-read-idle',
    '4k random read, 1 job, nothing else running',
    'IOPS',
    [],
    readBeside(false),
  ),
  row(
    'pair-read-slow',
    'the same beside a first copy at pace slow',
    'IOPS',
    [atLeastOfRow('pair-read-idle', 0.9)],
    readBeside(true),
  ),
  row(
    'pair-split-load',
    'split of ten pairs while one primary is written by 16 jobs',
    'ms',
    [valueAtMost(SPLIT_MS_MAX)],
    splitUnderLoad,
  ),
  row(
    'pair-resync-hundredth',
    'resync of 4 GiB across pools after 1% was changed',
    's',
    [],
    resyncTime,
  ),
];
