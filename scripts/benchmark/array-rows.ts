/**
 * Rows of what only an array does: snapshots, clones, restores, deletions, many of them. Each prepares
 * a volume of its own in an array that all of them share, and leaves none. array-suite.ts runs them.
 */
import { cloneLoad, cloneTime, restoreTime, snapshotLoad, snapshotTime } from './array-commands.js';
import {
  overwritten,
  readDuringDelete,
  readIdle,
  readWithSnapshots,
  reflinkTime,
} from './array-input-output.js';
import { memoryOfThin, mountTime } from './array-limits.js';
import type { ArrayRow, ArrayStep } from './array-row.js';
import { BACKUP_ROWS } from './backup-rows.js';
import { ECOPY_ROWS } from './ecopy-rows.js';
import { PAIR_ROWS } from './pair-rows.js';
import { MEMORY_MIB_MAX } from './results.js';
import { atLeastOfRow, type Goal, type Unit, valueAtMost } from './row.js';
import { ARRAY_TARGETS } from './target-names.js';

const SNAPSHOT_MS_MAX = 20;
const REFLINK_SECONDS_MAX = 1;
const MOUNT_SECONDS_MAX = 2;
/** Of the rate without snapshots. */
const MANY_SNAPSHOTS_MIN = 0.9;

/** The group is the first word of the name. */
function row(name: string, title: string, unit: Unit, goals: Goal[], step: ArrayStep): ArrayRow {
  const group = name.split('-')[0] as string;
  return { name, title, unit, goals, targets: ARRAY_TARGETS, group, step };
}

export const ARRAY_ROWS: readonly ArrayRow[] = [
  row(
    'snapshot-empty',
    'snapshot of an empty volume, idle',
    'ms',
    [valueAtMost(SNAPSHOT_MS_MAX)],
    snapshotTime('empty'),
  ),
  row(
    'snapshot-full',
    'snapshot of a volume with 2 GiB written, idle',
    'ms',
    [valueAtMost(SNAPSHOT_MS_MAX)],
    snapshotTime('full'),
  ),
  row(
    'snapshot-load',
    'snapshot under 4k random writes of 16 jobs',
    'ms',
    [valueAtMost(SNAPSHOT_MS_MAX)],
    snapshotLoad,
  ),
  row(
    'clone-load',
    'clone under 4k random writes of 16 jobs',
    'ms',
    [valueAtMost(SNAPSHOT_MS_MAX)],
    cloneLoad,
  ),
  row('clone-10g', 'clone of a snapshot of 10 GiB', 'ms', [], cloneTime),
  row('restore-10g', 'restore of a volume of 10 GiB', 'ms', [], restoreTime),
  row(
    'reflink-1g',
    'cp --reflink=auto snapshots/x/y volumes/new of 1 GiB',
    's',
    [valueAtMost(REFLINK_SECONDS_MAX)],
    reflinkTime,
  ),
  row(
    'overwrite-1m',
    '1m overwrite of 2 GiB, final fsync counted',
    'MB/s',
    [],
    overwritten('1m', false),
  ),
  row(
    'overwrite-1m-snapshot',
    'the first 1m overwrite after a snapshot',
    'MB/s',
    [],
    overwritten('1m', true),
  ),
  row(
    'overwrite-4k',
    '4k random overwrite, 16 jobs, final fsync counted',
    'IOPS',
    [],
    overwritten('4k', false),
  ),
  row(
    'overwrite-4k-snapshot',
    'the first 4k random overwrite after a snapshot',
    'IOPS',
    [],
    overwritten('4k', true),
  ),
  row('delete-idle-read', 'median of 4k random reads, nothing else running', 'us', [], readIdle),
  row(
    'delete-read',
    'median of 4k random reads while a snapshot of 2 GiB is deleted',
    'us',
    [],
    readDuringDelete,
  ),
  row(
    'snapshots-0-read-4k',
    '4k random read, 1 job, volume without snapshots',
    'IOPS',
    [],
    readWithSnapshots('4k', false),
  ),
  row(
    'snapshots-1000-read-4k',
    '4k random read, 1 job, volume with 1,000 snapshots',
    'IOPS',
    [atLeastOfRow('snapshots-0-read-4k', MANY_SNAPSHOTS_MIN)],
    readWithSnapshots('4k', true),
  ),
  row(
    'snapshots-0-read-1m',
    '1m read, direct, volume without snapshots',
    'MB/s',
    [],
    readWithSnapshots('1m', false),
  ),
  row(
    'snapshots-1000-read-1m',
    '1m read, direct, volume with 1,000 snapshots',
    'MB/s',
    [atLeastOfRow('snapshots-0-read-1m', MANY_SNAPSHOTS_MIN)],
    readWithSnapshots('1m', true),
  ),
  row(
    'memory-thin',
    'anonymous memory, 2 GiB written to a volume of 1 TiB',
    'MiB',
    [valueAtMost(MEMORY_MIB_MAX)],
    memoryOfThin,
  ),
  row(
    'mount-time',
    'mount with 1,000 volumes that have snapshots',
    's',
    [valueAtMost(MOUNT_SECONDS_MAX)],
    mountTime,
  ),
  ...PAIR_ROWS,
  ...ECOPY_ROWS,
  ...BACKUP_ROWS,
];
