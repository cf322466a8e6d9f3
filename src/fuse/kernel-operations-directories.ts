/**
 * The kernel transport's listings. A listing is taken when it is read from its start, and kept until
 * the directory is closed, so that it is consistent however many requests it takes. Cookie n is the
 * n-th entry; `.` and `..` come first.
 */
import { ArrayError } from '../base/errors.js';
import type { Caller, DirectoryEntry, TreeNode } from './file-tree.js';
import { type FuseMessage, type OpcodeName, ROOT_NODE_ID } from './fuse-format.js';
import { DirectoryPacker } from './fuse-format-directory.js';
import { emptyFrame, openFrame } from './fuse-format-replies.js';
import { decodeHandle, decodeRead } from './fuse-format-requests.js';
import { callerOf, lookedUp, type Operation, type OperationContext } from './kernel-operation.js';

const DOTS = 2;

export const DIRECTORY_OPERATIONS = {
  OPENDIR({ inodes, directories }, message) {
    const node = inodes.node(message.nodeId);
    if (!node.isDirectory) throw new ArrayError('ENOTDIR', 'not a directory');
    return openFrame(directories.open(), 0);
  },
  RELEASEDIR({ directories }, message) {
    directories.close(decodeHandle(message));
    return emptyFrame();
  },
  READDIR(context, message) {
    const { entries, offset, packer } = listingFor(context, message);
    for (let index = offset; index < entries.length; index += 1) {
      if (!packer.add(entries[index] as DirectoryEntry, index + 1)) break;
    }
    return packer.finish();
  },
  READDIRPLUS,
} satisfies Partial<Record<OpcodeName, Operation>>;

/** Every entry that is packed with its attributes counts as looked up, the dots excepted. */
async function READDIRPLUS(context: OperationContext, message: FuseMessage): Promise<Buffer> {
  const caller = callerOf(message);
  const { entries, offset, packer } = listingFor(context, message);
  for (let index = offset; index < entries.length; index += 1) {
    const entry = entries[index] as DirectoryEntry;
    if (!packer.hasRoomPlus(entry)) break;
    const node = index < DOTS ? undefined : await attributesOrNothing(context, entry, caller);
    packer.addPlus(entry, index + 1, node);
  }
  return packer.finish();
}

/** An entry that went after the listing was taken is still listed, without attributes. */
async function attributesOrNothing(
  context: OperationContext,
  entry: DirectoryEntry,
  caller: Caller,
) {
  try {
    return await lookedUp(context, entry.node, caller);
  } catch (error) {
    if (error instanceof ArrayError) return undefined;
    throw error;
  }
}

function listingFor({ tree, inodes, directories }: OperationContext, message: FuseMessage) {
  const { handle, offset, sizeBytes } = decodeRead(message);
  if (offset === 0) {
    const node = inodes.node(message.nodeId);
    const parent: TreeNode = { ino: ROOT_NODE_ID, isDirectory: true };
    const dots = [
      { name: '.', node },
      { name: '..', node: parent },
    ];
    directories.set(handle, [...dots, ...tree.list(node, callerOf(message))]);
  }
  return { entries: directories.get(handle), offset, packer: new DirectoryPacker(sizeBytes) };
}
