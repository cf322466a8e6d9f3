/** Rows of the backup manager; array-suite.ts runs them with those of array-rows.ts. */
import { type ArrayRow, rowOf } from './array-row.js';
import { lastOfMany, rescanOfMany } from './backup-catalog-steps.js';
import { frozenTime, incrementalBytes, oneFile } from './backup-steps.js';
import { valueAtMost } from './row.js';

const FROZEN_MS_MAX = 200;
const ONE_FILE_SECONDS_MAX = 3;
const RESCAN_SECONDS_MAX = 5;
const LIST_MS_MAX = 100;
/** Of the 16 KiB blocks that were changed. */
const INCREMENT_PERCENT_MAX = 101;

export const BACKUP_ROWS: readonly ArrayRow[] = [
  rowOf(
    'backup-frozen',
    'how long an ext4 of 10 GiB under 4k random writes is frozen for a backup, median of 10',
    'ms',
    [valueAtMost(FROZEN_MS_MAX)],
    frozenTime,
  ),
  rowOf(
    'backup-file',
    'restore of one file from a backup of 10 GiB, from the command to its end',
    's',
    [valueAtMost(ONE_FILE_SECONDS_MAX)],
    oneFile,
  ),
  rowOf(
    'backup-rescan',
    'rescan of 1,000 backups into an empty catalog, from the command to its end',
    's',
    [valueAtMost(RESCAN_SECONDS_MAX)],
    rescanOfMany,
  ),
  rowOf(
    'backup-list',
    'the last 20 of 100,000 backups from the server, median of 20 requests',
    'ms',
    [valueAtMost(LIST_MS_MAX)],
    lastOfMany,
  ),
  rowOf(
    'backup-increment',
    'what an incremental copy adds to a cartridge, labels included, of the changed blocks of 16 KiB',
    '%',
    [valueAtMost(INCREMENT_PERCENT_MAX)],
    incrementalBytes,
  ),
];
