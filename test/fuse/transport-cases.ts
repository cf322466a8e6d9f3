/**
 * The transports that a test of their common contract runs over. The kernel transport's threads are
 * compiled here, from the sources as they are now: vitest's own compiler does not reach into threads.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll } from 'vitest';
import { FuseNativeTransport } from '../../src/fuse/fuse-native-transport.js';
import { KernelTransport } from '../../src/fuse/kernel-transport.js';
import type { Transport } from '../../src/fuse/transport.js';

export interface TransportCase {
  readonly name: string;
  make(onBug: (error: unknown) => void): Transport;
}

export const FUSE_NATIVE: TransportCase = {
  name: 'fuse-native',
  make: (onBug) => new FuseNativeTransport({ onBug }),
};

export const KERNEL: TransportCase = {
  name: 'kernel',
  make: (onBug) => new KernelTransport({ onBug, programs: threadPrograms() }),
};

export const TRANSPORTS = [FUSE_NATIVE, KERNEL];

/** Whether the transport works here, for an ordinary mount by root. */
export function isPossible(transport: TransportCase): boolean {
  const options = { mountPoint: '/', sourceName: 'x', readOnly: false, allowOther: false };
  const problem = transport.make(() => {}).unavailable(options);
  return problem === undefined && process.getuid?.() === 0;
}

const ROOT = resolve(import.meta.dirname, '../..');
/** The threads, and what a test runs in a process of its own. */
const PROGRAMS = ['request-pump', 'notifier', 'kernel-transport', 'null-tree'];
const directories: string[] = [];
let programs: URL | undefined;

afterAll(() => {
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
});

/** Where the compiled programs lie. */
export function threadPrograms(): URL {
  programs ??= compileThreads();
  return programs;
}

function compileThreads(): URL {
  const directory = mkdtempSync(join(tmpdir(), 'arrayfs-threads-'));
  directories.push(directory);
  const settings = {
    extends: join(ROOT, 'tsconfig.json'),
    compilerOptions: { rootDir: join(ROOT, 'src'), outDir: directory, typeRoots: [types()] },
    files: PROGRAMS.map((name) => join(ROOT, `src/fuse/${name}.ts`)),
    include: [],
  };
  const project = join(directory, 'tsconfig.json');
  writeFileSync(project, JSON.stringify(settings));
  writeFileSync(join(directory, 'package.json'), '{"type":"module"}');
  execFileSync(join(ROOT, 'node_modules/.bin/tsc'), ['-p', project]);
  return pathToFileURL(join(directory, 'fuse/'));
}

function types(): string {
  return join(ROOT, 'node_modules/@types');
}
