/**
 * Files of a mounted backup are copied by rsync, with owners, modes, times, ACLs, attributes, links and holes, into a
 * directory that the client's own administrator allows. That directory is held open while rsync works in it, so its
 * path cannot be made to lead elsewhere after it was checked.
 */
import { constants } from 'node:fs';
import { type FileHandle, lstat, mkdir, open, readlink, realpath } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { ArrayError, asArrayError } from '../../base/errors.js';
import { isWithin } from '../../host/mount-table.js';
import type { ErrandContext } from '../client/errand-handler.js';
import { programEnd } from '../run-program.js';
import { resolveInside } from './inside-root.js';

/** Numbers with their sums, without commas between digits. */
const RSYNC_WORDS = [
  ...['--archive', '--hard-links', '--acls', '--xattrs', '--numeric-ids', '--sparse'],
  ...['--no-human-readable', '--stats', '--info=progress2', '--'],
];
const PROGRESS = /^\s*(\d+)\s+(\d+)%/;

export interface CopiedFiles {
  readonly files: number;
  readonly bytes: number;
}

type Context = Pick<ErrandContext, 'clock' | 'configuration' | 'signal' | 'report'>;

/**
 * Each path becomes `to`/its last name, `/` the content of `to`. EPERM where the client does not allow `to`, EINVAL where
 * two paths have one name.
 */
export async function copyFiles(
  root: string,
  paths: readonly string[],
  to: string,
  context: Context,
): Promise<CopiedFiles> {
  const sources = await sourcesOf(root, paths);
  const target = await openTarget(to, context.configuration.allowedTargets);
  try {
    return await rsync(sources, target, context);
  } finally {
    await target.close();
  }
}

async function sourcesOf(root: string, paths: readonly string[]): Promise<string[]> {
  const sources: string[] = [];
  for (const path of paths) {
    const source = await resolveInside(root, path, 'keep');
    await exists(source, path);
    sources.push(source === root ? `${root}/` : source);
  }
  const names = sources.map((source) => basename(source));
  const twice = names.find((name, index) => names.indexOf(name) < index);
  if (twice === undefined) return sources;
  throw new ArrayError(
    'EINVAL',
    `two of the paths are named ${twice}: restore one after the other`,
  );
}

async function exists(source: string, path: string): Promise<void> {
  try {
    await lstat(source);
  } catch (error) {
    if (asArrayError(error).code !== 'ENOENT') throw asArrayError(error);
    throw new ArrayError('ENOENT', `the backup has no ${path}`);
  }
}

/** Made where it is not there, and only where it may be written. */
export async function openTarget(to: string, allowed: readonly string[]): Promise<FileHandle> {
  const roots = await Promise.all(allowed.map((directory) => realpath(directory).catch(() => '')));
  const isAllowed = (path: string) => roots.some((place) => place !== '' && isWithin(path, place));
  if (!isAllowed(await realOrAbove(to))) throw notAllowed(to);
  await mkdir(to, { recursive: true });
  const handle = await open(to, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    if (isAllowed(await readlink(`/proc/self/fd/${handle.fd}`))) return handle;
    throw notAllowed(to);
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** Of the first directory above that is there. */
async function realOrAbove(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    const { code, reason } = asArrayError(error);
    if (code !== 'ENOENT') throw new ArrayError(code, reason);
    return realOrAbove(dirname(path));
  }
}

function notAllowed(to: string): ArrayError {
  return new ArrayError(
    'EPERM',
    `this backup client may not write to ${to}: its administrator allows that with --allow-target`,
  );
}

/** It dies with this process (pdeathsig): a second attempt after a crash does not meet it. */
async function rsync(
  sources: readonly string[],
  target: FileHandle,
  { clock, signal, report }: Context,
): Promise<CopiedFiles> {
  const counts = new Map<string, number>();
  const onLine = (line: string) => {
    const [, bytes, percent] = PROGRESS.exec(line) ?? [];
    if (bytes !== undefined && percent !== undefined) {
      const done = Number(bytes);
      const total = percent === '0' ? 0 : Math.round((done * 100) / Number(percent));
      report({ step: 'copy', text: 'copying files', done, total });
    }
    const [, name = '', count] = /^([A-Z][^:]*): (\d+)/.exec(line) ?? [];
    if (count !== undefined) counts.set(name, Number(count));
  };
  const cwd = `/proc/${process.pid}/fd/${target.fd}`;
  const words = ['--pdeathsig', 'KILL', '--', 'rsync', ...RSYNC_WORDS, ...sources, './'];
  const { status, errors } = await programEnd('setpriv', words, { clock, signal, onLine, cwd });
  if (status !== 0) {
    const lines = errors.split('\n').filter((line) => line !== '');
    throw new ArrayError('EIO', `rsync failed: ${lines[0] ?? `status ${status}`}`);
  }
  return {
    files: counts.get('Number of regular files transferred') ?? 0,
    bytes: counts.get('Total transferred file size') ?? 0,
  };
}
