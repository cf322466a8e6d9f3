/**
 * The FUSE kernel protocol, part 6: notifications, which the server sends unasked. A frame has the
 * header of a reply with unique 0 and the code in the place of the error. Left out on purpose: the
 * notice of a name (3), for which the kernel takes the lock of the directory; names are never kept.
 */
import { REPLY_HEADER_BYTES } from './fuse-format.js';
import { emptyFrame, writeU64 } from './fuse-format-replies.js';

const CODES = { poll: 1, invalidateNode: 2 } as const;

function notice(code: number, bodyBytes: number): Buffer {
  const frame = emptyFrame(bodyBytes);
  frame.writeUInt32LE(frame.length, 0);
  frame.writeInt32LE(code, 4);
  return frame;
}

/** Whoever polls the file by `kernelHandle` asks again. */
export function pollNotice(kernelHandle: number): Buffer {
  const frame = notice(CODES.poll, 8);
  writeU64(frame, REPLY_HEADER_BYTES, kernelHandle);
  return frame;
}

/** Attributes and all cached pages of the node are dropped. */
export function invalidateNodeNotice(nodeId: number): Buffer {
  const frame = notice(CODES.invalidateNode, 24);
  writeU64(frame, REPLY_HEADER_BYTES, nodeId);
  return frame;
}

/** The attributes of the node are dropped, its pages stay. */
export function invalidateAttributesNotice(nodeId: number): Buffer {
  const frame = invalidateNodeNotice(nodeId);
  frame.writeBigInt64LE(-1n, REPLY_HEADER_BYTES + 8);
  return frame;
}
