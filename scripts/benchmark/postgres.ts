/**
 * PostgreSQL with a cluster of its own in a mounted file system, and its own benchmark on it. It runs as the
 * user postgres, reached through a socket in a directory of its own, and not over the network.
 */
import { execFileSync } from 'node:child_process';
import {
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Cleanup } from './cleanup.js';
import { type RunWords, run } from './commands.js';
import type { FileSystemBench, FileSystemStep } from './file-system-row.js';

const USER = 'postgres';
const PROGRAMS_DIRECTORY = '/usr/lib/postgresql';
const CLIENTS = 8;
const END_SECONDS_MAX = 10;

/** Transactions per second of pgbench's own mix. The server runs only while it is measured. */
export const pgbench: FileSystemStep = {
  async prepare(bench) {
    const cluster = clusterOf(bench);
    mkdirSync(cluster, { mode: 0o700 });
    chownSync(cluster, userId('-u'), userId('-g'));
    const words = ['-D', cluster, '--auth=trust', '--no-locale', '--encoding=UTF8'];
    await asPostgres(bench.cleanup, 'initdb', words);
    await whileServing(bench, async (socket) => {
      const scale = `--scale=${bench.scale.pgbenchScale}`;
      await asPostgres(bench.cleanup, 'pgbench', ['-h', socket, '-i', '-q', scale, USER]);
    });
  },
  measure: (bench) =>
    whileServing(bench, async (socket) => {
      const seconds = `--time=${bench.scale.pgbenchSeconds}`;
      const words = ['-h', socket, `--client=${CLIENTS}`, '--jobs=2', seconds, USER];
      return { value: transactionsPerSecond(await asPostgres(bench.cleanup, 'pgbench', words)) };
    }),
};

/** Of the text that pgbench prints. */
export function transactionsPerSecond(text: string): number {
  const match = /^tps = ([\d.]+) /m.exec(text);
  if (!match) throw new Error(`pgbench told no rate: ${text}`);
  return Number(match[1]);
}

/** Starts the server, calls `action` with the directory of its socket, and stops it. */
async function whileServing<T>(
  bench: FileSystemBench,
  action: (socket: string) => Promise<T>,
): Promise<T> {
  const { cleanup } = bench;
  const cluster = clusterOf(bench);
  // The path of a socket may not be long.
  const socket = mkdtempSync('/tmp/arrayfs-pg-');
  chownSync(socket, userId('-u'), userId('-g'));
  const undo = cleanup.add(() => {
    endServer(cluster);
    rmSync(socket, { recursive: true, force: true });
  });
  const settings = `-c listen_addresses= -c unix_socket_directories=${socket}`;
  const log = join(cluster, 'server.log');
  const start = ['-D', cluster, '-l', log, '-o', settings, '-w', 'start'];
  await asPostgres(cleanup, 'pg_ctl', start, { leavesDaemon: true });
  const result = await action(socket);
  await asPostgres(cleanup, 'pg_ctl', ['-D', cluster, '-m', 'fast', '-w', 'stop']);
  undo();
  return result;
}

/** For cleaning up: at once, without a checkpoint, whatever it is doing. */
function endServer(cluster: string): void {
  const pidFile = join(cluster, 'postmaster.pid');
  if (!existsSync(pidFile)) return;
  const pid = Number(readFileSync(pidFile, 'utf8').split('\n')[0]);
  const words = [String(END_SECONDS_MAX), 'tail', `--pid=${pid}`, '-f', '/dev/null'];
  try {
    process.kill(pid, 'SIGQUIT');
    execFileSync('timeout', words);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') process.kill(pid, 'SIGKILL');
  }
}

function clusterOf({ path }: FileSystemBench): string {
  return join(path, 'cluster');
}

/** From a directory that the user may read. */
async function asPostgres(
  cleanup: Cleanup,
  program: string,
  words: readonly string[],
  how: RunWords = {},
): Promise<string> {
  const command = ['-u', USER, '--', 'env', '-C', '/', programPath(program), ...words];
  return await run(cleanup, 'runuser', command, how);
}

function programPath(program: string): string {
  const versions = existsSync(PROGRAMS_DIRECTORY) ? readdirSync(PROGRAMS_DIRECTORY).sort() : [];
  const paths = versions.map((version) => join(PROGRAMS_DIRECTORY, version, 'bin', program));
  const path = paths.reverse().find((each) => existsSync(each));
  if (path === undefined) throw new Error('PostgreSQL is missing (apt-get install postgresql)');
  return path;
}

function userId(option: '-u' | '-g'): number {
  return Number(execFileSync('id', [option, USER], { encoding: 'utf8' }));
}
