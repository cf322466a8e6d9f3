/** Who sleeps in poll(2): by open file, the handle under which the kernel wants to be notified. */
import type { TreeNode } from './file-tree.js';

export class PollTable {
  private readonly sleepers = new Map<number, { ino: number; kernelHandle: number }>();

  add(handle: number, node: TreeNode, kernelHandle: number): void {
    this.sleepers.set(handle, { ino: node.ino, kernelHandle });
  }

  /** The file was closed. */
  remove(handle: number): void {
    this.sleepers.delete(handle);
  }

  /** Whom to notify that the node is readable; each asks again if it goes on sleeping. */
  wake(node: TreeNode): number[] {
    const woken: number[] = [];
    for (const [handle, { ino, kernelHandle }] of this.sleepers) {
      if (ino !== node.ino) continue;
      woken.push(kernelHandle);
      this.sleepers.delete(handle);
    }
    return woken;
  }
}
