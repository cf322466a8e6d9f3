/**
 * What is measured on arrayfs alone: the cost of a snapshot, of having many of them, of memory and
 * of mounting. One array of its own, filled step by step, so that the later rows find it large.
 */
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { ArrayfsMount } from './arrayfs-mount.js';
import type { Cleanup } from './cleanup.js';
import { fillFile, runFioRow, spreadOver, takesDirect } from './fio.js';
import type { FioRow } from './fio-rows.js';
import type { ArrayRow, BenchOptions } from './options.js';
import { median } from './statistics.js';

export interface Measurement {
  readonly row: ArrayRow;
  readonly what: string;
  readonly value: number;
  readonly unit: 'ms' | 'MiB' | 'ratio';
  /** What the issue asks for; undefined where it says nothing. */
  readonly goal: { readonly below?: number; readonly atLeast?: number } | undefined;
  readonly samples: readonly number[];
}

interface Bench {
  readonly array: ArrayfsMount;
  readonly options: BenchOptions;
  readonly cleanup: Cleanup;
  readonly tell: (line: string) => void;
}

const MEASUREMENTS: readonly (readonly [ArrayRow, (bench: Bench) => Promise<Measurement[]>])[] = [
  ['snapshot-time', snapshotTime],
  ['read-snapshots', readWithSnapshots],
  ['memory', memory],
  ['mount-time', mountTime],
];

export async function measureArray(
  directory: string,
  options: BenchOptions,
  cleanup: Cleanup,
  tell: (line: string) => void,
): Promise<Measurement[]> {
  const wanted = MEASUREMENTS.filter(([row]) => options.wantsRow(row));
  if (wanted.length === 0) return [];
  const array = new ArrayfsMount(cleanup, directory);
  await array.init();
  await array.mount();
  const results: Measurement[] = [];
  for (const [, measure] of wanted) {
    results.push(...(await measure({ array, options, cleanup, tell })));
  }
  await array.unmount();
  return results;
}

/** Snapshots of a volume that was never written and of a large one, while nothing else happens. */
async function snapshotTime({ array, options, cleanup, tell }: Bench): Promise<Measurement[]> {
  const { writtenBytes } = options.scale;
  tell('snapshot-time: writing a volume');
  array.control('create', `empty ${writtenBytes}`);
  array.control('create', `full ${writtenBytes}`);
  await fillFile(cleanup, array.image('full'), writtenBytes);
  const results: Measurement[] = [];
  for (const volume of ['empty', 'full']) {
    tell(`snapshot-time: ${volume}`);
    const samples: number[] = [];
    for (let index = 0; index < 20; index++) {
      await pause(250);
      samples.push(timed(() => array.control('snapshot', `${volume} name=idle-${index}`)));
    }
    const size = volume === 'empty' ? 'an empty volume' : `${mebibytes(writtenBytes)} MiB written`;
    results.push({
      ...{ row: 'snapshot-time', what: `snapshot of ${size}, idle, median of 20`, unit: 'ms' },
      ...{ value: median(samples), goal: { below: 20 }, samples },
    });
  }
  return results;
}

/** Two volumes with the same writes; one of them got a snapshot after every few of these. */
async function readWithSnapshots(bench: Bench): Promise<Measurement[]> {
  const { array, options, cleanup, tell } = bench;
  const { snapshotCount } = options.scale;
  const bytes = options.scale.writtenBytes / 4;
  tell(`read-snapshots: taking ${snapshotCount} snapshots`);
  for (const volume of ['without', 'with']) {
    array.control('create', `${volume} ${bytes}`);
    await fillFile(cleanup, array.image(volume), bytes);
  }
  takeManySnapshots(bench, bytes);
  const results: Measurement[] = [];
  for (const row of snapshotReadRows()) {
    const rates: Record<string, number[]> = { without: [], with: [] };
    const direct = await takesDirect(cleanup, array.image('with'));
    const scale = { ...options.scale, fileBytes: bytes };
    // The first round only warms.
    for (let round = 0; round <= options.rounds; round++) {
      for (const volume of round % 2 === 0 ? ['without', 'with'] : ['with', 'without']) {
        tell(`read-snapshots: ${row.name}, ${volume} snapshots`);
        const result = await runFioRow(cleanup, row, array.image(volume), direct, scale);
        if (round > 0) rates[volume]?.push(result.bytesPerSecond);
      }
    }
    const without = median(rates.without ?? []);
    results.push({
      ...{ row: 'read-snapshots', unit: 'ratio', goal: { atLeast: 0.9 } },
      what: `${row.name}, ${snapshotCount} snapshots against none`,
      value: median(rates.with ?? []) / without,
      samples: (rates.with ?? []).map((rate) => rate / without),
    });
  }
  return results;
}

function takeManySnapshots({ array, options }: Bench, bytes: number): void {
  const piece = Buffer.alloc(16 * 1024, 0x5a);
  const pieces = bytes / piece.length;
  const files = ['without', 'with'].map((volume) => openSync(array.image(volume), 'r+'));
  for (let index = 0; index < options.scale.snapshotCount; index++) {
    array.control('snapshot', `with name=many-${index}`);
    for (let write = 0; write < 16; write++) {
      // Any fixed sequence that visits the whole volume: both volumes get the same.
      const place = ((index * 16 + write) * 7919) % pieces;
      for (const file of files) writeSync(file, piece, 0, piece.length, place * piece.length);
    }
  }
  for (const file of files) closeSync(file);
  array.control('sync', '\n');
}

function snapshotReadRows(): FioRow[] {
  const shape = { jobs: 1, cache: 'warm' } as const;
  return [
    { ...shape, name: 'randread-4k', operation: 'randread', blockBytes: 4096 },
    { ...shape, name: 'read-1m', operation: 'read', blockBytes: 2 ** 20 },
  ];
}

/** Half of the bytes in sequence, half spread over the volume; then reads, which fill indexes. */
async function memory({ array, options, cleanup, tell }: Bench): Promise<Measurement[]> {
  const { writtenBytes, rowSeconds } = options.scale;
  const volumeBytes = 2 ** 40;
  tell('memory: writing into a volume of 1 TiB');
  array.control('create', `thin ${volumeBytes}`);
  const file = array.image('thin');
  const samples: number[] = [];
  const pid = array.daemonPid();
  const sampler = setInterval(() => samples.push(anonymousMebibytes(pid)), 100);
  const stop = cleanup.add(() => clearInterval(sampler));
  await fillFile(cleanup, file, writtenBytes / 2);
  await spreadOver(cleanup, file, writtenBytes / 2, volumeBytes);
  const [row] = snapshotReadRows();
  const scale = { ...options.scale, fileBytes: writtenBytes / 2, rowSeconds };
  if (row) await runFioRow(cleanup, row, file, await takesDirect(cleanup, file), scale);
  stop();
  samples.push(anonymousMebibytes(pid));
  return [
    {
      ...{ row: 'memory', unit: 'MiB', goal: { below: 300 } },
      what: `RssAnon of the daemon, highest, ${mebibytes(writtenBytes)} MiB written to 1 TiB`,
      ...{ value: Math.max(...samples), samples },
    },
  ];
}

/** The command `arrayfs mount` from start to end, on an array of many volumes and snapshots. */
async function mountTime({ array, options, tell }: Bench): Promise<Measurement[]> {
  const { volumeCount } = options.scale;
  tell(`mount-time: making ${volumeCount} volumes`);
  for (let index = 0; index < volumeCount; index++) {
    array.control('create', `volume-${index} 1G`);
    array.control('snapshot', `volume-${index} name=first`);
  }
  const samples: number[] = [];
  for (let round = 0; round < 3; round++) {
    tell('mount-time: mounting');
    await array.unmount();
    const start = performance.now();
    await array.mount();
    samples.push(performance.now() - start);
  }
  return [
    {
      ...{ row: 'mount-time', unit: 'ms', goal: { below: 2000 } },
      what: `mount with ${volumeCount} volumes that have snapshots, and all of the above`,
      ...{ value: median(samples), samples },
    },
  ];
}

function timed(action: () => void): number {
  const start = performance.now();
  action();
  return performance.now() - start;
}

function anonymousMebibytes(pid: number): number {
  const match = /^RssAnon:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  if (!match) throw new Error('the daemon has ended');
  return Number(match[1]) / 1024;
}

function mebibytes(bytes: number): number {
  return Math.round(bytes / 2 ** 20);
}
