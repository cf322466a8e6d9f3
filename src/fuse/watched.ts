/** The watcher that a transport has given to the tree, once it has. */
import type { TreeNode, TreeWatcher } from './file-tree.js';

export class Watched {
  watcher: TreeWatcher | undefined;

  /** Resolves when the host shows nothing of before any more. */
  async delivered(): Promise<void> {
    await this.watcher?.delivered();
  }

  readable(node: TreeNode): void {
    this.watcher?.nodeReadable(node);
  }
}
