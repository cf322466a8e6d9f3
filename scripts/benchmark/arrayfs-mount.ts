/** An array of the benchmark, driven as a user does: the command line and files of the mount. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Cleanup } from './cleanup.js';
import { isMounted, killIfAlive, processesWith, run, unmountLazily } from './commands.js';

const ENTRY = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));

export class ArrayfsMount {
  readonly mountPoint: string;
  private readonly store: string;
  private undo: (() => void) | undefined;

  constructor(
    private readonly cleanup: Cleanup,
    directory: string,
  ) {
    this.store = join(directory, 'store');
    this.mountPoint = join(directory, 'mount');
    mkdirSync(this.mountPoint, { recursive: true });
  }

  async init(): Promise<void> {
    await this.command('init', this.store, '--capacity', '64G');
  }

  async mount(): Promise<void> {
    this.undo = this.cleanup.add(() => {
      unmountLazily(this.mountPoint);
      for (const pid of this.daemonPids()) killIfAlive(pid);
    });
    await this.command('mount', '--transport', 'fuse-native', this.store, this.mountPoint);
  }

  async unmount(): Promise<void> {
    await this.command('umount', this.mountPoint);
    if (isMounted(this.mountPoint)) throw new Error(`${this.mountPoint} is still mounted`);
    this.undo?.();
  }

  image(volume: string): string {
    return join(this.mountPoint, 'volumes', volume);
  }

  /** Writes `line` to ctl/`command`; throws with the errno where it is refused. */
  control(command: string, line: string): void {
    writeFileSync(join(this.mountPoint, 'ctl', command), line);
  }

  /** The process that serves the mount. */
  daemonPid(): number {
    const pid = this.daemonPids()[0];
    if (pid === undefined) throw new Error(`no process serves ${this.mountPoint}`);
    return pid;
  }

  private daemonPids(): number[] {
    // The daemon's one argument is its options as JSON.
    return processesWith(`"mountPoint":${JSON.stringify(this.mountPoint)}`);
  }

  private async command(...words: string[]): Promise<void> {
    await run(this.cleanup, process.execPath, [ENTRY, ...words]);
  }
}
