/**
 * A tree mounted by this very process for the length of a test. The process must never touch the
 * mount itself: everything goes through `run`, in other processes, beside the event loop.
 */
import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FileTree } from '../../src/fuse/file-tree.js';
import type { MountedTree, MountOptions } from '../../src/fuse/transport.js';
import { mountAt, readMountTable } from '../../src/host/mount-table.js';
import type { TransportCase } from './transport-cases.js';

export interface RunResult {
  readonly status: number;
  readonly out: string;
  readonly errors: string;
}

/** Runs a program; its failure is a result, not an exception. */
export function run(program: string, ...words: string[]): Promise<RunResult> {
  return new Promise((resolve) => {
    const env = { ...process.env, LC_ALL: 'C' };
    execFile(program, words, { env, maxBuffer: 2 ** 26 }, (error, out, errors) => {
      const status = error ? Number(error.code ?? 255) : 0;
      resolve({ status, out: `${out}`, errors: `${errors}` });
    });
  });
}

/** Runs a shell script with `$M` as the mount point. */
export function shell(mountPoint: string, script: string): Promise<RunResult> {
  return run('bash', '-c', `M=${mountPoint}\n${script}`);
}

const scratchDirectories = new Set<string>();
const children = new Set<ReturnType<typeof spawn>>();
const mountPoints = new Set<string>();

export function scratchDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'arrayfs-fuse-'));
  scratchDirectories.add(directory);
  return directory;
}

export interface MountedFixture {
  readonly mount: MountedTree;
  readonly mountPoint: string;
  readonly bugs: unknown[];
}

export async function mountTree(
  transport: TransportCase,
  tree: FileTree,
  options: Partial<MountOptions> = {},
): Promise<MountedFixture> {
  const mountPoint = options.mountPoint ?? join(scratchDirectory(), 'mount');
  await mkdir(mountPoint, { recursive: true });
  const bugs: unknown[] = [];
  mountPoints.add(mountPoint);
  const mount = await transport
    .make((error) => bugs.push(error))
    .mount(tree, {
      sourceName: 'arrayfs-000000000001',
      readOnly: false,
      allowOther: false,
      ...options,
      mountPoint,
    });
  return { mount, mountPoint, bugs };
}

/** A process that keeps `$M` busy until it is ended; resolves when its script has printed `ready`. */
export async function holdBusy(mountPoint: string, script: string) {
  const child = spawn('bash', ['-c', `M=${mountPoint}\n${script}\necho ready\nread -r _`], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  children.add(child);
  await new Promise<void>((resolve, reject) => {
    let text = '';
    child.stdout.on('data', (chunk) => {
      text += String(chunk);
      if (text.endsWith('ready\n')) resolve();
    });
    child.once('exit', () => reject(new Error('the holder ended early')));
  });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  return {
    pid: child.pid as number,
    /** Lets the script go on with one line of input, and end. */
    finish: () => {
      child.stdin.end('go\n');
      return exited;
    },
  };
}

// Where a test is cut off: the mounts go when this process, which serves them, has ended.
process.on('exit', () => {
  if (mountPoints.size + scratchDirectories.size === 0) return;
  const words = (paths: Set<string>) => [...paths].map((path) => `'${path}'`).join(' ');
  const script = `sleep 0.5; umount -i -l ${words(mountPoints)}; rm -rf --one-file-system ${words(scratchDirectories)}`;
  spawn('sh', ['-c', script], { detached: true, stdio: 'ignore' }).unref();
});

/** For afterEach: no process, mount or directory is left, whatever the test did. */
export async function cleanMounts(): Promise<void> {
  for (const child of children) child.kill('SIGKILL');
  children.clear();
  for (const mountPoint of mountPoints) {
    // A dead mount has no answer for mountpoint(1).
    while (mountAt(mountPoint, readMountTable()) !== undefined) {
      if ((await run('umount', '-l', mountPoint)).status !== 0) break;
    }
  }
  mountPoints.clear();
  for (const directory of scratchDirectories) rmSync(directory, { recursive: true, force: true });
  scratchDirectories.clear();
}
