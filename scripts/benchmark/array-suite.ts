/**
 * Runs the rows of array-rows.ts. Group by group: preparation on each array, then all rounds interleaved over
 * the arrays, then the volumes of the group are deleted, so that groups do not need each other's space.
 */
import type { ArrayBench, ArrayRow } from './array-row.js';
import { ARRAY_ROWS } from './array-rows.js';
import { ArrayfsTarget } from './arrayfs-target.js';
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

/** Of the volume that every array target has, which these rows do not use. */
const UNUSED_BYTES = 2 ** 20;

interface ArrayPlace extends Place {
  volumes: string[];
  isPrepared: boolean;
}

export const ARRAY_SUITE: Suite = {
  rows: ARRAY_ROWS,
  async run(bench, rows) {
    const wanted = ARRAY_ROWS.filter((row) => rows.includes(row));
    const places = usableKinds(bench, wanted, bench.scale.cloneBytes).map(
      (kind): ArrayPlace => ({
        ...{ kind, made: undefined, volumes: [], isPrepared: false, problem: undefined },
      }),
    );
    for (const group of new Set(wanted.map((row) => row.group))) {
      await runGroup(
        bench,
        wanted.filter((row) => row.group === group),
        places,
      );
    }
    for (const place of places) await remove(place);
  },
};

async function runGroup(
  bench: BenchRun,
  rows: readonly ArrayRow[],
  places: readonly ArrayPlace[],
): Promise<void> {
  const sample = async (row: ArrayRow, place: ArrayPlace, round: number) => {
    const made = place.made ?? (await start(bench, place));
    if (!place.isPrepared) await prepare(bench, rows, made, place);
    const step = stepOf(bench, row, made, place, round);
    await step.array.settle();
    await syncHost(bench.cleanup);
    return await row.step.measure(step);
  };
  await measureRows(bench, rows, places, { sample, discard });
  for (const place of places) await clear(place);
}

async function prepare(
  bench: BenchRun,
  rows: readonly ArrayRow[],
  made: MadeTarget,
  place: ArrayPlace,
): Promise<void> {
  for (const row of rows) {
    bench.tell(`preparing ${place.kind.name}: ${row.name}`);
    await row.step.prepare?.(stepOf(bench, row, made, place, 0));
  }
  place.isPrepared = true;
}

function stepOf(
  bench: BenchRun,
  { name: volume }: ArrayRow,
  { target, cleanup }: MadeTarget,
  place: ArrayPlace,
  round: number,
): ArrayBench {
  if (!(target instanceof ArrayfsTarget)) throw new Error(`${target.name} is no array`);
  const { array } = target;
  return {
    ...{ array, cleanup, scale: bench.scale, round, volume, image: array.image(volume) },
    async create(name, bytes, pool) {
      if (pool !== undefined) await array.addPool(pool);
      const where = pool === undefined ? '' : ` pool=${pool}`;
      await array.control('create', `${name} ${bytes}${where}`);
      place.volumes.push(name);
    },
    willDelete: (name) => void place.volumes.push(name),
    tell: (line) => bench.tell(`  ${line}`),
  };
}

async function start(bench: BenchRun, place: ArrayPlace): Promise<MadeTarget> {
  place.made = makeTarget(bench, place.kind, UNUSED_BYTES);
  await place.made.target.start();
  return place.made;
}

/** Without the volumes of the group before. */
async function clear(place: ArrayPlace): Promise<void> {
  const target = place.made?.target;
  if (target instanceof ArrayfsTarget) {
    await target.array.deletePairs();
    for (const volume of place.volumes) {
      await target.array.control('delete', `${volume} snapshots=yes`);
    }
    if (place.volumes.length > 0) await target.array.settle();
  }
  place.volumes = [];
  place.isPrepared = false;
}

async function remove(place: ArrayPlace): Promise<void> {
  await place.made?.target.stop();
  discard(place);
}

function discard(place: ArrayPlace): void {
  place.made?.discard();
  place.made = undefined;
  place.volumes = [];
}
