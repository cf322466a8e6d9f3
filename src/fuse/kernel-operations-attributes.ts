/** The kernel transport's operations on attributes and on the file system as a whole. */
import type { OpcodeName } from './fuse-format.js';
import { attributesFrame, emptyFrame, statfsFrame } from './fuse-format-replies.js';
import { decodeInterrupt, decodeSetattr } from './fuse-format-requests.js';
import { callerOf, next, type Operation } from './kernel-operation.js';

export const ATTRIBUTE_OPERATIONS = {
  GETATTR({ tree, inodes }, message) {
    return next(tree.attributes(inodes.node(message.nodeId), callerOf(message)), attributesFrame);
  },
  SETATTR({ tree, inodes, files, clock }, message) {
    const { changes, handle } = decodeSetattr(message, clock.nowMs());
    const node = inodes.node(message.nodeId);
    const file = handle === undefined ? undefined : files.get(handle);
    return next(tree.setAttributes(node, changes, file, callerOf(message)), attributesFrame);
  },
  STATFS: ({ tree }) => statfsFrame(tree.statistics()),
  // Whoever does not wait in the table is answered when it is done.
  INTERRUPT({ interrupts }, message) {
    interrupts.interrupt(decodeInterrupt(message));
    return undefined;
  },
  DESTROY: () => emptyFrame(),
} satisfies Partial<Record<OpcodeName, Operation>>;
