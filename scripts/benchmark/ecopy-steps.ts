/** What it takes to back a volume up to a device, and to see that the backup is the volume; how fast that is. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { filled } from './array-input-output.js';
import type { ArrayBench, ArrayStep } from './array-row.js';
import type { JobFile } from './arrayfs-mount.js';
import { run, until } from './commands.js';
import { makeFile } from './fio.js';

const BACKUP_SECONDS_MAX = 600;
const CARTRIDGE = 'AFS001';

export type MediumKind = 'disk' | 'tape';

/** A new device with one new medium, on the disk of the store. */
export interface Medium {
  /** As ctl/ecopy names it. */
  readonly name: string;
  /** Throws where it does not hold what `image` does. */
  check(image: string): Promise<void>;
  /** The array forgets the device, and its files are gone. */
  remove(): Promise<void>;
}

/** Calls `use` with a medium that is there for as long. */
export async function withMedium<T>(
  bench: ArrayBench,
  kind: MediumKind,
  use: (medium: Medium) => Promise<T>,
): Promise<T> {
  const medium = await makeMedium(bench, kind);
  try {
    return await use(medium);
  } finally {
    await medium.remove();
  }
}

async function makeMedium(bench: ArrayBench, kind: MediumKind): Promise<Medium> {
  const { array, cleanup, volume } = bench;
  const device = `${volume}-device`;
  const path = join(array.directory, device);
  await array.control('device', `${device} kind=${kind} path=${path}`);
  const remove = async () => {
    await array.control('device', `${device} delete=yes`);
    await rm(path, { recursive: true, force: true });
  };
  const equal = async (file: string, image: string) =>
    void (await run(cleanup, 'cmp', [file, image]));
  if (kind === 'disk') {
    return { name: `${device}/${device}`, check: (image) => equal(path, image), remove };
  }
  const check = async (image: string) => {
    const copy = `${path}-extracted`;
    await array.command('tape', 'extract', join(path, `${CARTRIDGE}.tap`), '1', copy);
    await equal(copy, image);
    await rm(copy);
  };
  return { name: `${device}/${CARTRIDGE}`, check, remove };
}

/** Writes `line` to ctl/ecopy; the number of its job. */
export async function startBackup({ array }: ArrayBench, line: string): Promise<number> {
  await array.control('ecopy', line);
  return await array.newestJob();
}

/** Resolves when the job is done; an Error where it ended otherwise. */
export async function backedUp({ array }: ArrayBench, id: number): Promise<JobFile> {
  let job = await array.job(id);
  const hasEnded = async () => {
    job = await array.job(id);
    return job.state !== 'running';
  };
  await until(`the end of job ${id}`, hasEnded, BACKUP_SECONDS_MAX);
  if (job.state !== 'done') throw new Error(`job ${id} ${job.state}: ${job.message}`);
  return job;
}

export const plainBlocks: ArrayStep = {
  prepare: ({ array, cleanup, scale }) =>
    makeFile(cleanup, join(array.directory, 'plain-blocks'), scale.imageBytes),
  async measure({ array, cleanup, scale }) {
    const source = join(array.directory, 'plain-blocks');
    const copy = `${source}-copy`;
    const start = performance.now();
    await run(cleanup, 'dd', [`if=${source}`, `of=${copy}`, 'bs=1M', 'conv=fsync']);
    const value = rateSince(start, scale.imageBytes);
    await run(cleanup, 'cmp', [source, copy]);
    await rm(copy);
    return { value };
  },
};

/** From the command to the end of its job: all is durable at the device. */
export function backupTo(kind: MediumKind): ArrayStep {
  return {
    prepare: (bench) => filled(bench, bench.scale.imageBytes),
    measure: (bench) =>
      withMedium(bench, kind, async (medium) => {
        const start = performance.now();
        const id = await startBackup(bench, `${bench.volume} ${medium.name}`);
        await backedUp(bench, id);
        const value = rateSince(start, bench.scale.imageBytes);
        await medium.check(bench.image);
        return { value };
      }),
  };
}

function rateSince(startMs: number, bytes: number): number {
  return bytes / 1e3 / (performance.now() - startMs);
}
