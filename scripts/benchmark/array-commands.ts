/** How long commands take: idle, and under a writer at full speed. */
import { setTimeout as pause } from 'node:timers/promises';
import type { ArrayBench, ArrayStep } from './array-row.js';
import { FioLoad, fillFile, LOAD_LEAD_MS } from './fio.js';
import { fioWords, type IoShape } from './image-row.js';
import { median } from './statistics.js';

/** Between two commands, so that each finds the array as busy or as idle as the row says. */
const PAUSE_MS = 250;

const LOAD: IoShape = {
  operation: 'randwrite',
  blockBytes: 4096,
  jobs: 16,
  direct: true,
  amount: { kind: 'seconds', field: 'longSeconds' },
};

/** Snapshots of a volume, never written or written from end to end. */
export function snapshotTime(content: 'empty' | 'full'): ArrayStep {
  return {
    async prepare({ cleanup, scale, create, volume, image }) {
      await create(volume, scale.imageBytes);
      if (content === 'full') await fillFile(cleanup, image, scale.imageBytes);
    },
    measure: (bench) => timedCommands(bench, (index) => takeSnapshot(bench, index)),
  };
}

export const snapshotLoad: ArrayStep = {
  prepare: prepareLoaded,
  measure: (bench) => underLoad(bench, (index) => takeSnapshot(bench, index)),
};

export const cloneLoad: ArrayStep = {
  async prepare(bench) {
    await prepareLoaded(bench);
    await bench.array.control('snapshot', `${bench.volume} name=origin`);
  },
  measure: (bench) => underLoad(bench, (index) => makeClone(bench, index)),
};

export const cloneTime: ArrayStep = {
  prepare: prepareLarge,
  measure: (bench) => timedCommands(bench, (index) => makeClone(bench, index)),
};

/** Back and forth between two snapshots, so that each restore changes something. */
export const restoreTime: ArrayStep = {
  async prepare(bench) {
    await prepareLarge(bench);
    const { array, cleanup, scale, volume, image } = bench;
    await fillFile(cleanup, image, Math.min(scale.cloneBytes, scale.imageBytes));
    await array.control('snapshot', `${volume} name=later`);
  },
  measure: (bench) =>
    timedCommands(bench, (index) => {
      const copy = index % 2 === 0 ? 'origin' : 'later';
      return ['restore', `${bench.volume}@${copy}`];
    }),
};

type Command = readonly [name: string, line: string];

function takeSnapshot({ volume, round }: ArrayBench, index: number): Command {
  return ['snapshot', `${volume} name=round-${round}-${index}`];
}

function makeClone({ volume, round, willDelete }: ArrayBench, index: number): Command {
  const clone = `${volume}-${round}-${index}`;
  willDelete(clone);
  return ['clone', `${volume}@origin ${clone}`];
}

async function prepareLoaded({ cleanup, scale, create, volume, image }: ArrayBench): Promise<void> {
  await create(volume, scale.imageBytes);
  await fillFile(cleanup, image, scale.imageBytes);
}

async function prepareLarge(bench: ArrayBench): Promise<void> {
  const { array, cleanup, scale, create, volume, image } = bench;
  await create(volume, scale.cloneBytes);
  await fillFile(cleanup, image, scale.cloneBytes);
  await array.control('snapshot', `${volume} name=origin`);
}

async function underLoad(
  bench: ArrayBench,
  commandOf: (index: number) => Command,
): Promise<{ value: number }> {
  const { cleanup, scale, image } = bench;
  const words = [...fioWords(LOAD, scale.imageBytes, scale), '--runtime=1d'];
  const load = new FioLoad(cleanup, image, true, words);
  await pause(LOAD_LEAD_MS);
  const sample = await timedCommands(bench, commandOf);
  const beside = await load.stop();
  bench.tell(`beside ${beside.operationsPerSecond.toFixed(0)} writes/s`);
  return sample;
}

/** Median time of the commands of one round. */
async function timedCommands(
  { array, scale }: ArrayBench,
  commandOf: (index: number) => Command,
): Promise<{ value: number }> {
  const times: number[] = [];
  for (let index = 0; index < scale.commands; index++) {
    await pause(PAUSE_MS);
    const [command, line] = commandOf(index);
    const start = performance.now();
    await array.control(command, line);
    times.push(performance.now() - start);
  }
  return { value: median(times) };
}
