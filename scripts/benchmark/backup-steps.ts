/** How long backups hold a file system, and what they move: ext4 on a loop device over a volume, and blocks. */
import { mkdirSync } from 'node:fs';
import { open, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { filled, WRITE_4K } from './array-input-output.js';
import type { ArrayBench, ArrayStep } from './array-row.js';
import { type BackupPrograms, withBackup } from './backup-programs.js';
import { run, unmountLazily, until } from './commands.js';
import { FioLoad, LOAD_LEAD_MS, makeFile } from './fio.js';
import { fioWords } from './image-row.js';
import { median } from './statistics.js';

const FREEZES = 10;
const FROZEN_LINE = /^frozen for ([\d.]+) ms/;
const SMALL_FILE_BYTES = 2 ** 20;
const BLOCK_BYTES = 16 * 1024;
/** One block of so many is changed, by a part of it. */
const CHANGED_ONE_OF = 16;
const CHANGED_BYTES = 4096;
const CARTRIDGE = 'AFS001.tap';
const UNMOUNT_SECONDS_MAX = 60;

/** Ten backups of a file system in which fio writes. */
export const frozenTime: ArrayStep = {
  prepare: fileSystemMade,
  measure: (bench) =>
    withFileSystem(bench, async (mountPoint) => {
      const { cleanup, scale } = bench;
      const file = join(mountPoint, 'written');
      await makeFile(cleanup, file, scale.fileBytes);
      return await withBackup(bench, async (backup) => {
        await backup.command('define', 'frozen', '--path', mountPoint, '--freeze');
        const endless = [
          ...fioWords(WRITE_4K, scale.fileBytes, scale),
          '--time_based',
          '--runtime=1d',
        ];
        const load = new FioLoad(cleanup, file, true, endless);
        await pause(LOAD_LEAD_MS);
        const times: number[] = [];
        for (let freeze = 0; freeze < FREEZES; freeze++) times.push(await frozenOnce(backup));
        await load.stop();
        await deleteAll(backup);
        bench.tell(`frozen ${times.map((ms) => ms.toFixed(1)).join(' ')} ms`);
        return { value: median(times) };
      });
    }),
};

async function frozenOnce(backup: BackupPrograms): Promise<number> {
  const { number } = await backup.json<{ readonly number: number }>('run', 'frozen');
  const log = await backup.json<readonly string[]>('log', `${number}`);
  const times = log.flatMap((line) => FROZEN_LINE.exec(line)?.[1] ?? []);
  const [time] = times;
  if (time === undefined || times.length !== 1) throw new Error('a run does not tell its freeze');
  return Number(time);
}

/** A small file beside a large one. */
export const oneFile: ArrayStep = {
  prepare: fileSystemMade,
  measure: (bench) =>
    withFileSystem(bench, async (mountPoint) => {
      const { cleanup, scale } = bench;
      await makeFile(cleanup, join(mountPoint, 'large'), scale.fileBytes);
      await makeFile(cleanup, join(mountPoint, 'small'), SMALL_FILE_BYTES);
      return await withBackup(bench, async (backup) => {
        await backup.command('define', 'files', '--path', mountPoint, '--freeze');
        const { number } = await backup.json<{ readonly number: number }>('run', 'files');
        const start = performance.now();
        await backup.command('restore-file', `${number}`, '/small', '--to', backup.target);
        const value = (performance.now() - start) / 1000;
        await run(cleanup, 'cmp', [join(mountPoint, 'small'), join(backup.target, 'small')]);
        await deleteAll(backup);
        return { value };
      });
    }),
};

/** The second of two backups to a device, after a part of every so many blocks was written. */
export const incrementalBytes: ArrayStep = {
  prepare: (bench) => filled(bench, bench.scale.imageBytes),
  async measure(bench) {
    const { array, image, volume, scale } = bench;
    const device = `${volume}-device`;
    const path = join(array.directory, device);
    await array.control('device', `${device} kind=tape path=${path}`);
    return await withBackup(bench, async (backup) => {
      const words = ['--volume', volume, '--then', device, '--incremental'];
      await backup.command('define', 'increment', ...words);
      await backup.command('run', 'increment');
      const cartridge = join(path, CARTRIDGE);
      const before = await stat(cartridge);
      const changed = await changeBlocks(image, scale.imageBytes);
      await backup.command('run', 'increment');
      const moved = (await stat(cartridge)).size - before.size;
      bench.tell(`${moved} bytes on tape for ${changed} of changed blocks`);
      await deleteAll(backup);
      await array.control('device', `${device} delete=yes`);
      await rm(path, { recursive: true, force: true });
      return { value: (100 * moved) / changed };
    });
  },
};

/** Bytes of the blocks that were written into. */
async function changeBlocks(image: string, imageBytes: number): Promise<number> {
  const file = await open(image, 'r+');
  let blocks = 0;
  try {
    const part = Buffer.alloc(CHANGED_BYTES, 'changed');
    for (let at = 0; at < imageBytes; at += CHANGED_ONE_OF * BLOCK_BYTES, blocks++) {
      await file.write(part, 0, part.length, at);
    }
    await file.sync();
  } finally {
    await file.close();
  }
  return blocks * BLOCK_BYTES;
}

async function deleteAll(backup: BackupPrograms): Promise<void> {
  const entries = await backup.json<readonly { readonly id: string }[]>('list');
  if (entries.length > 0) await backup.command('delete', ...entries.map(({ id }) => id));
}

async function fileSystemMade(bench: ArrayBench): Promise<void> {
  const { cleanup, scale, volume, image } = bench;
  await bench.create(volume, scale.cloneBytes);
  const words = ['-q', '-F', '-E', 'lazy_itable_init=0,lazy_journal_init=0', image];
  await run(cleanup, 'mkfs.ext4', words);
}

async function withFileSystem<T>(
  { array, cleanup, volume, image }: ArrayBench,
  use: (mountPoint: string) => Promise<T>,
): Promise<T> {
  const mountPoint = join(array.directory, `${volume}-mount`);
  mkdirSync(mountPoint, { recursive: true });
  const undo = cleanup.add(() => unmountLazily(mountPoint));
  try {
    await run(cleanup, 'mount', ['-o', 'loop', image, mountPoint]);
    const result = await use(mountPoint);
    await run(cleanup, 'umount', [mountPoint]);
    const isReleased = async () => (await run(cleanup, 'losetup', ['-j', image])).trim() === '';
    await until('the loop device', isReleased, UNMOUNT_SECONDS_MAX);
    return result;
  } finally {
    undo();
  }
}
