/**
 * An array on a real mount: the real command line, the daemon as a process of its own. Whatever
 * happens to it, `cleanScratch` removes it.
 */
import { closeSync, existsSync, openSync, readFileSync, readSync, writeSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { isRunning } from '../../src/host/processes.js';
import { DEFAULT_CONTAINER } from '../../src/store/container-kind.js';
import { ARRAYFS, done, run, until } from './programs.js';
import {
  killAtTheEnd,
  loopReleased,
  loopsReleased,
  makeScratch,
  subdirectory,
} from './scratch-directory.js';

export const KIB = 2 ** 10;
export const MIB = 2 ** 20;

/** A reason why nothing can be mounted here is a visible skip. */
export const canMount = existsSync('/dev/fuse') && process.getuid?.() === 0;
export const canLoop = canMount && existsSync('/dev/loop-control');

/** The combination this run is for; vitest.config.ts has the list. */
export const TRANSPORT = process.env.ARRAYFS_TEST_TRANSPORT ?? 'kernel';
export const BLOCKS = process.env.ARRAYFS_TEST_BLOCKS ?? DEFAULT_CONTAINER;
/** The default is made by saying nothing. */
const INIT_WORDS = BLOCKS === DEFAULT_CONTAINER ? [] : ['--blocks', BLOCKS];
/** The mounts of this run are served over the kernel transport. */
export const overKernel = canMount && TRANSPORT === 'kernel';
const RESULT_BYTES_MAX = 4_096;

export interface CommandResult {
  /** The errno of the write; undefined after `ok`. */
  readonly code: string | undefined;
  /** What the descriptor that wrote reads: `ok ...` or `error ERRNO: reason: the line`. */
  readonly text: string;
}

export interface PoolRow {
  readonly state: string;
  readonly capacityBytes: number;
  readonly usedBytes: number;
  readonly freeBytes: number;
  readonly storedBlocks: number;
  readonly reclaimsPending: number;
  readonly problem: string | null;
}

export interface CopyRow {
  readonly name: string;
  readonly volume?: string;
  readonly number: number;
  readonly sizeBytes: number;
  readonly allocatedBytes: number;
  readonly openCount: number;
}

export class MountedArray {
  readonly mount: string;
  daemonPid = 0;
  /** The transport of the present mount. */
  transport = '';
  /** The daemon was told to die: from then on the mount may answer anything. */
  isKilled = false;

  private constructor(
    readonly directory: string,
    readonly store = join(directory, 'store'),
  ) {
    this.mount = subdirectory(directory, 'mount');
  }

  /** Makes an array and mounts it with further words of `arrayfs mount`. */
  static create(
    options: {
      capacity?: string;
      directory?: string;
      /** Where the pool is made, else in the directory. */
      store?: string;
      mountWords?: string[];
    } = {},
  ): MountedArray {
    const array = new MountedArray(options.directory ?? makeScratch(), options.store);
    done(ARRAYFS, 'init', array.store, '--capacity', options.capacity ?? '2G', ...INIT_WORDS);
    array.mountAgain(...(options.mountWords ?? []));
    return array;
  }

  /** Returns what `arrayfs mount --json` says. */
  mountAgain(...words: string[]): { notices: string[]; transport: string } {
    return this.mountOver(TRANSPORT, ...words);
  }

  mountOver(transport: string, ...words: string[]): { notices: string[]; transport: string } {
    const choice = ['--transport', transport];
    const report = JSON.parse(
      done(ARRAYFS, 'mount', this.store, this.mount, '--json', ...choice, ...words),
    ) as { pid: number; notices: string[]; transport: string };
    this.daemonPid = report.pid;
    this.transport = report.transport;
    this.isKilled = false;
    killAtTheEnd(report.pid);
    return report;
  }

  async umount(): Promise<void> {
    await loopsReleased(this.mount);
    done(ARRAYFS, 'umount', this.mount);
  }

  /** kill -9 of the daemon; resolves when it is gone, with its dead mount left. */
  async kill(): Promise<void> {
    this.isKilled = true;
    process.kill(this.daemonPid, 'SIGKILL');
    await this.daemonEnded();
  }

  /** Removes the mount that a killed daemon has left. */
  unmountDead(): void {
    done('umount', this.mount);
  }

  daemonEnded(): Promise<void> {
    return until(() => !isRunning(this.daemonPid));
  }

  /** Path of a file in the mount. */
  path(...names: string[]): string {
    return join(this.mount, ...names);
  }

  volume(name: string): string {
    return this.path('volumes', name);
  }

  snapshot(volume: string, name: string): string {
    return this.path('snapshots', volume, name);
  }

  read(...names: string[]): string {
    return readFileSync(this.path(...names), 'utf8');
  }

  table<Row>(name: string): Row[] {
    return JSON.parse(this.read('status', `${name}.json`)) as Row[];
  }

  pool(): PoolRow {
    return this.table<PoolRow>('pools')[0] as PoolRow;
  }

  volumes(): CopyRow[] {
    return this.table<CopyRow>('volumes');
  }

  snapshots(): CopyRow[] {
    return this.table<CopyRow>('snapshots');
  }

  /** Writes `line` to a control file in one write and reads the result on the same descriptor. */
  command(name: string, line: string | Uint8Array): CommandResult {
    const file = openSync(this.path('ctl', name), 'r+');
    try {
      const code = codeOf(() => writeSync(file, Buffer.from(line)));
      const text = Buffer.alloc(RESULT_BYTES_MAX);
      return { code, text: text.toString('utf8', 0, readSync(file, text, 0, text.length, 0)) };
    } finally {
      closeSync(file);
    }
  }

  /** A command that must succeed. */
  ok(name: string, line: string): string {
    const { code, text } = this.command(name, line);
    if (code !== undefined) throw new Error(`${name} ${line}: ${code} ${text}`);
    return text;
  }

  /** The same beside other work of this process; rejects with the errno. */
  async okLater(name: string, line: string): Promise<void> {
    const file = await open(this.path('ctl', name), 'r+');
    try {
      await file.write(line);
    } finally {
      await file.close();
    }
  }

  /** `arrayfs check` of the store, which must not be mounted; undefined where it is clean. */
  findings(): string | undefined {
    const { status, out, errors } = run(ARRAYFS, 'check', this.store);
    return status === 0 ? undefined : `${out}\n${errors}`;
  }

  /** Mounts an image at `place` of the scratch directory over a loop device. */
  loopMount(image: string, place: string, ...options: string[]): string {
    const point = subdirectory(this.directory, place);
    done('mount', '-o', ['loop', ...options].join(','), image, point);
    return point;
  }

  async loopUnmount(point: string): Promise<void> {
    const device = done('findmnt', '-no', 'SOURCE', point);
    done('umount', point);
    await loopReleased(device);
  }

  async reclaimed(): Promise<void> {
    await until(() => this.pool().reclaimsPending === 0);
  }
}

/** The errno of what `action` throws; undefined where it succeeds. */
export function codeOf(action: () => unknown): string | undefined {
  try {
    action();
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? `${error}`;
  }
}

/** Writes all of `data`: after a short write, which is what was accepted, the next one says why. */
export function writeWhole(file: number, data: Uint8Array, position: number): void {
  let written = 0;
  while (written < data.length) {
    written += writeSync(file, data, written, data.length - written, position + written);
  }
}
