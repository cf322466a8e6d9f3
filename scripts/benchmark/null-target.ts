/** The do-nothing file system: answers every request at once and stores nothing. */
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { exitOf, unmountLazily, until } from './commands.js';
import type { Target, TargetPlace } from './target.js';

const LAUNCHER = fileURLToPath(new URL('./null-mount.js', import.meta.url));

export class NullTarget implements Target {
  readonly storesData = false;
  readonly file: string;
  private readonly mountPoint: string;
  private pid: number | undefined;
  private finish: () => Promise<void> = async () => {};

  constructor(
    readonly name: string,
    private readonly place: TargetPlace,
    private readonly transport: 'kernel' | 'fuse-native',
  ) {
    this.mountPoint = join(place.directory, 'mount');
    this.file = join(this.mountPoint, 'image');
    mkdirSync(this.mountPoint);
  }

  async start(): Promise<void> {
    const { cleanup, imageBytes } = this.place;
    // As the daemon of an array is started.
    const words = [
      '--max-semi-space-size=4',
      LAUNCHER,
      this.transport,
      this.mountPoint,
      String(imageBytes),
    ];
    // Its own session: Ctrl-C reaches the benchmark alone, which then ends things in order.
    const child = spawn(process.execPath, words, {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      detached: true,
    });
    const ended = exitOf(child);
    const undo = cleanup.add(() => {
      unmountLazily(this.mountPoint);
      child.kill('SIGKILL');
    });
    let isThere = false;
    child.once('message', () => {
      isThere = true;
    });
    const isDecided = () => isThere || child.exitCode !== null;
    await until('mounting the do-nothing file system', isDecided, 30);
    if (!isThere) throw new Error('the do-nothing file system ended at once');
    this.pid = child.pid;
    this.finish = async () => {
      child.kill('SIGTERM');
      const status = await ended;
      undo();
      if (status !== 0) throw new Error(`the do-nothing file system ended with ${status}`);
    };
  }

  async stop(): Promise<void> {
    await this.finish();
    this.pid = undefined;
  }

  async settle(): Promise<void> {}

  daemonPid(): number | undefined {
    return this.pid;
  }
}
