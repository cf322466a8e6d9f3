/** Runs the rows of image-rows.ts: one pass over the rounds for each state of the image. */

import { setTimeout as pause } from 'node:timers/promises';
import type { Cleanup } from './cleanup.js';
import { FioLoad, fillFile, overwriteFile, readFile, runFio, takesDirect } from './fio.js';
import {
  fioWords,
  IMAGE_SETUPS,
  type ImageRow,
  type ImageState,
  type IoShape,
} from './image-row.js';
import { IMAGE_ROWS } from './image-rows.js';
import type { Sample } from './results.js';
import {
  type BenchRun,
  dropCaches,
  interleave,
  type MadeTarget,
  makeTarget,
  measure,
  type Place,
  type Suite,
  syncHost,
  usableKinds,
} from './suite.js';
import type { Target } from './target.js';

/** Time a load runs before what is measured beside it: longer than any cache absorbs its writes. */
const LOAD_LEAD_MS = 3_000;

export const IMAGE_SUITE: Suite = {
  rows: IMAGE_ROWS,
  async run(bench, rows) {
    const states: readonly ImageState[] = ['filled', 'fresh', 'aged', 'empty', 'large'];
    for (const state of states) {
      const wanted = IMAGE_ROWS.filter((row) => row.image === state && rows.includes(row));
      if (wanted.length > 0) await runState(bench, state, wanted);
    }
  },
};

interface ImagePlace extends Place {
  made: MadeTarget | undefined;
  direct: boolean;
  problem: string | undefined;
}

async function runState(
  bench: BenchRun,
  state: ImageState,
  rows: readonly ImageRow[],
): Promise<void> {
  const bytes = bench.scale[IMAGE_SETUPS[state].bytes];
  const { isRenewed } = IMAGE_SETUPS[state];
  const places = usableKinds(bench, rows, bytes).map(
    (kind): ImagePlace => ({ kind, made: undefined, direct: false, problem: undefined }),
  );
  await interleave(bench, rows, places, async (row, place, label) => {
    if (place.problem !== undefined) {
      bench.results.problem(row, place.kind.name, `not run: ${place.problem}`);
      return;
    }
    const sample = async () => {
      const made = place.made ?? (await prepare(bench, state, place, bytes));
      const sample = await runRow(bench, row, { ...place, made }, bytes);
      if (isRenewed) await remove(place);
      return sample;
    };
    place.problem = await measure(bench, row, place, label, sample);
    if (place.problem !== undefined) discard(place);
    bench.save();
  });
  for (const place of places) await remove(place);
}

/** A running target whose image is in the state asked for. */
async function prepare(
  bench: BenchRun,
  state: ImageState,
  place: ImagePlace,
  bytes: number,
): Promise<MadeTarget> {
  bench.tell(`preparing ${place.kind.name}: ${state} image`);
  const made = makeTarget(bench, place.kind, bytes);
  place.made = made;
  const { target, cleanup } = made;
  await target.start();
  if (target.storesData && IMAGE_SETUPS[state].isFilled)
    await fillFile(cleanup, target.file, bytes);
  if (state === 'aged') {
    await target.age?.(bench.scale.overwrites, () => overwriteFile(cleanup, target.file, bytes));
  }
  place.direct = await takesDirect(cleanup, target.file);
  if (!place.direct) {
    bench.warn(`${target.name} does not take O_DIRECT: the page cache is in its numbers`);
  }
  return made;
}

async function remove(place: ImagePlace): Promise<void> {
  await place.made?.target.stop();
  discard(place);
}

function discard(place: ImagePlace): void {
  place.made?.discard();
  place.made = undefined;
}

async function runRow(
  bench: BenchRun,
  row: ImageRow,
  { made: { target, cleanup }, direct }: ImagePlace & { readonly made: MadeTarget },
  bytes: number,
): Promise<Sample> {
  const { scale } = bench;
  if (target.storesData) await bringInto(row.before, target, cleanup, bytes);
  const words = (shape: IoShape) => fioWords(shape, bytes, scale);
  const isDirect = (shape: IoShape) => shape.direct && direct;
  const io = () => runFio(cleanup, target.file, isDirect(row.io), words(row.io));
  if (row.load === undefined) return sampleOf(row, await io());
  const endless = [...words(row.load), '--time_based', '--runtime=1d'];
  const load = new FioLoad(cleanup, target.file, isDirect(row.load), endless);
  await pause(LOAD_LEAD_MS);
  const result = await io();
  const beside = await load.stop();
  bench.tell(`  beside ${(beside.bytesPerSecond / 1e6).toFixed(0)} MB/s`);
  return sampleOf(row, result);
}

async function bringInto(
  before: ImageRow['before'],
  target: Target,
  cleanup: Cleanup,
  bytes: number,
): Promise<void> {
  await target.settle();
  syncHost();
  if (before === 'cold' || before === 'reread') {
    await target.stop();
    dropCaches();
    await target.start();
  }
  if (before === 'warm' || before === 'reread') await readFile(cleanup, target.file, bytes);
}

function sampleOf(row: ImageRow, result: Awaited<ReturnType<typeof runFio>>): Sample {
  if (row.value === 'p99') return { value: result.p99Us };
  const value = row.unit === 'IOPS' ? result.operationsPerSecond : result.bytesPerSecond / 1e6;
  return { value, p99Us: Number.isFinite(result.p99Us) ? result.p99Us : undefined };
}
