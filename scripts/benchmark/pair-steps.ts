/** What mirror pairs cost the host, and how fast they copy: in one pool and between two. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { filled, READ_4K, WRITE_4K } from './array-input-output.js';
import type { ArrayBench, ArrayStep } from './array-row.js';
import { run, until } from './commands.js';
import { FioLoad, LOAD_LEAD_MS, makeFile, runFio } from './fio.js';
import { fioWords, type IoShape } from './image-row.js';

/** The second pool: in the same array, on the same disk. */
const POOL = 'mirror';
const PAIRS_SPLIT = 10;
const COPY_SECONDS_MAX = 900;
const CHANGED_SHARE = 0.01;
/** Over many rounds of the pair, of which each takes seconds under full load. */
const WRITE_LONG: IoShape = { ...WRITE_4K, amount: { kind: 'seconds', field: 'longSeconds' } };

export type PairPlace = 'unpaired' | 'local' | 'remote';

/** Host writes to a volume without a pair, or to the primary of a duplex pair in one pool or in two. */
export function pairedWrite(place: PairPlace): ArrayStep {
  return {
    async prepare(bench) {
      const { scale, volume } = bench;
      await filled(bench, scale.imageBytes);
      if (place !== 'unpaired') await makePair(bench, volume, scale.imageBytes, place, 'medium');
    },
    async measure({ cleanup, scale, image }) {
      const words = fioWords(WRITE_LONG, scale.imageBytes, scale);
      const result = await runFio(cleanup, image, true, words);
      return { value: result.operationsPerSecond, p99Us: result.p99Us };
    },
  };
}

/** A plain file and its copy, on the disk of the pools; until the copy is on the disk. */
export const plainCopy: ArrayStep = {
  prepare: ({ array, cleanup, scale }) =>
    makeFile(cleanup, join(array.directory, 'plain'), scale.passBytes),
  async measure({ array, cleanup, scale }) {
    const source = join(array.directory, 'plain');
    const copy = `${source}-copy`;
    const start = performance.now();
    await run(cleanup, 'cp', ['--reflink=never', source, copy]);
    await run(cleanup, 'sync', [copy]);
    const value = rate(scale.passBytes, start);
    await rm(copy);
    return { value };
  },
};

/** First copy between two pools at pace fast, until the pair is duplex. */
export const initialCopy: ArrayStep = {
  prepare: (bench) => filled(bench, bench.scale.passBytes),
  async measure(bench) {
    const { array, scale, volume, round } = bench;
    const copy = `${volume}-copy-${round}`;
    await bench.create(copy, scale.passBytes, POOL);
    const start = performance.now();
    await array.control('paircreate', `${volume} ${copy} pace=fast`);
    await reach(bench, `${volume}:${copy}`, 'duplex');
    const value = rate(scale.passBytes, start);
    await array.control('pairdelete', `${volume}:${copy} now=yes`);
    return { value };
  },
};

/** Host reads of another volume, alone or beside a first copy at pace slow. */
export function readBeside(isCopying: boolean): ArrayStep {
  return {
    async prepare(bench) {
      const { scale, volume } = bench;
      await filled(bench, scale.imageBytes);
      if (isCopying) await filled(bench, scale.passBytes, `${volume}-primary`);
    },
    async measure(bench) {
      const { array, cleanup, scale, volume, image, round } = bench;
      const [primary, copy] = [`${volume}-primary`, `${volume}-copy-${round}`];
      if (isCopying) {
        await bench.create(copy, scale.passBytes, POOL);
        await array.control('paircreate', `${primary} ${copy} pace=slow`);
      }
      const words = fioWords(READ_4K, scale.imageBytes, scale);
      const result = await runFio(cleanup, image, true, words);
      if (isCopying) {
        const { state } = await array.pair(`${primary}:${copy}`);
        if (state !== 'duplex-pending') throw new Error(`the copy was over: ${state}`);
        await array.control('pairdelete', `${primary}:${copy} now=yes`);
      }
      return { value: result.operationsPerSecond, p99Us: result.p99Us };
    },
  };
}

/** One split of ten pairs while one of the primaries is written at full speed. */
export const splitUnderLoad: ArrayStep = {
  async prepare(bench) {
    const bytes = splitBytes(bench);
    for (const volume of splitVolumes(bench)) {
      await filled(bench, bytes, volume);
      await makePair(bench, volume, bytes, 'remote', 'fast');
    }
  },
  async measure(bench) {
    const { array, cleanup, scale } = bench;
    const volumes = splitVolumes(bench);
    const pairs = volumes.map((volume) => `${volume}:${volume}-copy`);
    for (const pair of pairs) await reach(bench, pair, 'duplex');
    const bytes = splitBytes(bench);
    const words = [...fioWords(WRITE_4K, bytes, scale), '--runtime=1d'];
    const load = new FioLoad(cleanup, array.image(volumes[0] ?? ''), true, words);
    await pause(LOAD_LEAD_MS);
    const start = performance.now();
    await array.control('split', pairs.join(' '));
    const value = performance.now() - start;
    await load.stop();
    for (const pair of pairs) await reach(bench, pair, 'split');
    for (const pair of pairs) await array.control('resync', `${pair} pace=fast`);
    return { value };
  },
};

/** A resync after one hundredth of the tracks was changed, until the pair is duplex. */
export const resyncTime: ArrayStep = {
  async prepare(bench) {
    await filled(bench, bench.scale.passBytes);
    await makePair(bench, bench.volume, bench.scale.passBytes, 'remote', 'fast');
  },
  async measure(bench) {
    const { array, cleanup, scale, volume, image } = bench;
    const pair = `${volume}:${volume}-copy`;
    await reach(bench, pair, 'duplex');
    await array.control('split', pair);
    await reach(bench, pair, 'split');
    const changed = Math.floor(scale.passBytes * CHANGED_SHARE);
    await runFio(cleanup, image, true, [
      '--rw=randwrite',
      '--bs=64k',
      `--io_size=${changed}`,
      `--size=${scale.passBytes}`,
    ]);
    const start = performance.now();
    await array.control('resync', `${pair} pace=fast`);
    await reach(bench, pair, 'duplex');
    return { value: (performance.now() - start) / 1000 };
  },
};

/** Of each of their volumes: whole MiB. */
function splitBytes({ scale }: ArrayBench): number {
  return Math.floor(scale.imageBytes / PAIRS_SPLIT / 2 ** 20) * 2 ** 20;
}

function splitVolumes({ volume }: ArrayBench): string[] {
  return Array.from({ length: PAIRS_SPLIT }, (_, index) => `${volume}-${index}`);
}

/** The secondary is `VOLUME-copy`. */
async function makePair(
  bench: ArrayBench,
  volume: string,
  bytes: number,
  place: PairPlace,
  pace: string,
): Promise<void> {
  const { array, create } = bench;
  await create(`${volume}-copy`, bytes, place === 'remote' ? POOL : undefined);
  await array.control('paircreate', `${volume} ${volume}-copy pace=fast`);
  await reach(bench, `${volume}:${volume}-copy`, 'duplex');
  await array.control('pairpace', `${volume}:${volume}-copy pace=${pace}`);
}

async function reach({ array }: ArrayBench, pair: string, state: string): Promise<void> {
  const is = async () => (await array.pair(pair)).state === state;
  await until(`${pair} to be ${state}`, is, COPY_SECONDS_MAX);
}

function rate(bytes: number, startMs: number): number {
  return bytes / 1e3 / (performance.now() - startMs);
}
