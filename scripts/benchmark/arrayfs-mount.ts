/** An array of the benchmark, driven as a user does: the command line and files of the mount. */
import { mkdirSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ArrayfsWords } from './arrayfs-target.js';
import type { Cleanup } from './cleanup.js';
import {
  isMounted,
  killIfAlive,
  processesWith,
  run,
  unmountLazily,
  until,
  within,
} from './commands.js';

/** The command line. */
export const ARRAYFS_ENTRY = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));

const CAPACITY = '128G';
const SETTLE_SECONDS_MAX = 900;
const ANSWER_SECONDS_MAX = 600;

interface CacheStatus {
  readonly dirtyBytes: number;
  readonly generationsPending: number;
}

/** The part of jobs/ID.json that is read. */
export interface JobFile {
  readonly state: string;
  readonly done: number;
  readonly message: string | null;
}

interface VolumeStatus {
  readonly name: string;
  readonly number: number;
  readonly uuid: string;
}

interface MicroprocessorStatus {
  readonly name: string;
  readonly state: string;
  readonly job: number | null;
}

export class ArrayfsMount {
  readonly mountPoint: string;
  private readonly store: string;
  private undo: (() => void) | undefined;
  private pid: number | undefined;

  constructor(
    private readonly cleanup: Cleanup,
    /** Of store and mount point; on the disk that is measured. */
    readonly directory: string,
    private readonly words: ArrayfsWords,
  ) {
    this.store = join(directory, 'store');
    this.mountPoint = join(directory, 'mount');
    mkdirSync(this.mountPoint, { recursive: true });
  }

  async init(): Promise<void> {
    await this.command('init', this.store, '--capacity', CAPACITY, ...this.words.init);
  }

  /** `more`: options for this time. */
  async mount(more: readonly string[] = []): Promise<void> {
    this.undo = this.cleanup.add(() => {
      unmountLazily(this.mountPoint);
      for (const pid of this.daemonPids()) killIfAlive(pid);
    });
    const words = ['mount', ...this.words.mount, ...more, this.store, this.mountPoint];
    await run(this.cleanup, process.execPath, [ARRAYFS_ENTRY, ...words], { leavesDaemon: true });
    this.pid = this.daemonPids()[0];
  }

  async unmount(): Promise<void> {
    await this.command('umount', this.mountPoint);
    if (isMounted(this.mountPoint)) throw new Error(`${this.mountPoint} is still mounted`);
    this.undo?.();
    this.pid = undefined;
  }

  image(volume: string): string {
    return join(this.mountPoint, 'volumes', volume);
  }

  /** Writes `line` to ctl/`command`; throws with the errno where it is refused. */
  async control(command: string, line: string): Promise<void> {
    const what = `ctl/${command} '${line}'`;
    try {
      const file = join(this.mountPoint, 'ctl', command);
      await within(what, ANSWER_SECONDS_MAX, writeFile(file, `${line}\n`));
    } catch (error) {
      throw new Error(`${what}: ${error instanceof Error ? error.message : error}`);
    }
  }

  /** A pool beside the store, made when it is first asked for. */
  async addPool(name: string): Promise<void> {
    const pools = (await this.status('pools')) as readonly { readonly name: string }[];
    if (pools.some((pool) => pool.name === name)) return;
    await this.control('pooladd', `${name} ${join(this.directory, name)} capacity=${CAPACITY}`);
  }

  /** The file of a pair. */
  async pair(name: string): Promise<{ readonly state: string }> {
    return this.json(join('pairs', `${name}.json`));
  }

  job(id: number): Promise<JobFile> {
    return this.json(join('jobs', `${id}.json`));
  }

  async volume(name: string): Promise<VolumeStatus> {
    const volumes = (await this.status('volumes')) as readonly VolumeStatus[];
    const found = volumes.find((volume) => volume.name === name);
    if (found === undefined) throw new Error(`there is no volume ${name}`);
    return found;
  }

  async newestJob(): Promise<number> {
    const jobs = (await this.status('jobs')) as readonly { readonly id: number }[];
    return Math.max(...jobs.map(({ id }) => id));
  }

  /** Which moves the data of a job; undefined where none does. */
  async microprocessorOf(job: number): Promise<string | undefined> {
    return (await this.microprocessors()).find((each) => each.job === job)?.name;
  }

  private microprocessors(): Promise<readonly MicroprocessorStatus[]> {
    return this.status('microprocessors') as Promise<readonly MicroprocessorStatus[]>;
  }

  /** Volumes in pairs cannot be deleted. */
  async deletePairs(): Promise<void> {
    const pairs = (await this.status('pairs')) as readonly { readonly name: string }[];
    for (const { name } of pairs) await this.control('pairdelete', `${name} now=yes`);
  }

  /** Everything is durable, and neither destage nor reclaim has anything left to do. */
  async settle(): Promise<void> {
    await this.control('sync', '');
    await until('the end of the destage and reclaim', () => this.isQuiet(), SETTLE_SECONDS_MAX);
  }

  /** Deletions whose space is still being given back. */
  async reclaimsPending(): Promise<number> {
    const pools = (await this.status('pools')) as readonly { readonly reclaimsPending: number }[];
    return pools.reduce((sum, pool) => sum + pool.reclaimsPending, 0);
  }

  private async isQuiet(): Promise<boolean> {
    const cache = (await this.status('cache')) as CacheStatus;
    const isWritten = cache.dirtyBytes === 0 && cache.generationsPending === 0;
    return isWritten && (await this.reclaimsPending()) === 0;
  }

  /** Not synchronous: an array that does not answer must not keep Ctrl-C from working. */
  private status(table: string): Promise<unknown> {
    return this.json(join('status', `${table}.json`));
  }

  private async json<T>(name: string): Promise<T> {
    const file = join(this.mountPoint, name);
    return JSON.parse(await within(file, ANSWER_SECONDS_MAX, readFile(file, 'utf8')));
  }

  /** The process that serves the mount, while it is mounted. */
  daemonPid(): number | undefined {
    return this.pid;
  }

  private daemonPids(): number[] {
    // The daemon's one argument is its options as JSON.
    return processesWith(`"mountPoint":${JSON.stringify(this.mountPoint)}`);
  }

  /** The command line. */
  async command(...words: string[]): Promise<void> {
    await run(this.cleanup, process.execPath, [ARRAYFS_ENTRY, ...words]);
  }
}
