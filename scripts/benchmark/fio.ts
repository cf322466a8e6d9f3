/** Runs fio on one file and reads its JSON. */
import { truncate, writeFile } from 'node:fs/promises';
import type { Cleanup } from './cleanup.js';
import { type Running, run, start } from './commands.js';

export interface FioResult {
  readonly operationsPerSecond: number;
  readonly bytesPerSecond: number;
  /** Of one operation; of a read where there are reads; of the sync where each write is synced. */
  readonly p50Us: number;
  readonly p99Us: number;
}

/** The part of fio's JSON that is read. */
export interface FioReport {
  readonly jobs: readonly FioJob[];
}
interface FioJob {
  readonly error: number;
  readonly read: FioDirection;
  readonly write: FioDirection;
  readonly sync: { readonly lat_ns: FioLatency & { readonly N: number } };
}
interface FioDirection {
  readonly io_bytes: number;
  readonly total_ios: number;
  /** Milliseconds, with the sync at the end. */
  readonly runtime: number;
  readonly clat_ns: FioLatency;
}
interface FioLatency {
  readonly percentile?: Readonly<Record<string, number>>;
}

/** fio never lays out the file: it is used as it is. */
const ALWAYS: readonly string[] = [
  ...['--name=bench', '--ioengine=psync', '--thread', '--group_reporting', '--randrepeat=0'],
  ...['--fallocate=none', '--allow_file_create=0', '--output-format=json'],
];
/** Exit status of fio after SIGINT. */
const INTERRUPTED = 128;
/** Time a load runs before what is measured beside it: longer than any cache absorbs its writes. */
export const LOAD_LEAD_MS = 3_000;

export async function runFio(
  cleanup: Cleanup,
  file: string,
  direct: boolean,
  words: readonly string[],
): Promise<FioResult> {
  return fioResult(fioReport(await run(cleanup, 'fio', allWords(file, direct, words))));
}

/** fio in the background, until it is stopped. */
export class FioLoad {
  private readonly running: Running;

  constructor(cleanup: Cleanup, file: string, direct: boolean, words: readonly string[]) {
    const how = { allowed: [INTERRUPTED] };
    this.running = start(cleanup, 'fio', allWords(file, direct, words), how);
  }

  /** What it did. An Error where it had ended before: what ran beside it was not under load. */
  async stop(): Promise<FioResult> {
    if (this.running.hasEnded()) {
      await this.running.output;
      throw new Error('the load ended before the measurement beside it');
    }
    this.running.signal('SIGINT');
    return fioResult(fioReport(await this.running.output));
  }
}

/** `direct` is past the page cache; else the page cache holds nothing of the file at the start. */
function allWords(file: string, direct: boolean, words: readonly string[]): string[] {
  const cache = direct ? ['--direct=1', '--invalidate=0'] : ['--direct=0', '--invalidate=1'];
  return [...ALWAYS, `--filename=${file}`, ...cache, ...words];
}

/** fio may print notes before the JSON. */
function fioReport(output: string): FioReport {
  return JSON.parse(output.slice(output.search(/^\{/m))) as FioReport;
}

/** Rates over the whole time, over reads and writes together. */
export function fioResult({ jobs }: FioReport): FioResult {
  const job = jobs[0];
  if (job === undefined || job.error !== 0) throw new Error(`fio: error ${job?.error}`);
  const { read, write } = job;
  const seconds = Math.max(read.runtime, write.runtime) / 1000;
  const bytes = read.io_bytes + write.io_bytes;
  if (bytes === 0 || seconds === 0) throw new Error('fio did nothing');
  const latency = latencyOf(job);
  const at = (percentile: string) => (latency.percentile?.[percentile] ?? Number.NaN) / 1000;
  return {
    operationsPerSecond: (read.total_ios + write.total_ios) / seconds,
    bytesPerSecond: bytes / seconds,
    p50Us: at('50.000000'),
    p99Us: at('99.000000'),
  };
}

/** A sync at the end, one of each job, is no operation; with a sync after each write there are as many. */
function latencyOf({ read, write, sync }: FioJob): FioLatency {
  if (read.total_ios > 0) return read.clat_ns;
  return sync.lat_ns.N >= write.total_ios / 2 ? sync.lat_ns : write.clat_ns;
}

/** Writes all of `bytes` with content, and fsyncs. */
export async function fillFile(cleanup: Cleanup, file: string, bytes: number): Promise<void> {
  await runFio(cleanup, file, false, ['--rw=write', '--bs=1m', `--size=${bytes}`, '--end_fsync=1']);
}

/** Makes `file`, full of content. */
export async function makeFile(cleanup: Cleanup, file: string, bytes: number): Promise<void> {
  await writeFile(file, '');
  await truncate(file, bytes);
  await fillFile(cleanup, file, bytes);
}

/** Reads the first `bytes` of `file`, so that they are in whatever caches there are. */
export async function readFile(cleanup: Cleanup, file: string, bytes: number): Promise<void> {
  await runFio(cleanup, file, false, ['--rw=read', '--bs=1m', `--size=${bytes}`]);
}

/** Writes every block of `file` once, in random order, and fsyncs. */
export async function overwriteFile(cleanup: Cleanup, file: string, bytes: number): Promise<void> {
  const words = ['--rw=randwrite', '--bs=16k', `--size=${bytes}`, '--end_fsync=1'];
  await runFio(cleanup, file, false, words);
}

/** Writes `bytes` in pieces of 64 KiB at random places of the first `extentBytes` of `file`. */
export async function spreadOver(
  cleanup: Cleanup,
  file: string,
  bytes: number,
  extentBytes: number,
): Promise<void> {
  const words = ['--rw=randwrite', '--bs=64k', `--size=${extentBytes}`, `--io_size=${bytes}`];
  await runFio(cleanup, file, false, [...words, '--norandommap', '--end_fsync=1']);
}

/** Whether `file` takes O_DIRECT. */
export async function takesDirect(cleanup: Cleanup, file: string): Promise<boolean> {
  try {
    await runFio(cleanup, file, true, ['--rw=read', '--bs=4k', '--size=64k']);
    return true;
  } catch {
    return false;
  }
}
