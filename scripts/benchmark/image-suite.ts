/** Runs the rows of image-rows.ts: one pass over the rounds for each state of the image. */

import { setTimeout as pause } from 'node:timers/promises';
import {
  FioLoad,
  fillFile,
  LOAD_LEAD_MS,
  overwriteFile,
  readFile,
  runFio,
  takesDirect,
} from './fio.js';
import { assertCold, dropCaches, syncHost } from './host-caches.js';
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
  type MadeTarget,
  makeTarget,
  measureRows,
  type Place,
  type Suite,
  usableKinds,
} from './suite.js';

/** States whose rows are compared with each other are measured in one pass; others one after the other, for room. */
const PASSES: readonly (readonly ImageState[])[] = [
  ['filled'],
  ['fresh', 'aged'],
  ['empty'],
  ['large'],
];

export const IMAGE_SUITE: Suite = {
  rows: IMAGE_ROWS,
  async run(bench, rows) {
    for (const states of PASSES) {
      const wanted = IMAGE_ROWS.filter((row) => states.includes(row.image) && rows.includes(row));
      if (wanted.length > 0) await runPass(bench, states, wanted);
    }
  },
};

interface ImagePlace extends Place {
  readonly state: ImageState;
  direct: boolean;
}

async function runPass(
  bench: BenchRun,
  states: readonly ImageState[],
  rows: readonly ImageRow[],
): Promise<void> {
  const places = states.flatMap((state) => {
    const own = rows.filter((row) => row.image === state);
    return usableKinds(bench, own, imageBytes(bench, state)).map(
      (kind): ImagePlace => ({ kind, state, made: undefined, direct: false, problem: undefined }),
    );
  });
  const isFor = (row: ImageRow, { state }: ImagePlace) => row.image === state;
  const sample = async (row: ImageRow, place: ImagePlace) => {
    const made = place.made ?? (await prepare(bench, place));
    const result = await runRow(bench, row, { ...place, made });
    if (IMAGE_SETUPS[place.state].isRenewed) await remove(place);
    return result;
  };
  await measureRows(bench, rows, places, { sample, discard, isFor });
  for (const place of places) await remove(place);
}

function imageBytes({ scale }: BenchRun, state: ImageState): number {
  return scale[IMAGE_SETUPS[state].bytes];
}

/** A running target whose image is in the state asked for. */
async function prepare(bench: BenchRun, place: ImagePlace): Promise<MadeTarget> {
  const { state } = place;
  const bytes = imageBytes(bench, state);
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
  { made, direct }: ImagePlace & { readonly made: MadeTarget },
): Promise<Sample> {
  const bytes = imageBytes(bench, row.image);
  const { scale } = bench;
  const { target, cleanup } = made;
  if (target.storesData) await bringInto(row.before, made, bytes);
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
  { target, cleanup, directory }: MadeTarget,
  bytes: number,
): Promise<void> {
  await target.settle();
  await syncHost(cleanup);
  if (before === 'cold' || before === 'reread') {
    await target.stop();
    await dropCaches(cleanup);
    await target.start();
    await assertCold(cleanup, directory, bytes);
  }
  if (before === 'warm' || before === 'reread') await readFile(cleanup, target.file, bytes);
}

function sampleOf(row: ImageRow, result: Awaited<ReturnType<typeof runFio>>): Sample {
  if (row.value === 'p99') return { value: result.p99Us };
  const value = row.unit === 'IOPS' ? result.operationsPerSecond : result.bytesPerSecond / 1e6;
  return { value, p99Us: Number.isFinite(result.p99Us) ? result.p99Us : undefined };
}
