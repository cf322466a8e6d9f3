/** Reads and writes beside, after or in spite of snapshots, and copies without copying. */
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { ArrayBench, ArrayStep } from './array-row.js';
import { run } from './commands.js';
import { FioLoad, type FioResult, fillFile, overwriteFile, readFile, runFio } from './fio.js';
import { fioWords, type IoShape } from './image-row.js';
import type { Sample } from './results.js';

const LOOK_MS = 20;
const DELETE_SECONDS_MAX = 600;
const PIECE_BYTES = 16 * 1024;
const PIECES_PER_SNAPSHOT = 16;

export const READ_4K: IoShape = shape('randread', 4096, 1);
const READ_1M: IoShape = shape('read', 2 ** 20, 1);
export const WRITE_4K: IoShape = { ...shape('randwrite', 4096, 16), sync: 'end' };
const WRITE_1M: IoShape = {
  ...{ operation: 'write', blockBytes: 2 ** 20, jobs: 1, direct: true },
  ...{ amount: { kind: 'pass' }, sync: 'end' },
};

function shape(operation: IoShape['operation'], blockBytes: number, jobs: number): IoShape {
  const amount = { kind: 'seconds', field: 'rowSeconds' } as const;
  return { operation, blockBytes, jobs, direct: true, amount };
}

/** A volume that is written for the second time; where `isFirst`, for the first time after a snapshot. */
export function overwritten(size: '4k' | '1m', isFirst: boolean): ArrayStep {
  return {
    prepare: (bench) => filled(bench, bench.scale.imageBytes),
    async measure({ array, cleanup, scale, round, volume, image }) {
      if (isFirst) await array.control('snapshot', `${volume} name=round-${round}`);
      const words = fioWords(size === '4k' ? WRITE_4K : WRITE_1M, scale.imageBytes, scale);
      const result = await runFio(cleanup, image, true, words);
      if (isFirst) await array.control('delete', `${volume}@round-${round}`);
      return rateOf(size, result);
    },
  };
}

export const readIdle: ArrayStep = {
  prepare: (bench) => filled(bench, bench.scale.imageBytes),
  async measure({ cleanup, scale, image }) {
    await readFile(cleanup, image, scale.imageBytes);
    const words = fioWords(READ_4K, scale.imageBytes, scale);
    return latencyOf(await runFio(cleanup, image, true, words));
  },
};

/** Reads from the moment a snapshot is deleted to the moment its last block is given back. */
export const readDuringDelete: ArrayStep = {
  prepare: (bench) => filled(bench, bench.scale.imageBytes),
  async measure(bench) {
    const { array, cleanup, scale, round, volume, image: file } = bench;
    await array.control('snapshot', `${volume} name=round-${round}`);
    await overwriteFile(cleanup, file, scale.imageBytes);
    await array.settle();
    await readFile(cleanup, file, scale.imageBytes);
    const words = [...fioWords(READ_4K, scale.imageBytes, scale), '--runtime=1d'];
    const reader = new FioLoad(cleanup, file, true, words);
    // fio needs a moment to start; what it reads in this time is a small part.
    await pause(LOOK_MS * 20);
    const start = performance.now();
    await array.control('delete', `${volume}@round-${round}`);
    while ((await array.reclaimsPending()) > 0) {
      if (performance.now() - start > DELETE_SECONDS_MAX * 1000) throw new Error('reclaim hangs');
      await pause(LOOK_MS);
    }
    bench.tell(`the deletion took ${Math.round(performance.now() - start)} ms`);
    return latencyOf(await reader.stop());
  },
};

/** Two volumes with the same writes; one of them got a snapshot after every few of these. */
export function readWithSnapshots(size: '4k' | '1m', hasSnapshots: boolean): ArrayStep {
  return {
    async prepare(bench) {
      await filled(bench, bench.scale.imageBytes / 4);
      await scatterWrites(bench, hasSnapshots);
    },
    async measure({ cleanup, scale, image: file }) {
      const bytes = scale.imageBytes / 4;
      await readFile(cleanup, file, bytes);
      const words = fioWords(size === '4k' ? READ_4K : READ_1M, bytes, scale);
      return rateOf(size, await runFio(cleanup, file, true, words));
    },
  };
}

async function scatterWrites(bench: ArrayBench, hasSnapshots: boolean): Promise<void> {
  const { array, scale, volume, image } = bench;
  const piece = Buffer.alloc(PIECE_BYTES, 0x5a);
  const pieces = scale.imageBytes / 4 / PIECE_BYTES;
  const file = await open(image, 'r+');
  for (let index = 0; index < scale.snapshotCount; index++) {
    if (hasSnapshots) await array.control('snapshot', `${volume} name=many-${index}`);
    for (let write = 0; write < PIECES_PER_SNAPSHOT; write++) {
      // Any fixed sequence that visits the whole volume: both volumes get the same.
      const place = ((index * PIECES_PER_SNAPSHOT + write) * 7919) % pieces;
      await file.write(piece, 0, PIECE_BYTES, place * PIECE_BYTES);
    }
  }
  await file.close();
}

/** A new volume each time: the copy is deleted before the next. */
export const reflinkTime: ArrayStep = {
  async prepare(bench) {
    await filled(bench, bench.scale.reflinkBytes);
    await bench.array.control('snapshot', `${bench.volume} name=frozen`);
  },
  async measure({ array, cleanup, volume, image }) {
    const source = join(array.mountPoint, 'snapshots', volume, 'frozen');
    const copy = `${image}-copy`;
    const start = performance.now();
    await run(cleanup, 'cp', ['--reflink=auto', source, copy]);
    const seconds = (performance.now() - start) / 1000;
    await run(cleanup, 'cmp', [source, copy]);
    await rm(copy);
    return { value: seconds };
  },
};

/** Makes a volume, that of the row or another one, and writes it from end to end. */
export async function filled(
  { array, cleanup, create, volume }: ArrayBench,
  bytes: number,
  name = volume,
): Promise<void> {
  await create(name, bytes);
  await fillFile(cleanup, array.image(name), bytes);
}

function rateOf(size: '4k' | '1m', result: FioResult): Sample {
  const value = size === '4k' ? result.operationsPerSecond : result.bytesPerSecond / 1e6;
  return { value, p99Us: result.p99Us };
}

/** Median as the value, and the 99th percentile beside it. */
function latencyOf(result: FioResult): Sample {
  return { value: result.p50Us, p99Us: result.p99Us };
}
