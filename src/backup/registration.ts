/**
 * How programs on the server's own machine find it with nothing configured: a running server writes a file
 * HOST_PORT.json into a directory for such files, of mode 0600, with its URL and where the tokens are. The tokens
 * themselves stay in files of the data directory.
 */
import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { ArrayError } from '../base/errors.js';
import { makeDirectories } from '../base/make-directories.js';
import { isRunning } from '../host/processes.js';

const OWNER_ONLY = 0o600;
const DIRECTORY_MODE = 0o700;

const registrationSchema = z.strictObject({
  pid: z.int().positive(),
  /** `http://127.0.0.1:7070`, without a slash at the end. */
  url: z.string(),
  dataDirectory: z.string(),
  /** Absolute paths. */
  adminTokenFile: z.string(),
  clientTokenFile: z.string(),
  /** The client that the second token is of: the machine's name. */
  clientName: z.string(),
  /** What the server's certificate is checked with, null without TLS. */
  caFile: z.string().nullable(),
});

export type Registration = z.infer<typeof registrationSchema>;

/** `/run/arrayfs/backup`, or what the environment says. */
export function registrationDirectory(environment: NodeJS.ProcessEnv = process.env): string {
  if (environment.ARRAYFS_RUN_DIR) return join(environment.ARRAYFS_RUN_DIR, 'backup');
  if (process.getuid?.() === 0) return '/run/arrayfs/backup';
  return join(environment.XDG_RUNTIME_DIR || join(homedir(), '.local/state'), 'arrayfs/backup');
}

/** Whole or not at all; replaces what an earlier server at the same place has left. Returns the file. */
export function writeRegistration(
  registration: Registration,
  directory = registrationDirectory(),
): string {
  makeDirectories(directory, DIRECTORY_MODE);
  const { host } = new URL(registration.url);
  const file = join(directory, `${host.replace(/[^A-Za-z0-9.-]/g, '_')}.json`);
  const temporary = `${file}.${process.pid}.new`;
  writeFileSync(temporary, `${JSON.stringify(registration, undefined, 2)}\n`, { mode: OWNER_ONLY });
  renameSync(temporary, file);
  return file;
}

/** At the clean end of the server; another one's file stays. */
export function removeRegistration(file: string): void {
  if (registrationIn(file)?.pid === process.pid) rmSync(file, { force: true });
}

/** Of the servers that run on this machine, as far as this user may know. */
export function readRegistrations(directory = registrationDirectory()): Registration[] {
  return fileNames(directory)
    .filter((name) => name.endsWith('.json'))
    .flatMap((name) => registrationIn(join(directory, name)) ?? [])
    .filter(({ pid }) => isRunning(pid));
}

function fileNames(directory: string): string[] {
  try {
    return readdirSync(directory).sort();
  } catch {
    return [];
  }
}

function registrationIn(file: string): Registration | undefined {
  try {
    return registrationSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    return undefined;
  }
}

export interface ServerWish {
  /** `--server`. */
  readonly server: string | undefined;
  readonly tokenFile: string | undefined;
  /** `--ca`. */
  readonly caFile: string | undefined;
}

export interface ServerPlace {
  readonly url: string;
  readonly tokenFile: string;
  readonly caFile: string | undefined;
  /** Undefined where the server is not known to run on this machine. */
  readonly registration: Registration | undefined;
}

/**
 * Which server is meant, and with which token: the options, else ARRAYFS_BACKUP_SERVER and ARRAYFS_BACKUP_TOKEN_FILE,
 * else the only server of this machine. `role` says whose token.
 */
export function chooseServer(
  wish: ServerWish,
  role: 'admin' | 'client',
  registrations: readonly Registration[] = readRegistrations(),
  environment: NodeJS.ProcessEnv = process.env,
): ServerPlace {
  const named = wish.server || environment.ARRAYFS_BACKUP_SERVER;
  const registration = named
    ? registrations.find(({ url }) => url === baseUrl(named))
    : onlyOne(registrations);
  const url = named ? baseUrl(named) : (registration?.url ?? '');
  const own = role === 'admin' ? registration?.adminTokenFile : registration?.clientTokenFile;
  const tokenFile = wish.tokenFile || environment.ARRAYFS_BACKUP_TOKEN_FILE || own;
  if (tokenFile === undefined) {
    throw new ArrayError(
      'EACCES',
      `no token for the backup server ${url}: give --token-file FILE or ARRAYFS_BACKUP_TOKEN_FILE`,
    );
  }
  return { url, tokenFile, caFile: wish.caFile ?? registration?.caFile ?? undefined, registration };
}

function onlyOne(registrations: readonly Registration[]): Registration {
  const [only, ...others] = registrations;
  if (only === undefined) {
    throw new ArrayError(
      'ENXIO',
      'no backup server runs on this machine: start arrayfs backup-server, or give --server URL or ARRAYFS_BACKUP_SERVER',
    );
  }
  if (others.length === 0) return only;
  const urls = registrations.map(({ url }) => url).join(' ');
  throw new ArrayError(
    'EINVAL',
    `several backup servers run on this machine, choose one with --server: ${urls}`,
  );
}

function baseUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.username !== '') {
    throw new ArrayError(
      'EINVAL',
      `not the address of a backup server: '${text}'; give http://HOST:PORT or https://HOST:PORT`,
    );
  }
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '');
}

/** EACCES or ENOENT where it cannot be read, EINVAL where it holds no token. */
export function readTokenFile(file: string): string {
  const text = readFileSync(file, 'utf8').trim();
  if (/^[A-Za-z0-9_-]{16,128}$/.test(text)) return text;
  throw new ArrayError('EINVAL', `${file} does not hold a token`);
}
