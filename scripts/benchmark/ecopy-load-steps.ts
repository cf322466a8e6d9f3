/** Backups beside host reads, after the end of a microprocessor, and of a pair that has just been split. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { filled, READ_4K } from './array-input-output.js';
import type { ArrayBench, ArrayStep } from './array-row.js';
import { until } from './commands.js';
import { backedUp, type MediumKind, startBackup, withMedium } from './ecopy-steps.js';
import { runFio } from './fio.js';
import { fioWords } from './image-row.js';

/** Of all rows that read. */
const READ_VOLUME = 'ecopy-turns';
const PORT = 'CL1-A';
const LUN = 7;
/** fio reads for so long before it counts: the backup is started within. */
const RAMP_SECONDS = 2;
/** Between two looks at a backup whose first progress is waited for. */
const LOOK_MS = 2;
const MOVES_SECONDS_MAX = 60;
/** After a device was defined: microprocessors start then. */
const STARTED_MS = 1_000;
/** A backup that waits for its pair is seen not to move for so long. */
const WAITED_MS = 500;

/** Reads through a port that is target and initiator, and the backup of the same volume through it; the rate of either. */
export function hostReads(value: 'host' | 'backup', ratio: string | undefined): ArrayStep {
  return {
    async prepare(bench) {
      const { array, scale } = bench;
      if (existsSync(array.image(READ_VOLUME))) return;
      await filled(bench, scale.imageBytes, READ_VOLUME);
      await array.control('port', `${PORT} role=both`);
      await array.control('lun', `${READ_VOLUME} ports=${PORT} lun=${LUN}`);
    },
    async measure(bench) {
      if (ratio === undefined) return { value: (await read(bench)).operationsPerSecond };
      await bench.array.control('priority', `ratio=${ratio}`);
      return await withMedium(bench, 'disk', async (medium) => {
        const words = `${READ_VOLUME} ${medium.name} port=${PORT}`;
        const { host, backup } = await readBesideBackup(bench, words);
        await medium.check(bench.array.image(READ_VOLUME));
        bench.tell(`${ratio}: ${Math.round(host)} IOPS, ${backup.toFixed(1)} MB/s`);
        return { value: value === 'host' ? host : backup };
      });
    },
  };
}

function read({ array, cleanup, scale }: ArrayBench) {
  const file = join(array.mountPoint, 'targets', PORT, String(LUN));
  const words = fioWords(READ_4K, scale.imageBytes, scale);
  return runFio(cleanup, file, true, [...words, `--ramp_time=${RAMP_SECONDS}`]);
}

async function readBesideBackup(bench: ArrayBench, line: string) {
  const reading = read(bench);
  await pause((RAMP_SECONDS * 1000) / 2);
  const backups = new Backups(bench, line);
  await pause((RAMP_SECONDS * 1000) / 2);
  const before = await backups.movedBytes();
  const start = performance.now();
  const { operationsPerSecond: host } = await reading;
  const bytes = (await backups.movedBytes()) - before;
  const seconds = (performance.now() - start) / 1000;
  await backups.stop();
  return { host, backup: bytes / seconds / 1e6 };
}

/** One backup after the other, as small ones end before the reads beside them. */
class Backups {
  private job: number | undefined;
  private endedBytes = 0;
  private isLast = false;
  private readonly running: Promise<void>;

  constructor(
    private readonly bench: ArrayBench,
    private readonly line: string,
  ) {
    this.running = this.run();
    this.running.catch(() => {});
  }

  async movedBytes(): Promise<number> {
    const { job, endedBytes } = this;
    return endedBytes + (job === undefined ? 0 : (await this.bench.array.job(job)).done);
  }

  /** Resolves when the one under way is done; rejects where any has failed. */
  async stop(): Promise<void> {
    this.isLast = true;
    await this.running;
  }

  private async run(): Promise<void> {
    do {
      const job = await startBackup(this.bench, this.line);
      this.job = job;
      const { done } = await backedUp(this.bench, job);
      this.endedBytes += done;
      this.job = undefined;
    } while (!this.isLast);
  }
}

/** Kills the microprocessor that moves a backup in the middle of it. */
export function failOver(kind: MediumKind): ArrayStep {
  return {
    prepare: (bench) => filled(bench, bench.scale.imageBytes),
    async measure(bench) {
      const { array } = bench;
      await array.unmount();
      await array.mount(['--allow-faults']);
      try {
        return await withMedium(bench, kind, async (medium) => {
          const id = await startBackup(bench, `${bench.volume} ${medium.name}`);
          const value = await killAndWait(bench, id);
          await backedUp(bench, id);
          await medium.check(bench.image);
          return { value };
        });
      } finally {
        await array.unmount();
        await array.mount();
      }
    },
  };
}

/** Milliseconds from the command that kills to the first byte that another microprocessor has moved. */
async function killAndWait(bench: ArrayBench, id: number): Promise<number> {
  const { array, scale } = bench;
  const isUnderWay = async () => (await array.job(id)).done > scale.imageBytes / 16;
  await until('the backup to be under way', isUnderWay, MOVES_SECONDS_MAX);
  const killed = await array.microprocessorOf(id);
  if (killed === undefined) throw new Error('nobody moves the backup');
  const start = performance.now();
  await array.control('fault', `microprocessor:${killed} killed count=1`);
  let taken: number | undefined;
  for (;;) {
    const { done, state } = await array.job(id);
    if (state !== 'running') throw new Error(`the backup is ${state} before anybody died`);
    const now = await array.microprocessorOf(id);
    if (taken === undefined && now !== undefined && now !== killed) taken = done;
    if (taken !== undefined && done > taken) return performance.now() - start;
    if (performance.now() - start > MOVES_SECONDS_MAX * 1000) throw new Error('nobody goes on');
    await pause(LOOK_MS);
  }
}

/** Two pairs of one primary, of which nothing is copied: one is split and merged, the other one is waited for. */
export const mergeStart: ArrayStep = {
  async prepare(bench) {
    const { scale, volume } = bench;
    await filled(bench, scale.imageBytes);
    for (const copy of ['merged', 'waited'])
      await bench.create(`${volume}-${copy}`, scale.imageBytes);
  },
  async measure(bench) {
    const { array, volume } = bench;
    const pairs = ['merged', 'waited'].map((copy) => `${volume}:${volume}-${copy}`);
    const [merged = '', waited = ''] = pairs;
    try {
      return await withMedium(bench, 'disk', async (medium) => {
        await pause(STARTED_MS);
        for (const pair of pairs) {
          await array.control('paircreate', `${pair.replace(':', ' ')} pace=slow`);
        }
        const start = performance.now();
        const id = await startBackup(bench, `${merged} ${medium.name} split=yes policy=merge`);
        while ((await array.job(id)).done === 0) await pause(LOOK_MS);
        const value = performance.now() - start;
        await checkCopying(bench, merged);
        await backedUp(bench, id);
        await medium.check(bench.image);
        await checkWaits(bench, waited);
        return { value };
      });
    } finally {
      await array.deletePairs();
    }
  },
};

/** With policy=wait nothing moves as long as the pair copies. */
async function checkWaits(bench: ArrayBench, pair: string): Promise<void> {
  const { array } = bench;
  const other = { ...bench, volume: `${bench.volume}-waiting` };
  await withMedium(other, 'disk', async (medium) => {
    const id = await startBackup(bench, `${pair} ${medium.name} split=yes policy=wait`);
    await pause(WAITED_MS);
    const { done, state } = await array.job(id);
    await checkCopying(bench, pair);
    if (done > 0 || state !== 'running')
      throw new Error(`the backup that waits is ${state}, ${done}`);
    await array.control('cancel', String(id));
    await until('the end of the job', async () => (await array.job(id)).state !== 'running', 60);
  });
}

async function checkCopying({ array }: ArrayBench, pair: string): Promise<void> {
  const { state } = await array.pair(pair);
  if (state !== 'split-pending') throw new Error(`${pair} was copied too early: ${state}`);
}
