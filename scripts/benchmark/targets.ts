/** The targets of the comparison: arrayfs, the limit of its transport, and QEMU's FUSE export. */
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ArrayfsMount } from './arrayfs-mount.js';
import type { Cleanup } from './cleanup.js';
import { exitOf, isMounted, killIfAlive, run, unmountLazily, until } from './commands.js';
import type { TargetName } from './options.js';
import type { Target } from './target.js';

type TargetFactory = (cleanup: Cleanup, directory: string, fileBytes: number) => Target;

const FACTORIES: Readonly<Record<TargetName, TargetFactory>> = {
  arrayfs: (...words) => new ArrayfsTarget(...words),
  null: (...words) => new NullTarget(...words),
  qemu: (...words) => new QemuTarget(...words),
};

/** `directory` is the target's own and exists. */
export function createTarget(
  name: TargetName,
  cleanup: Cleanup,
  directory: string,
  fileBytes: number,
): Target {
  return FACTORIES[name](cleanup, directory, fileBytes);
}

class ArrayfsTarget implements Target {
  readonly name = 'arrayfs';
  readonly hasColdReads = true;
  readonly file: string;
  private readonly array: ArrayfsMount;
  private isMade = false;

  constructor(
    cleanup: Cleanup,
    directory: string,
    private readonly fileBytes: number,
  ) {
    this.array = new ArrayfsMount(cleanup, directory);
    this.file = this.array.image('bench');
  }

  async start(): Promise<void> {
    if (!this.isMade) await this.array.init();
    await this.array.mount();
    if (!this.isMade) this.array.control('create', `bench ${this.fileBytes}`);
    this.isMade = true;
  }

  async stop(): Promise<void> {
    await this.array.unmount();
  }
}

/** Answers every request at once and stores nothing: what the transport itself costs. */
class NullTarget implements Target {
  readonly name = 'null';
  readonly hasColdReads = false;
  readonly file: string;
  private readonly mountPoint: string;
  private finish: () => Promise<void> = async () => {};

  constructor(
    private readonly cleanup: Cleanup,
    directory: string,
    private readonly fileBytes: number,
  ) {
    this.mountPoint = join(directory, 'mount');
    this.file = join(this.mountPoint, 'image');
    mkdirSync(this.mountPoint);
  }

  async start(): Promise<void> {
    const launcher = fileURLToPath(new URL('./null-mount.js', import.meta.url));
    const words = [launcher, this.mountPoint, String(this.fileBytes)];
    // Its own session: Ctrl-C reaches the benchmark alone, which then ends things in order.
    const child = spawn(process.execPath, words, {
      stdio: ['ignore', 'inherit', 'inherit'],
      detached: true,
    });
    const ended = exitOf(child);
    const undo = this.cleanup.add(() => {
      unmountLazily(this.mountPoint);
      child.kill('SIGKILL');
    });
    const isThere = () => child.exitCode !== null || isMounted(this.mountPoint);
    await until('mounting the do-nothing file system', isThere, 30);
    if (child.exitCode !== null) throw new Error(`the do-nothing file system ended at once`);
    this.finish = async () => {
      child.kill('SIGTERM');
      const status = await ended;
      undo();
      if (status !== 0) throw new Error(`the do-nothing file system ended with ${status}`);
    };
  }

  async stop(): Promise<void> {
    await this.finish();
  }
}

/** qemu-storage-daemon exports a qcow2 file over FUSE, onto an empty regular file. */
class QemuTarget implements Target {
  readonly name = 'qemu';
  readonly hasColdReads = true;
  readonly file: string;
  private readonly qcow2: string;
  private readonly pidFile: string;
  private isMade = false;
  private undo: (() => void) | undefined;

  constructor(
    private readonly cleanup: Cleanup,
    directory: string,
    private readonly fileBytes: number,
  ) {
    this.file = join(directory, 'image');
    this.qcow2 = join(directory, 'image.qcow2');
    this.pidFile = join(directory, 'pid');
  }

  async start(): Promise<void> {
    if (!this.isMade) {
      await run(this.cleanup, 'qemu-img', [
        'create',
        '-q',
        '-f',
        'qcow2',
        this.qcow2,
        String(this.fileBytes),
      ]);
      writeFileSync(this.file, '');
      this.isMade = true;
    }
    this.undo = this.cleanup.add(() => {
      unmountLazily(this.file);
      const pid = this.pid();
      if (pid !== undefined) killIfAlive(pid);
    });
    await run(this.cleanup, 'qemu-storage-daemon', [
      ...['--blockdev', `driver=file,node-name=file,filename=${this.qcow2}`],
      ...['--blockdev', 'driver=qcow2,node-name=image,file=file'],
      ...['--export', `type=fuse,id=export,node-name=image,mountpoint=${this.file},writable=on`],
      ...['--daemonize', '--pidfile', this.pidFile],
    ]);
    if (statSync(this.file).size !== this.fileBytes) throw new Error('QEMU exports another size');
  }

  async stop(): Promise<void> {
    const pid = this.pid();
    if (pid !== undefined) process.kill(pid, 'SIGTERM');
    await until('the end of qemu-storage-daemon', () => this.pid() === undefined, 120);
    await until('the unmount of the QEMU export', () => !isMounted(this.file), 30);
    this.undo?.();
    rmSync(this.pidFile, { force: true });
  }

  /** Of a process that is alive; a zombie that nobody has waited for is not. */
  private pid(): number | undefined {
    try {
      const pid = Number(readFileSync(this.pidFile, 'utf8'));
      const state = /\) (\S)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1];
      return state === 'Z' ? undefined : pid;
    } catch {
      return undefined;
    }
  }
}
