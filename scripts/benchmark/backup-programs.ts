/** A backup server and a backup client for the array of a row, as programs, driven by the command line. */
import { mkdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ServerAddress } from '../../src/backup/http-client.js';
import { readRegistrations, readTokenFile } from '../../src/backup/registration.js';
import type { ArrayBench } from './array-row.js';
import { ARRAYFS_ENTRY } from './arrayfs-mount.js';
import { type Running, run, start, until } from './commands.js';

const START_SECONDS_MAX = 60;

export interface BackupPrograms {
  /** Where restored files may go. */
  readonly target: string;
  readonly address: ServerAddress;
  /** `arrayfs backup WORDS`; what it prints. */
  command(...words: string[]): Promise<string>;
  /** The value of `arrayfs backup WORDS --json`. */
  json<T>(...words: string[]): Promise<T>;
}

/** Directory of the row's server; its catalog may be made before the server starts. */
export function backupDirectory({ array, volume }: ArrayBench): string {
  return join(array.directory, `${volume}-backup`);
}

/** Both programs are there for as long as `use` takes, and nothing of theirs afterwards. */
export async function withBackup<T>(
  bench: ArrayBench,
  use: (programs: BackupPrograms) => Promise<T>,
): Promise<T> {
  const running: Running[] = [];
  try {
    return await use(await startPrograms(bench, running));
  } finally {
    for (const program of running.reverse()) {
      program.signal('SIGTERM');
      await program.output;
    }
    await rm(backupDirectory(bench), { recursive: true, force: true });
  }
}

async function startPrograms(bench: ArrayBench, running: Running[]): Promise<BackupPrograms> {
  const { array, cleanup } = bench;
  const directory = backupDirectory(bench);
  const [runDirectory, target] = [join(directory, 'run'), join(directory, 'target')];
  mkdirSync(target, { recursive: true });
  const words = (more: readonly string[]) => [
    ...[`ARRAYFS_RUN_DIR=${runDirectory}`, process.execPath, ARRAYFS_ENTRY],
    ...more,
  ];
  const begin = (...more: string[]) => running.push(start(cleanup, 'env', words(more)));
  begin('backup-server', '--data', join(directory, 'data'), '--listen', '127.0.0.1:0');
  const registered = () => readRegistrations(join(runDirectory, 'backup'))[0];
  await until('the backup server', () => registered() !== undefined, START_SECONDS_MAX);
  const registration = registered();
  if (registration === undefined) throw new Error('the backup server has ended');
  const state = ['--state', join(directory, 'state'), '--allow-target', target];
  begin('backup-client', '--array', array.mountPoint, ...state);
  const command = (...more: string[]) => run(cleanup, 'env', words(['backup', ...more]));
  const json = async <T>(...more: string[]) => JSON.parse(await command(...more, '--json')) as T;
  const isConnected = async () => {
    const clients = await json<readonly { readonly isConnected: boolean }[]>('clients');
    return clients.some((client) => client.isConnected);
  };
  await until('the backup client', isConnected, START_SECONDS_MAX);
  const token = readTokenFile(registration.adminTokenFile);
  return { target, address: { url: registration.url, token }, command, json };
}
