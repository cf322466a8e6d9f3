/**
 * What an operation of the kernel transport is: it decodes its request, calls the tree and makes the
 * frame of the reply. Everything is decoded before the tree is called, as the memory of the request
 * is used again; only WRITE may keep its data until it has answered.
 */
import type { Clock } from '../base/clock.js';
import { ArrayError } from '../base/errors.js';
import type { Answer, Caller, FileTree, TreeNode } from './file-tree.js';
import type { FuseMessage } from './fuse-format.js';
import { emptyFrame, type NodeAttributes } from './fuse-format-replies.js';
import type { InodeTable } from './inode-table.js';
import type { InterruptTable } from './interrupt-table.js';
import type { OpenDirectoryTable } from './open-directory-table.js';
import type { OpenFileTable } from './open-file-table.js';
import type { PollTable } from './poll-table.js';
import type { ReplyBuffers } from './reply-buffers.js';

export interface OperationContext {
  readonly tree: FileTree;
  readonly inodes: InodeTable;
  readonly files: OpenFileTable;
  readonly directories: OpenDirectoryTable;
  readonly polls: PollTable;
  readonly interrupts: InterruptTable;
  readonly buffers: ReplyBuffers;
  readonly clock: Clock;
  /** Files that may be cached are opened through the page cache. */
  readonly keepsPages: boolean;
  /** The protocol it speaks, known from INIT on. */
  readonly kernel: { minor: number };
}

/** A frame with an empty header; undefined where the kernel wants no answer. */
export type Operation = (
  context: OperationContext,
  message: FuseMessage,
) => Answer<Buffer | undefined>;

/** Goes on with an answer, at once where it is there. */
export function next<T, R>(answer: Answer<T>, go: (value: T) => Answer<R>): Answer<R> {
  return answer instanceof Promise ? answer.then(go) : go(answer);
}

/** For replies that say no more than that it is done. */
export function done(answer: Answer<unknown>): Answer<Buffer> {
  return next(answer, () => emptyFrame());
}

export function callerOf(message: FuseMessage): Caller {
  return { uid: message.uid, gid: message.gid, pid: message.pid };
}

/** The node's attributes, and its id with one more lookup counted: for replies with an entry. */
export function lookedUp(
  context: OperationContext,
  node: TreeNode,
  caller: Caller,
): Answer<NodeAttributes> {
  return next(context.tree.attributes(node, caller), (attributes) => ({
    nodeId: context.inodes.remember(node),
    attributes,
  }));
}

export function notPermitted(what: string): never {
  throw new ArrayError('EPERM', what);
}
