/** The backup server as a process: opens its port and ends in order with SIGTERM or an interrupt. Loaded when it is run. */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { createBackupLog } from '../backup/backup-log.js';
import { removeRegistration, writeRegistration } from '../backup/registration.js';
import { BackupServer } from '../backup/server/backup-server.js';
import { checkCatalog } from '../backup/server/catalog-check.js';
import { type Listening, listen } from '../backup/server/listen.js';
import { systemClock } from '../base/clock.js';
import { ArrayError } from '../base/errors.js';
import { makeDirectories } from '../base/make-directories.js';
import { lockDirectory } from '../host/instance-lock.js';
import { print } from './output.js';

const DIRECTORY_MODE = 0o700;

export interface ServerCommandOptions {
  readonly data: string;
  readonly listen: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly onFailure?: string;
}

/** Resolves when the server has ended. */
export async function runBackupServer(
  options: ServerCommandOptions,
  version: string,
): Promise<void> {
  const place = placeOf(options.listen);
  const tls = tlsOf(options);
  const dataDirectory = resolve(options.data);
  makeDirectories(dataDirectory, DIRECTORY_MODE);
  const lock = await lockDirectory({
    serial: '',
    storeDirectory: dataDirectory,
    mountPoint: options.listen,
  });
  await checkCatalog(`${dataDirectory}/catalog`);
  const ended = untilSignal();
  const log = createBackupLog('backup-server');
  const { onFailure } = options;
  const server = new BackupServer(systemClock, log, { dataDirectory, version, onFailure });
  try {
    const listening = await listen(server.app, { ...place, tls }, systemClock);
    const registration = register(server, listening, options);
    server.start();
    print(`listening on ${listening.url}`);
    log.info({ url: listening.url, dataDirectory }, 'the server listens');
    const signal = await ended;
    log.info({ signal }, 'the server ends');
    removeRegistration(registration);
    server.stop();
    await listening.close();
  } finally {
    await server.close();
    lock.release();
  }
}

function register(
  { parts: { about, clients } }: BackupServer,
  { url }: Listening,
  { tlsCert }: ServerCommandOptions,
): string {
  return writeRegistration({
    pid: process.pid,
    url: url.replace('://0.0.0.0:', '://127.0.0.1:').replace('://[::]:', '://[::1]:'),
    dataDirectory: about.dataDirectory,
    adminTokenFile: clients.adminTokenFile,
    clientTokenFile: clients.localTokenFile,
    clientName: clients.localName,
    caFile: tlsCert !== undefined && isSelfSigned(tlsCert) ? resolve(tlsCert) : null,
  });
}

/** Any other is for the authorities that the system trusts, or `--ca`. */
function isSelfSigned(certFile: string): boolean {
  const certificate = new X509Certificate(readFileSync(certFile));
  return certificate.checkIssued(certificate);
}

function untilSignal(): Promise<string> {
  return new Promise((ended) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => ended(signal));
  });
}

/** `127.0.0.1:7070`, `[::1]:7070`. */
function placeOf(text: string): { readonly host: string; readonly port: number } {
  const [, host, port] = /^(?:\[([^\]]+)\]|[^:]+):(\d{1,5})$/.exec(text) ?? [];
  if (port !== undefined && Number(port) < 2 ** 16) {
    return { host: host ?? text.slice(0, text.lastIndexOf(':')), port: Number(port) };
  }
  throw new ArrayError('EINVAL', `--listen takes HOST:PORT, not '${text}'`);
}

function tlsOf({ tlsCert, tlsKey }: ServerCommandOptions) {
  if ((tlsCert === undefined) !== (tlsKey === undefined)) {
    throw new ArrayError('EINVAL', 'give --tls-cert and --tls-key together');
  }
  if (tlsCert === undefined || tlsKey === undefined) return undefined;
  return { cert: readFileSync(tlsCert, 'utf8'), key: readFileSync(tlsKey, 'utf8') };
}
