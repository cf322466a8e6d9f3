/**
 * Paths as libfuse 2.9 gives them, and the nodes of the tree they mean. An open file that was removed
 * lives on under a private name that only libfuse and this table know: `.fuse_hidden` and 16 hex
 * digits in the same directory. It is in no listing and never reaches the tree.
 */
import { posix } from 'node:path';
import type { FileTree, TreeNode } from './file-tree.js';

const HIDDEN_NAME = /^\.fuse_hidden[0-9a-f]{16,}$/;

export interface PlaceInTree {
  readonly parent: TreeNode;
  readonly name: string;
}

export class FuseNativePaths {
  private readonly hidden = new Map<string, TreeNode>();

  constructor(private readonly tree: FileTree) {}

  /** ENOENT or ENOTDIR as the tree says. */
  node(path: string): TreeNode {
    const hidden = this.hidden.get(path);
    if (hidden !== undefined) return hidden;
    let node = this.tree.root;
    for (const name of path.split('/')) {
      if (name !== '') node = this.tree.lookup(node, name);
    }
    return node;
  }

  place(path: string): PlaceInTree {
    return { parent: this.node(posix.dirname(path)), name: posix.basename(path) };
  }

  /** `target` is a name libfuse would give to a removed file at `source`. */
  isHiding(source: string, target: string): boolean {
    return (
      HIDDEN_NAME.test(posix.basename(target)) && posix.dirname(source) === posix.dirname(target)
    );
  }

  hide(node: TreeNode, hiddenPath: string): void {
    this.hidden.set(hiddenPath, node);
  }

  /** True where the path was hidden: nothing else is left to do for it. */
  forget(hiddenPath: string): boolean {
    return this.hidden.delete(hiddenPath);
  }
}
