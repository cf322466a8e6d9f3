/**
 * The FUSE kernel protocol, part 6: notifications, which the server sends unasked. A frame has the
 * header of a reply with unique 0 and the code in the place of the error.
 */
import { REPLY_HEADER_BYTES } from './fuse-format.js';
import { emptyFrame, writeU64 } from './fuse-format-replies.js';

const CODES = { poll: 1, invalidateNode: 2, invalidateEntry: 3 } as const;

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

/** What the kernel knows of `name` in the directory is dropped. */
export function invalidateEntryNotice(parentId: number, name: string): Buffer {
  const bytes = Buffer.from(name);
  const frame = notice(CODES.invalidateEntry, 16 + bytes.length + 1);
  writeU64(frame, REPLY_HEADER_BYTES, parentId);
  frame.writeUInt32LE(bytes.length, REPLY_HEADER_BYTES + 8);
  frame.set(bytes, REPLY_HEADER_BYTES + 16);
  return frame;
}
