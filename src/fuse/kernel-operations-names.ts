/** The kernel transport's operations on names in directories. */
import { constants } from 'node:fs';
import { ArrayError } from '../base/errors.js';
import type { Caller, FileTree, OpenFile, TreeNode } from './file-tree.js';
import type { FuseMessage, OpcodeName } from './fuse-format.js';
import { createFrame, entryFrame } from './fuse-format-replies.js';
import {
  type CreateRequest,
  decodeBatchForget,
  decodeCreate,
  decodeForget,
  decodeMkdir,
  decodeMknod,
  decodeRename,
  decodeRename2,
  openFlagsOf,
  PERMISSION_BITS,
  type RenameRequest,
} from './fuse-format-requests.js';
import {
  callerOf,
  done,
  lookedUp,
  next,
  notPermitted,
  type Operation,
  type OperationContext,
} from './kernel-operation.js';
import { openReplyFlags } from './kernel-operations-files.js';

/** Of renameat2(2). */
const RENAME_NOREPLACE = 1;

export const NAME_OPERATIONS = {
  LOOKUP(context, message) {
    const { tree, inodes } = context;
    const caller = callerOf(message);
    const node = tree.lookup(inodes.node(message.nodeId), message.name(0), caller);
    return next(lookedUp(context, node, caller), entryFrame);
  },
  FORGET({ inodes }, message) {
    for (const { nodeId, lookups } of decodeForget(message)) inodes.forget(nodeId, lookups);
    return undefined;
  },
  BATCH_FORGET({ inodes }, message) {
    for (const { nodeId, lookups } of decodeBatchForget(message)) inodes.forget(nodeId, lookups);
    return undefined;
  },
  MKNOD(context, message) {
    const { mode, name } = decodeMknod(message);
    const type = mode & constants.S_IFMT;
    if (type !== 0 && type !== constants.S_IFREG) notPermitted('only regular files can be made');
    return makeFile(context, message, name, mode & PERMISSION_BITS);
  },
  CREATE: createFile,
  MKDIR(context, message) {
    const { tree, inodes } = context;
    const { mode, name } = decodeMkdir(message);
    const parent = inodes.node(message.nodeId);
    const caller = callerOf(message);
    const made = tree.makeDirectory(parent, name, mode, caller);
    return next(
      next(made, (node) => lookedUp(context, node, caller)),
      entryFrame,
    );
  },
  UNLINK({ tree, inodes }, message) {
    return done(tree.remove(inodes.node(message.nodeId), message.name(0), callerOf(message)));
  },
  RMDIR({ tree, inodes }, message) {
    const parent = inodes.node(message.nodeId);
    return done(tree.removeDirectory(parent, message.name(0), callerOf(message)));
  },
  RENAME: (context, message) => rename(context, message, decodeRename(message)),
  RENAME2: (context, message) => rename(context, message, decodeRename2(message)),
  LINK: () => notPermitted('there are no hard links'),
  SYMLINK: () => notPermitted('there are no symbolic links'),
} satisfies Partial<Record<OpcodeName, Operation>>;

async function makeFile(
  context: OperationContext,
  message: FuseMessage,
  name: string,
  mode: number,
): Promise<Buffer> {
  const { tree, inodes } = context;
  const parent = inodes.node(message.nodeId);
  const caller = callerOf(message);
  const { node, file } = await tree.create(parent, name, mode, caller);
  await file.close();
  return entryFrame(await lookedUp(context, node, caller));
}

async function createFile(context: OperationContext, message: FuseMessage): Promise<Buffer> {
  const request = decodeCreate(message);
  const caller = callerOf(message);
  const { node, file } = await createOrOpen(context, message, request);
  const entry = await lookedUp(context, node, caller);
  const flags = openReplyFlags(context, file, request.flags);
  return createFrame(entry, context.files.add(file), flags);
}

/** Another host may have made the file since the kernel looked: without O_EXCL it is opened then. */
async function createOrOpen(
  { tree, inodes }: OperationContext,
  message: FuseMessage,
  { name, mode, flags }: CreateRequest,
): Promise<{ node: TreeNode; file: OpenFile }> {
  const parent = inodes.node(message.nodeId);
  const caller = callerOf(message);
  try {
    return await tree.create(parent, name, mode, caller);
  } catch (error) {
    const exists = error instanceof ArrayError && error.code === 'EEXIST';
    if (!exists || (flags & constants.O_EXCL) !== 0) throw error;
    const node = tree.lookup(parent, name, caller);
    return { node, file: await tree.open(node, openFlagsOf(flags), caller) };
  }
}

function rename(
  { tree, inodes }: OperationContext,
  message: FuseMessage,
  { newParentId, flags, name, newName }: RenameRequest,
) {
  if ((flags & ~RENAME_NOREPLACE) !== 0) throw new ArrayError('EINVAL', 'names are not exchanged');
  const parent = inodes.node(message.nodeId);
  const newParent = inodes.node(newParentId);
  const caller = callerOf(message);
  if (flags === RENAME_NOREPLACE && isThere(tree, newParent, newName, caller)) {
    throw new ArrayError('EEXIST', `${newName} exists`);
  }
  return done(tree.rename(parent, name, newParent, newName, caller));
}

function isThere(tree: FileTree, parent: TreeNode, name: string, caller: Caller): boolean {
  try {
    tree.lookup(parent, name, caller);
    return true;
  } catch (error) {
    if (error instanceof ArrayError && error.code === 'ENOENT') return false;
    throw error;
  }
}
