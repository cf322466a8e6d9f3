/** qemu-storage-daemon exports a qcow2 file over FUSE, onto an empty regular file. */
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isMounted, killIfAlive, run, syncFile, unmountLazily, until } from './commands.js';
import type { Target, TargetPlace } from './target.js';

export class QemuTarget implements Target {
  readonly name = 'qemu';
  readonly storesData = true;
  readonly file: string;
  private readonly qcow2: string;
  private readonly pidFile: string;
  private isMade = false;
  private undo: (() => void) | undefined;

  constructor(private readonly place: TargetPlace) {
    this.file = join(place.directory, 'image');
    this.qcow2 = join(place.directory, 'image.qcow2');
    this.pidFile = join(place.directory, 'pid');
  }

  async start(): Promise<void> {
    if (!this.isMade) await this.make();
    this.undo = this.place.cleanup.add(() => {
      unmountLazily(this.file);
      const pid = this.daemonPid();
      if (pid !== undefined) killIfAlive(pid);
    });
    const words = [
      ...['--blockdev', `driver=file,node-name=file,filename=${this.qcow2}`],
      ...['--blockdev', 'driver=qcow2,node-name=image,file=file'],
      ...['--export', `type=fuse,id=export,node-name=image,mountpoint=${this.file},writable=on`],
      ...['--daemonize', '--pidfile', this.pidFile],
    ];
    await run(this.place.cleanup, 'qemu-storage-daemon', words, { leavesDaemon: true });
    const { size } = statSync(this.file);
    if (size !== this.place.imageBytes) throw new Error('QEMU exports another size');
  }

  private async make(): Promise<void> {
    const words = ['create', '-q', '-f', 'qcow2', this.qcow2, String(this.place.imageBytes)];
    await run(this.place.cleanup, 'qemu-img', words);
    writeFileSync(this.file, '');
    this.isMade = true;
  }

  async stop(): Promise<void> {
    const pid = this.daemonPid();
    if (pid !== undefined) process.kill(pid, 'SIGTERM');
    await until('the end of qemu-storage-daemon', () => this.daemonPid() === undefined, 300);
    await until('the unmount of the QEMU export', () => !isMounted(this.file), 30);
    this.undo?.();
    rmSync(this.pidFile, { force: true });
  }

  /** Through the export, which flushes the qcow2's tables, and its file. */
  async settle(): Promise<void> {
    await syncFile(this.file);
  }

  /** Of a process that is alive; a zombie that nobody has waited for is not. */
  daemonPid(): number | undefined {
    try {
      const pid = Number(readFileSync(this.pidFile, 'utf8'));
      const state = /\) (\S)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1];
      return state === 'Z' ? undefined : pid;
    } catch {
      return undefined;
    }
  }
}
