/**
 * The nodes the kernel knows, by the node ids it was given. Identity is the tree's `ino`: while the
 * kernel knows a node, every lookup of that ino gives the same id. Each entry the kernel is sent
 * counts one lookup; FORGET takes them back, and at none the entry goes. An id is never given out
 * twice, so its generation number is always 0. The root has id 1 and stays.
 */
import { ArrayError } from '../base/errors.js';
import type { TreeNode } from './file-tree.js';
import { ROOT_NODE_ID } from './fuse-format.js';

interface InodeEntry {
  readonly nodeId: number;
  /** As of the last lookup. */
  node: TreeNode;
  lookups: number;
}

export class InodeTable {
  private readonly byId = new Map<number, InodeEntry>();
  private readonly byIno = new Map<number, InodeEntry>();
  private lastId = ROOT_NODE_ID;

  constructor(root: TreeNode) {
    const entry = { nodeId: ROOT_NODE_ID, node: root, lookups: Number.POSITIVE_INFINITY };
    this.byId.set(entry.nodeId, entry);
    this.byIno.set(root.ino, entry);
  }

  get size(): number {
    return this.byId.size;
  }

  /** ENOENT where the kernel was never given the id, or has forgotten it. */
  node(nodeId: number): TreeNode {
    const entry = this.byId.get(nodeId);
    if (entry === undefined) throw new ArrayError('ENOENT', `node ${nodeId} is not known`);
    return entry.node;
  }

  /** Undefined where the kernel does not know the node. */
  idOf(ino: number): number | undefined {
    return this.byIno.get(ino)?.nodeId;
  }

  /** Counts one lookup of the node and tells its id. */
  remember(node: TreeNode): number {
    const known = this.byIno.get(node.ino);
    if (known !== undefined) {
      known.node = node;
      known.lookups += 1;
      return known.nodeId;
    }
    this.lastId += 1;
    const entry = { nodeId: this.lastId, node, lookups: 1 };
    this.byId.set(entry.nodeId, entry);
    this.byIno.set(node.ino, entry);
    return entry.nodeId;
  }

  /** Takes `lookups` back; more than there are count as all. */
  forget(nodeId: number, lookups: number): void {
    const entry = this.byId.get(nodeId);
    if (entry === undefined) return;
    entry.lookups -= lookups;
    if (entry.lookups > 0 || nodeId === ROOT_NODE_ID) return;
    this.byId.delete(nodeId);
    this.byIno.delete(entry.node.ino);
  }
}
