/** The backup client as a program: in the foreground, ended cleanly by SIGTERM or an interrupt. */
import { readFileSync } from 'node:fs';
import { homedir, hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { createBackupLog } from '../backup/backup-log.js';
import { runBackupClient } from '../backup/client/backup-client.js';
import { CLIENT_STOPS } from '../backup/client/errand-handler.js';
import { chooseServer, readTokenFile } from '../backup/registration.js';
import { sleep, systemClock } from '../base/clock.js';
import { ArrayError } from '../base/errors.js';
import { LUN_MAX } from '../base/limits.js';
import { print } from './output.js';

const ALIVE_MS = 500;
const CLIENT_NAME = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$/;

/** As they are given: the program checks them. */
export interface ClientCommandOptions {
  readonly server?: string;
  readonly tokenFile?: string;
  readonly ca?: string;
  readonly array?: string[];
  readonly name?: string;
  readonly state?: string;
  readonly allow?: string[];
  readonly allowTarget?: string[];
  readonly restorePort: string;
  readonly restoreLun: string;
}

/** Until SIGTERM or an interrupt. */
export async function runClientProgram(
  options: ClientCommandOptions,
  version: string,
): Promise<void> {
  const { server, tokenFile, ca } = options;
  const place = chooseServer({ server, tokenFile, caFile: ca }, 'client');
  const token = readTokenFile(place.tokenFile);
  const caText = place.caFile === undefined ? undefined : readFileSync(place.caFile, 'utf8');
  const name = options.name ?? place.registration?.clientName ?? hostname();
  const controller = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => controller.abort(CLIENT_STOPS));
  }
  const client = runBackupClient({
    address: { url: place.url, token, ca: caText },
    arrays: (options.array ?? []).map((mount) => resolve(mount)),
    configuration: {
      name: checkedName(name),
      hostName: hostname(),
      allowedCommands: options.allow ?? [],
      allowedTargets: (options.allowTarget ?? []).map((directory) => resolve(directory)),
      restorePort: options.restorePort,
      restoreLun: lunOf(options.restoreLun),
      stateDirectory: resolve(options.state ?? defaultState(name)),
    },
    version,
    clock: systemClock,
    log: createBackupLog('backup-client'),
    stopping: controller.signal,
    onReady: () => print(`serving backup server ${place.url} as ${name}`),
  });
  await keptAlive(client);
}

/** Waiting alone does not keep a process alive. */
async function keptAlive(work: Promise<void>): Promise<void> {
  let isOver = false;
  const ended = work.finally(() => {
    isOver = true;
  });
  ended.catch(() => undefined);
  while (!isOver) await Promise.race([ended, sleep(ALIVE_MS)]);
  await ended;
}

function defaultState(name: string): string {
  if (process.getuid?.() === 0) return join('/var/lib/arrayfs/backup-client', name);
  const base = process.env.XDG_STATE_HOME || join(homedir(), '.local/state');
  return join(base, 'arrayfs/backup-client', name);
}

function checkedName(name: string): string {
  if (CLIENT_NAME.test(name)) return name;
  throw new ArrayError(
    'EINVAL',
    `not the name of a backup client: '${name}'; give one with --name`,
  );
}

function lunOf(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) <= LUN_MAX) return Number(text);
  throw new ArrayError(
    'EINVAL',
    `--restore-lun takes a number from 0 to ${LUN_MAX}, not '${text}'`,
  );
}
