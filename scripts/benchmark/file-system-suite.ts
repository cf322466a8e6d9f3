/**
 * Runs the rows of file-system-rows.ts: all targets are there at one time, each with its image or its
 * mounted file system, and every row is run on all of them in turn.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { isMounted, run, unmountLazily, until } from './commands.js';
import { makeCopySource } from './copy-source.js';
import type {
  CopySource,
  FileSystemBench,
  FileSystemGroup,
  FileSystemRow,
} from './file-system-row.js';
import { FILE_SYSTEM_ROWS } from './file-system-rows.js';
import { syncHost } from './host-caches.js';
import {
  type BenchRun,
  type MadeTarget,
  makeTarget,
  measureRows,
  type Place,
  type Suite,
  usableKinds,
} from './suite.js';

interface FileSystemPlace extends Place {
  /** Where the file system is mounted, and what takes it away in order. */
  mountPoint: string | undefined;
}

export const FILE_SYSTEM_SUITE: Suite = {
  rows: FILE_SYSTEM_ROWS,
  async run(bench, rows) {
    const source = await makeCopySource(bench.directory, bench.scale.treeBytes);
    for (const group of ['ext4', 'image'] as const) {
      const wanted = FILE_SYSTEM_ROWS.filter((row) => row.group === group && rows.includes(row));
      if (wanted.length > 0) await runGroup(bench, group, wanted, source);
    }
  },
};

async function runGroup(
  bench: BenchRun,
  group: FileSystemGroup,
  rows: readonly FileSystemRow[],
  source: CopySource,
): Promise<void> {
  const { scale } = bench;
  const imageBytes = group === 'ext4' ? scale.fileSystemBytes : scale.treeBytes;
  // A file system of this size is half full at most.
  const writtenBytes = group === 'ext4' ? imageBytes / 2 : imageBytes;
  const places = usableKinds(bench, rows, writtenBytes).map(
    (kind): FileSystemPlace => ({
      kind,
      made: undefined,
      mountPoint: undefined,
      problem: undefined,
    }),
  );
  const sample = async (row: FileSystemRow, place: FileSystemPlace) => {
    const isNew = place.made === undefined;
    const made = place.made ?? (await start(bench, group, place, imageBytes));
    const { target, cleanup } = made;
    const path = place.mountPoint ?? target.file;
    const step: FileSystemBench = { cleanup, scale, path, source };
    if (isNew) await prepare(bench, rows, place, step);
    if (place.mountPoint !== undefined) await run(cleanup, 'sync', ['-f', place.mountPoint]);
    await target.settle();
    await syncHost(bench.cleanup);
    return await row.step.measure(step);
  };
  await measureRows(bench, rows, places, { sample, discard });
  for (const place of places) await remove(place);
}

async function start(
  bench: BenchRun,
  group: FileSystemGroup,
  place: FileSystemPlace,
  imageBytes: number,
): Promise<MadeTarget> {
  const made = makeTarget(bench, place.kind, imageBytes);
  place.made = made;
  const { target, cleanup, directory } = made;
  await target.start();
  if (group === 'ext4') {
    const words = ['-q', '-F', '-E', 'lazy_itable_init=0,lazy_journal_init=0', target.file];
    await run(cleanup, 'mkfs.ext4', words);
    const mountPoint = join(directory, 'ext4');
    mkdirSync(mountPoint);
    cleanup.add(() => unmountLazily(mountPoint));
    await run(cleanup, 'mount', ['-o', 'loop', target.file, mountPoint]);
    place.mountPoint = mountPoint;
  }
  return made;
}

async function prepare(
  bench: BenchRun,
  rows: readonly FileSystemRow[],
  place: FileSystemPlace,
  step: FileSystemBench,
): Promise<void> {
  for (const row of rows) {
    bench.tell(`preparing ${place.kind.name}: ${row.name}`);
    await row.step.prepare?.(step);
  }
}

async function remove(place: FileSystemPlace): Promise<void> {
  const { made, mountPoint } = place;
  if (made !== undefined && mountPoint !== undefined) {
    await run(made.cleanup, 'umount', [mountPoint]);
    await until('the unmount of ext4', () => !isMounted(mountPoint), 60);
    await loopDeviceGone(made);
  }
  await made?.target.stop();
  discard(place);
}

/** The kernel lets go of the image a little after the unmount. */
async function loopDeviceGone({ target, cleanup }: MadeTarget): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    if ((await run(cleanup, 'losetup', ['-j', target.file])).trim() === '') return;
  }
  throw new Error(`a loop device still uses ${target.file}`);
}

function discard(place: FileSystemPlace): void {
  place.made?.discard();
  place.made = undefined;
  place.mountPoint = undefined;
}
