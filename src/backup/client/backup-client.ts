/**
 * The backup client: built from its parts here. It runs where arrays are mounted, asks its server for errands, and carries
 * them out; what its administrator allows is in its own configuration, not in the server's messages.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../base/clock.js';
import { makeDirectories } from '../../base/make-directories.js';
import { lockDirectory } from '../../host/instance-lock.js';
import type { Hello } from '../api.js';
import type { BackupLog } from '../backup-log.js';
import type { ServerAddress } from '../http-client.js';
import { ServerClient } from '../server-client.js';
import { ClientArrays } from './client-arrays.js';
import type { ClientConfiguration, KnownArray } from './errand-handler.js';
import { ERRAND_HANDLERS } from './errand-handlers.js';
import { ErrandRunner } from './errand-runner.js';
import { errandSubjects } from './errand-subjects.js';
import { highestJobNumber } from './highest-job-number.js';
import { Journal } from './journal.js';
import { greet, pollErrands } from './poll-loop.js';

const DIRECTORY_MODE = 0o700;

export interface BackupClientOptions {
  readonly address: ServerAddress;
  /** Mount points; empty: all of the machine. */
  readonly arrays: readonly string[];
  readonly configuration: Omit<ClientConfiguration, 'serverDirectory'>;
  readonly version: string;
  readonly clock: Clock;
  readonly log: BackupLog;
  /** Ends the client. */
  readonly stopping: AbortSignal;
  /** The server knows the client. */
  onReady(): void;
}

/** Runs until `stopping` is aborted; a server that refuses the client at its start is thrown. */
export async function runBackupClient(options: BackupClientOptions): Promise<void> {
  const { clock, log, stopping } = options;
  const { stateDirectory } = options.configuration;
  makeDirectories(stateDirectory, DIRECTORY_MODE);
  const lock = await lockDirectory({ serial: '', storeDirectory: stateDirectory, mountPoint: '' });
  const server = new ServerClient(options.address);
  const arrays = new ClientArrays(clock, options.arrays);
  const talk = {
    ...{ clock, log, server, stopping },
    hello: async () => helloOf(options, await arrays.now()),
    state: async () => stateOf(await arrays.now()),
  };
  try {
    const greeted = await talk.state();
    const { dataDirectory, bootId } = await greet(talk);
    const serverDirectory = bootId === ownBootId() ? dataDirectory : undefined;
    const configuration = { ...options.configuration, serverDirectory };
    const journal = Journal.open(join(stateDirectory, 'errands'));
    const shop = { clock, log, server, stopping, configuration, journal, arrays };
    const subjects = errandSubjects(() => arrays.now(), clock);
    const runner = new ErrandRunner(shop, ERRAND_HANDLERS, subjects);
    runner.recover();
    options.onReady();
    await pollErrands({ ...talk, runner }, greeted);
    await runner.settled();
  } finally {
    await server.close();
    lock.release();
  }
}

async function helloOf(
  { version, configuration }: BackupClientOptions,
  arrays: readonly KnownArray[],
): Promise<Hello> {
  return {
    name: configuration.name,
    version,
    hostName: configuration.hostName,
    arrays: arrays.map(({ uuid, mountPoint }) => ({ uuid, mountPoint })),
    highestJobNumber: await highestJobNumber(arrays),
  };
}

function stateOf(arrays: readonly KnownArray[]): string {
  return arrays.map(({ uuid, mountPoint }) => `${uuid} ${mountPoint}`).join('\n');
}

function ownBootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return '';
  }
}
