/** Runs fio on one file and reads its JSON. */
import type { Cleanup } from './cleanup.js';
import { run } from './commands.js';
import type { FioRow } from './fio-rows.js';
import type { Scale } from './options.js';

export interface FioResult {
  readonly operationsPerSecond: number;
  readonly bytesPerSecond: number;
  /** 99th percentile of one operation; of the sync where the row syncs each write. */
  readonly p99Us: number;
}

/** The part of fio's JSON that is read. */
interface FioReport {
  readonly jobs: readonly {
    readonly error: number;
    readonly job_runtime: number;
    readonly read: FioDirection;
    readonly write: FioDirection;
    readonly sync: { readonly lat_ns: FioLatency };
  }[];
}
interface FioDirection {
  readonly io_bytes: number;
  readonly total_ios: number;
  readonly iops: number;
  readonly bw_bytes: number;
  readonly clat_ns: FioLatency;
}
interface FioLatency {
  readonly percentile?: Readonly<Record<string, number>>;
}

/** One row on `file`, which is as long as the scale says. */
export async function runFioRow(
  cleanup: Cleanup,
  row: FioRow,
  file: string,
  direct: boolean,
  scale: Scale,
): Promise<FioResult> {
  const words = [
    `--rw=${row.operation}`,
    `--bs=${row.blockBytes}`,
    `--numjobs=${row.jobs}`,
    `--direct=${direct ? 1 : 0}`,
    ...extentWords(row, scale),
  ];
  const report = await fio(cleanup, file, words);
  const job = report.jobs[0];
  if (job === undefined || job.error !== 0) throw new Error(`fio ${row.name}: error ${job?.error}`);
  const direction = row.operation.endsWith('read') ? job.read : job.write;
  const latency = row.sync === 'fdatasync' ? job.sync.lat_ns : direction.clat_ns;
  return {
    operationsPerSecond: direction.iops,
    bytesPerSecond: direction.bw_bytes,
    p99Us: (latency.percentile?.['99.000000'] ?? Number.NaN) / 1000,
  };
}

/** Cold rows read nothing twice; a row that ends with fsync writes a fixed amount. */
function extentWords(row: FioRow, scale: Scale): string[] {
  if (row.sync === 'end_fsync') return [`--size=${scale.bulkBytes}`, '--end_fsync=1'];
  return [
    `--size=${scale.fileBytes}`,
    `--runtime=${scale.rowSeconds}`,
    ...(row.cache === 'warm' ? ['--time_based'] : []),
    ...(row.sync === 'fdatasync' ? ['--fdatasync=1'] : []),
  ];
}

/** Writes `bytes` from the start of `file`, all of them with content, and fsyncs. */
export async function fillFile(cleanup: Cleanup, file: string, bytes: number): Promise<void> {
  await fio(cleanup, file, ['--rw=write', '--bs=1m', `--size=${bytes}`, '--end_fsync=1']);
}

/** Reads the first `bytes` of `file`, so that they are in whatever caches there are. */
export async function readFile(cleanup: Cleanup, file: string, bytes: number): Promise<void> {
  await fio(cleanup, file, ['--rw=read', '--bs=1m', `--size=${bytes}`]);
}

/** Writes `bytes` in pieces of 64 KiB at random places of the first `extentBytes` of `file`. */
export async function spreadOver(
  cleanup: Cleanup,
  file: string,
  bytes: number,
  extentBytes: number,
): Promise<void> {
  const words = ['--rw=randwrite', '--bs=64k', `--size=${extentBytes}`, `--io_size=${bytes}`];
  await fio(cleanup, file, [...words, '--norandommap', '--end_fsync=1']);
}

/** Whether `file` takes O_DIRECT. */
export async function takesDirect(cleanup: Cleanup, file: string): Promise<boolean> {
  try {
    await fio(cleanup, file, ['--rw=read', '--bs=4k', '--size=64k', '--direct=1']);
    return true;
  } catch {
    return false;
  }
}

/** fio never lays out or pre-caches the file: it is used as it is. */
async function fio(cleanup: Cleanup, file: string, words: readonly string[]): Promise<FioReport> {
  const output = await run(cleanup, 'fio', [
    '--name=bench',
    `--filename=${file}`,
    '--ioengine=psync',
    '--thread',
    '--group_reporting',
    '--randrepeat=0',
    '--fallocate=none',
    '--invalidate=0',
    '--allow_file_create=0',
    '--output-format=json',
    ...words,
  ]);
  // fio may print notes before the JSON.
  return JSON.parse(output.slice(output.indexOf('{'))) as FioReport;
}
