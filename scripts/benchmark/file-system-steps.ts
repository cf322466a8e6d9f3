/** fio inside a file system, trees copied into it, and images copied as a whole. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { run, syncFile } from './commands.js';
import type { FileSystemBench, FileSystemStep } from './file-system-row.js';
import { makeFile, readFile, runFio } from './fio.js';
import { fioWords, type IoShape } from './image-row.js';
import type { Sample } from './results.js';

/** Direct, on one file, which the rows of a round share. A write is followed by fsync. */
export function fioInside(operation: 'randread' | 'randwrite', jobs: number): FileSystemStep {
  const shape: IoShape = {
    ...{ operation, blockBytes: 4096, jobs, direct: true },
    amount: { kind: 'seconds', field: 'rowSeconds' },
  };
  return {
    async prepare({ cleanup, scale, path }) {
      const file = join(path, 'fio.dat');
      if (!existsSync(file)) await makeFile(cleanup, file, scale.fileBytes);
    },
    async measure({ cleanup, scale, path }) {
      const file = join(path, 'fio.dat');
      const isRead = operation === 'randread';
      if (isRead) await readFile(cleanup, file, scale.fileBytes);
      const words = fioWords(shape, scale.fileBytes, scale);
      const result = await runFio(cleanup, file, true, [
        ...words,
        ...(isRead ? [] : ['--fsync=1']),
      ]);
      return { value: result.operationsPerSecond, p99Us: result.p99Us };
    },
  };
}

export const copyTree: FileSystemStep = treeCopy('cp', ['-a']);
export const rsyncTree: FileSystemStep = treeCopy('rsync', ['-a']);

/** The time of the copy and of the sync after it; the copy is removed again. */
function treeCopy(command: string, words: readonly string[]): FileSystemStep {
  return {
    async measure({ cleanup, scale, path, source }) {
      const copy = join(path, 'copy');
      const sample = await throughput(scale.treeBytes, async () => {
        await run(cleanup, command, [...words, `${source.tree}/.`, copy]);
        await run(cleanup, 'sync', ['-f', path]);
      });
      await run(cleanup, 'rm', ['-r', copy]);
      await run(cleanup, 'sync', ['-f', path]);
      return sample;
    },
  };
}

export const writeImage: FileSystemStep = {
  measure: ({ cleanup, scale, path, source }) =>
    throughput(scale.treeBytes, () => dd(cleanup, source.file, path, ['conv=notrunc,fsync'])),
};

/** First with nothing of the image in the page cache, but what is below it warm; or after that. */
export function readImage(which: 'first' | 'again'): FileSystemStep {
  return {
    prepare: fillImage,
    async measure({ cleanup, scale, path }) {
      const read = () => dd(cleanup, path, '/dev/null', []);
      await read();
      if (which === 'first') await dropFromPageCache(cleanup, path);
      return await throughput(scale.treeBytes, read);
    },
  };
}

async function fillImage({ cleanup, path, source }: FileSystemBench): Promise<void> {
  await dd(cleanup, source.file, path, ['conv=notrunc,fsync']);
}

export const rsyncImage: FileSystemStep = {
  prepare: fillImage,
  measure: ({ cleanup, scale, path, source }) =>
    throughput(scale.treeBytes, async () => {
      const words = ['--inplace', '--whole-file', '--ignore-times', source.file, path];
      await run(cleanup, 'rsync', words);
      await syncFile(path);
    }),
};

async function dd(
  cleanup: FileSystemBench['cleanup'],
  from: string,
  to: string,
  words: readonly string[],
): Promise<void> {
  await run(cleanup, 'dd', [`if=${from}`, `of=${to}`, 'bs=1M', 'status=none', ...words]);
}

/** The way the manual of dd names for a whole file. */
async function dropFromPageCache(cleanup: FileSystemBench['cleanup'], file: string): Promise<void> {
  await run(cleanup, 'dd', [`if=${file}`, 'iflag=nocache', 'count=0', 'status=none']);
}

async function throughput(bytes: number, action: () => Promise<void>): Promise<Sample> {
  const start = performance.now();
  await action();
  return { value: bytes / 1e6 / ((performance.now() - start) / 1000) };
}
