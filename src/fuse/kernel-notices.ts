/**
 * Tells the kernel what the tree changed by itself. The thread that writes is started with the first
 * notice, and holds nothing up when it ends.
 */
import { Worker } from 'node:worker_threads';
import type { TreeNode, TreeWatcher } from './file-tree.js';
import { invalidateEntryNotice, invalidateNodeNotice, pollNotice } from './fuse-format-notify.js';
import type { InodeTable } from './inode-table.js';
import type { NotifierData } from './notifier.js';
import type { PollTable } from './poll-table.js';

export interface NoticeParts {
  readonly inodes: InodeTable;
  readonly polls: PollTable;
  /** Of /dev/fuse, mounted. */
  readonly device: number;
  /** Directory of the compiled thread programs. */
  readonly programs: URL;
  readonly onBug: (error: unknown) => void;
}

export class KernelNotices implements TreeWatcher {
  private worker: Worker | undefined;
  private isOver = false;

  constructor(private readonly parts: NoticeParts) {}

  nodeChanged(node: TreeNode): void {
    const nodeId = this.parts.inodes.idOf(node.ino);
    if (nodeId !== undefined) this.send(invalidateNodeNotice(nodeId));
  }

  nameChanged(directory: TreeNode, name: string): void {
    const parentId = this.parts.inodes.idOf(directory.ino);
    if (parentId !== undefined) this.send(invalidateEntryNotice(parentId, name));
  }

  nodeReadable(node: TreeNode): void {
    for (const kernelHandle of this.parts.polls.wake(node)) this.send(pollNotice(kernelHandle));
  }

  /** Only once the connection is over: until then a write may be held by the kernel. */
  async end(): Promise<void> {
    this.isOver = true;
    await this.worker?.terminate();
  }

  private send(frame: Uint8Array): void {
    if (this.isOver) return;
    this.worker ??= this.start();
    this.worker.postMessage(frame);
  }

  private start(): Worker {
    const { device, programs, onBug } = this.parts;
    const worker = new Worker(new URL('notifier.js', programs), {
      workerData: { device } satisfies NotifierData,
      // Not those of the process, some of which only fit a main program.
      execArgv: [],
    });
    worker.on('message', onBug);
    worker.on('error', onBug);
    worker.unref();
    return worker;
  }
}
