/**
 * The FUSE kernel protocol, part 3: replies. A reply is built as one frame, the header's 16 bytes
 * first, so that header and body go out in one write:
 *
 *   0 u32 length of the frame   4 i32 0 or a negative errno   8 u64 unique of the request
 *
 * `sealFrame` fills in the header; the other functions make frames whose header is still empty.
 */
import { assert } from '../base/assert.js';
import type { Attributes, TreeStatistics } from './file-tree.js';
import { REPLY_HEADER_BYTES } from './fuse-format.js';

export const ENTRY_BYTES = 128;
const ATTRIBUTES_BYTES = 88;
const ATTR_REPLY_BYTES = 16 + ATTRIBUTES_BYTES;
const OPEN_BYTES = 16;
const STATFS_BYTES = 80;
const STATFS_BLOCK_BYTES = 4096;
/** Shown as st_blksize: programs then read and write in the largest request there is. */
const IO_BYTES = 2 ** 20;

/** open_out.open_flags. */
export const OPEN_REPLY = {
  directIo: 1 << 0,
  keepCache: 1 << 1,
  parallelDirectWrites: 1 << 6,
} as const;

export interface NodeAttributes {
  readonly nodeId: number;
  readonly attributes: Attributes;
}

/** A frame for `bodyBytes` of body, zeroed. */
export function emptyFrame(bodyBytes = 0): Buffer {
  // From Node's pool, which is faster than memory of its own.
  return Buffer.allocUnsafe(REPLY_HEADER_BYTES + bodyBytes).fill(0);
}

/** `errno` is positive or 0; an error's frame has no body. */
export function sealFrame(frame: Buffer, errno: number, uniqueLow: number, uniqueHigh: number) {
  assert(errno === 0 || frame.length === REPLY_HEADER_BYTES, 'an error has no body');
  frame.writeUInt32LE(frame.length, 0);
  frame.writeInt32LE(errno === 0 ? 0 : -errno, 4);
  frame.writeUInt32LE(uniqueLow, 8);
  frame.writeUInt32LE(uniqueHigh, 12);
}

export function entryFrame(node: NodeAttributes): Buffer {
  const frame = emptyFrame(ENTRY_BYTES);
  writeEntry(frame, REPLY_HEADER_BYTES, node);
  return frame;
}

export function createFrame(node: NodeAttributes, handle: number, openFlags: number): Buffer {
  const frame = emptyFrame(ENTRY_BYTES + OPEN_BYTES);
  writeEntry(frame, REPLY_HEADER_BYTES, node);
  writeOpen(frame, REPLY_HEADER_BYTES + ENTRY_BYTES, handle, openFlags);
  return frame;
}

export function openFrame(handle: number, openFlags: number): Buffer {
  const frame = emptyFrame(OPEN_BYTES);
  writeOpen(frame, REPLY_HEADER_BYTES, handle, openFlags);
  return frame;
}

export function attributesFrame(attributes: Attributes): Buffer {
  const frame = emptyFrame(ATTR_REPLY_BYTES);
  writeAttributes(frame, REPLY_HEADER_BYTES + 16, attributes);
  return frame;
}

/** WRITE and COPY_FILE_RANGE: how many bytes were taken. */
export function countFrame(count: number): Buffer {
  const frame = emptyFrame(8);
  frame.writeUInt32LE(count, REPLY_HEADER_BYTES);
  return frame;
}

/** LSEEK: an offset; POLL takes the events in its low half. */
export function offsetFrame(offset: number): Buffer {
  const frame = emptyFrame(8);
  writeU64(frame, REPLY_HEADER_BYTES, offset);
  return frame;
}

export function statfsFrame(statistics: TreeStatistics): Buffer {
  const frame = emptyFrame(STATFS_BYTES);
  const free = Math.floor(statistics.freeBytes / STATFS_BLOCK_BYTES);
  const start = REPLY_HEADER_BYTES;
  writeU64(frame, start, Math.floor(statistics.totalBytes / STATFS_BLOCK_BYTES));
  writeU64(frame, start + 8, free);
  writeU64(frame, start + 16, free);
  writeU64(frame, start + 24, statistics.files);
  writeU64(frame, start + 32, statistics.filesFree);
  frame.writeUInt32LE(STATFS_BLOCK_BYTES, start + 40);
  frame.writeUInt32LE(statistics.nameCharactersMax, start + 44);
  frame.writeUInt32LE(STATFS_BLOCK_BYTES, start + 48);
  return frame;
}

/**
 * entry_out. The name is valid for no time: the kernel asks again at every access, and needs no notice
 * when it goes. The attributes are valid for `attributesSeconds`.
 */
export function writeEntry(
  target: Buffer,
  start: number,
  node: NodeAttributes,
  attributesSeconds = 0,
): void {
  writeU64(target, start, node.nodeId);
  writeU64(target, start + 24, attributesSeconds);
  writeAttributes(target, start + 40, node.attributes);
}

function writeOpen(target: Buffer, start: number, handle: number, openFlags: number): void {
  writeU64(target, start, handle);
  target.writeUInt32LE(openFlags, start + 8);
}

function writeAttributes(target: Buffer, start: number, attributes: Attributes): void {
  writeU64(target, start, attributes.ino);
  writeU64(target, start + 8, attributes.sizeBytes);
  writeU64(target, start + 16, attributes.sectorsAllocated);
  writeTime(target, start + 24, start + 48, attributes.accessedMs);
  writeTime(target, start + 32, start + 52, attributes.modifiedMs);
  writeTime(target, start + 40, start + 56, attributes.changedMs);
  target.writeUInt32LE(attributes.mode, start + 60);
  target.writeUInt32LE(attributes.linkCount, start + 64);
  target.writeUInt32LE(attributes.uid, start + 68);
  target.writeUInt32LE(attributes.gid, start + 72);
  target.writeUInt32LE(IO_BYTES, start + 80);
}

/** Seconds may be negative; nanoseconds never are. */
function writeTime(target: Buffer, secondsAt: number, nanosecondsAt: number, ms: number): void {
  const seconds = Math.floor(ms / 1000);
  target.writeBigInt64LE(BigInt(seconds), secondsAt);
  target.writeUInt32LE(Math.floor((ms - seconds * 1000) * 1e6), nanosecondsAt);
}

export function writeU64(target: Buffer, start: number, value: number): void {
  target.writeUInt32LE(value % 2 ** 32, start);
  target.writeUInt32LE(Math.floor(value / 2 ** 32), start + 4);
}
