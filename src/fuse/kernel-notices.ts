/**
 * Tells the kernel what the tree changed by itself. The thread that writes is started with the first
 * notice, and holds nothing up when it ends.
 */
import { Worker } from 'node:worker_threads';
import type { TreeNode, TreeWatcher } from './file-tree.js';
import {
  invalidateAttributesNotice,
  invalidateNodeNotice,
  pollNotice,
} from './fuse-format-notify.js';
import type { InodeTable } from './inode-table.js';
import type { NotifierData } from './notifier.js';
import type { PollTable } from './poll-table.js';

export interface NoticeParts {
  readonly inodes: InodeTable;
  readonly polls: PollTable;
  /** Of /dev/fuse, mounted. */
  readonly device: number;
  readonly keepsPages: boolean;
  /** Directory of the compiled thread programs. */
  readonly programs: URL;
  readonly onBug: (error: unknown) => void;
  /** The thread has broken: nobody tells the kernel of changes any more, so the mount must end. */
  readonly onBroken: () => void;
}

/** Somebody who waits until the first `count` frames are written. */
interface Waiter {
  readonly count: number;
  readonly resolve: () => void;
}

/** A notice is sent only where the kernel knows the node: it keeps nothing of others. */
export class KernelNotices implements TreeWatcher {
  private worker: Worker | undefined;
  private isOver = false;
  private sentCount = 0;
  private writtenCount = 0;
  /** In the order of their counts. */
  private waiters: Waiter[] = [];

  constructor(private readonly parts: NoticeParts) {}

  get keepsPages(): boolean {
    return this.parts.keepsPages;
  }

  attributesChanged(node: TreeNode): void {
    const nodeId = this.parts.inodes.idOf(node.ino);
    if (nodeId !== undefined) this.send(invalidateAttributesNotice(nodeId));
  }

  contentChanged(node: TreeNode): void {
    const nodeId = this.parts.inodes.idOf(node.ino);
    if (nodeId !== undefined) this.send(invalidateNodeNotice(nodeId));
  }

  nodeReadable(node: TreeNode): void {
    for (const kernelHandle of this.parts.polls.wake(node)) this.send(pollNotice(kernelHandle));
  }

  delivered(): Promise<void> {
    const count = this.sentCount;
    if (this.isOver || count === this.writtenCount) return Promise.resolve();
    return new Promise((resolve) => this.waiters.push({ count, resolve }));
  }

  /** The connection is over: the kernel keeps nothing any more, and nobody waits for it. */
  release(): void {
    this.isOver = true;
    for (const { resolve } of this.waiters.splice(0)) resolve();
  }

  /** Only once the connection is over: until then a write may be held by the kernel. */
  async end(): Promise<void> {
    this.release();
    await this.worker?.terminate();
  }

  private send(frame: Uint8Array): void {
    if (this.isOver) return;
    this.worker ??= this.start();
    this.sentCount += 1;
    this.worker.postMessage(frame);
  }

  private noteWritten(problem: unknown): void {
    if (problem !== undefined) this.parts.onBug(problem);
    this.writtenCount += 1;
    while (this.waiters[0] && this.waiters[0].count <= this.writtenCount) {
      this.waiters.shift()?.resolve();
    }
  }

  private start(): Worker {
    const { device, programs, onBug, onBroken } = this.parts;
    const worker = new Worker(new URL('notifier.js', programs), {
      workerData: { device } satisfies NotifierData,
      // Not those of the process, some of which only fit a main program.
      execArgv: [],
    });
    worker.on('message', (problem: unknown) => this.noteWritten(problem));
    worker.on('error', onBug);
    worker.on('exit', () => {
      if (this.isOver) return;
      this.release();
      onBroken();
    });
    worker.unref();
    return worker;
  }
}
