/** Rows of mirror pairs; array-suite.ts runs them with those of array-rows.ts. */
import { type ArrayRow, rowOf } from './array-row.js';
import {
  initialCopy,
  pairedWrite,
  plainCopy,
  readBeside,
  resyncTime,
  splitUnderLoad,
} from './pair-steps.js';
import { atLeastOfRow, valueAtMost } from './row.js';

const SPLIT_MS_MAX = 50;

export const PAIR_ROWS: readonly ArrayRow[] = [
  rowOf(
    'pair-write-none',
    '4k random write, 16 jobs, 60 s, final fsync counted, a volume without a pair',
    'IOPS',
    [],
    pairedWrite('unpaired'),
  ),
  rowOf(
    'pair-write-local',
    'the same on the primary of a duplex pair in one pool',
    'IOPS',
    [atLeastOfRow('pair-write-none', 0.7)],
    pairedWrite('local'),
  ),
  rowOf(
    'pair-write-remote',
    'the same on the primary of a duplex pair across pools',
    'IOPS',
    [atLeastOfRow('pair-write-none', 0.5)],
    pairedWrite('remote'),
  ),
  rowOf('pair-copy-cp', 'cp and sync of 4 GiB between two plain files', 'MB/s', [], plainCopy),
  rowOf(
    'pair-copy-initial',
    'first copy of 4 GiB across pools, pace fast, idle array',
    'MB/s',
    [atLeastOfRow('pair-copy-cp', 0.6)],
    initialCopy,
  ),
  rowOf(
    'pair-read-idle',
    '4k random read, 1 job, nothing else running',
    'IOPS',
    [],
    readBeside(false),
  ),
  rowOf(
    'pair-read-slow',
    'the same beside a first copy at pace slow',
    'IOPS',
    [atLeastOfRow('pair-read-idle', 0.9)],
    readBeside(true),
  ),
  rowOf(
    'pair-split-load',
    'split of ten pairs while one primary is written by 16 jobs',
    'ms',
    [valueAtMost(SPLIT_MS_MAX)],
    splitUnderLoad,
  ),
  rowOf(
    'pair-resync-hundredth',
    'resync of 4 GiB across pools after 1% was changed',
    's',
    [],
    resyncTime,
  ),
];
