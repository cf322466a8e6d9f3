/** Rows of copies to backup devices; array-suite.ts runs them with those of array-rows.ts. */
import { type ArrayRow, rowOf } from './array-row.js';
import { failOver, hostReads, mergeStart } from './ecopy-load-steps.js';
import { backupTo, plainBlocks } from './ecopy-steps.js';
import { atLeastOfRow, valueAtMost } from './row.js';

const FAIL_OVER_MS_MAX = 1_000;
const MERGE_MS_MAX = 100;

export const ECOPY_ROWS: readonly ArrayRow[] = [
  rowOf(
    'ecopy-to-dd',
    'dd bs=1M of 2 GiB between two plain files, fsync counted',
    'MB/s',
    [],
    plainBlocks,
  ),
  rowOf(
    'ecopy-to-disk',
    'ecopy of a volume of 2 GiB to a disk device',
    'MB/s',
    [atLeastOfRow('ecopy-to-dd', 0.6)],
    backupTo('disk'),
  ),
  rowOf(
    'ecopy-to-tape',
    'ecopy of a volume of 2 GiB to a cartridge',
    'MB/s',
    [atLeastOfRow('ecopy-to-dd', 0.5)],
    backupTo('tape'),
  ),
  rowOf(
    'ecopy-turns-idle',
    '4k random read, 1 job, through a port that is target and initiator',
    'IOPS',
    [],
    hostReads('host', undefined),
  ),
  rowOf(
    'ecopy-turns-1',
    'the same while the volume is backed up through this port, ratio 1:1',
    'IOPS',
    [atLeastOfRow('ecopy-turns-idle', 0.5)],
    hostReads('host', '1:1'),
  ),
  rowOf(
    'ecopy-turns-10',
    'the same, ratio 10:1',
    'IOPS',
    [atLeastOfRow('ecopy-turns-idle', 0.85)],
    hostReads('host', '10:1'),
  ),
  rowOf(
    'ecopy-turns-backup-10',
    'the backup beside such reads, ratio 10:1',
    'MB/s',
    [],
    hostReads('backup', '10:1'),
  ),
  rowOf(
    'ecopy-turns-backup-1',
    'the backup beside such reads, ratio 1:1',
    'MB/s',
    [atLeastOfRow('ecopy-turns-backup-10', 1)],
    hostReads('backup', '1:1'),
  ),
  rowOf(
    'ecopy-failover-disk',
    'from the end of a microprocessor to data from another one, to a disk device',
    'ms',
    [valueAtMost(FAIL_OVER_MS_MAX)],
    failOver('disk'),
  ),
  rowOf(
    'ecopy-failover-tape',
    'the same, to a cartridge',
    'ms',
    [valueAtMost(FAIL_OVER_MS_MAX)],
    failOver('tape'),
  ),
  rowOf(
    'ecopy-split-merge',
    'from the command that splits and backs up to the first data of an uncopied pair at the device',
    'ms',
    [valueAtMost(MERGE_MS_MAX)],
    mergeStart,
  ),
];
