/**
 * Rows on a loop-mounted ext4 in an image, and of programs on the image itself; `plain` is an ordinary file
 * in its place. They show what a user has, and which page cache policy is best. file-system-suite.ts runs
 * them.
 */
import type { FileSystemGroup, FileSystemRow, FileSystemStep } from './file-system-row.js';
import {
  copyTree,
  fioInside,
  readImage,
  rsyncImage,
  rsyncTree,
  writeImage,
} from './file-system-steps.js';
import { pgbench } from './postgres.js';
import type { Unit } from './row.js';
import { FILE_SYSTEM_TARGETS } from './target-names.js';

function row(group: FileSystemGroup, words: readonly [string, string, Unit], step: FileSystemStep) {
  const [name, title, unit] = words;
  const targets = FILE_SYSTEM_TARGETS;
  return { name, title, unit, goals: [], targets, group, step } satisfies FileSystemRow;
}

/** An ordinary file has no store below whose caches could stay warm when its own are dropped. */
function withoutPlain(each: FileSystemRow): FileSystemRow {
  return { ...each, targets: each.targets.filter((target) => target !== 'plain') };
}

export const FILE_SYSTEM_ROWS: readonly FileSystemRow[] = [
  row(
    'ext4',
    ['ext4-randread-4k', '4k random read in ext4, 1 job, direct', 'IOPS'],
    fioInside('randread', 1),
  ),
  row(
    'ext4',
    ['ext4-randread-4k-16', '4k random read in ext4, 16 jobs, direct', 'IOPS'],
    fioInside('randread', 16),
  ),
  row(
    'ext4',
    ['ext4-randwrite-4k-fsync', '4k random write in ext4, fsync each', 'IOPS'],
    fioInside('randwrite', 1),
  ),
  row('ext4', ['ext4-cp', 'cp of a tree of 2 GiB into ext4 and sync', 'MB/s'], copyTree),
  row('ext4', ['ext4-rsync', 'rsync of a tree of 2 GiB into ext4 and sync', 'MB/s'], rsyncTree),
  row('ext4', ['ext4-pgbench', 'pgbench on PostgreSQL on ext4, 8 clients', 'TPS'], pgbench),
  row('image', ['dd-write', 'dd of 2 GiB onto the image, 1m, and fsync', 'MB/s'], writeImage),
  withoutPlain(
    row(
      'image',
      ['dd-read', 'dd of 2 GiB from the image, 1m, the first time', 'MB/s'],
      readImage('first'),
    ),
  ),
  withoutPlain(
    row(
      'image',
      ['dd-read-again', 'dd of 2 GiB from the image, 1m, once more', 'MB/s'],
      readImage('again'),
    ),
  ),
  row(
    'image',
    ['rsync-image', 'rsync --inplace of 2 GiB onto the image and fsync', 'MB/s'],
    rsyncImage,
  ),
];
