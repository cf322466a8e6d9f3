/**
 * The FUSE kernel protocol, part 5: INIT, the first request of a mount. Both sides say what they can;
 * a flag that is granted must be served, so only those of the list are.
 */
import { ArrayError } from '../base/errors.js';
import { type FuseMessage, REPLY_HEADER_BYTES, TRANSFER_BYTES_MAX } from './fuse-format.js';
import { emptyFrame } from './fuse-format-replies.js';

const MAJOR = 7;
/** The protocol as this codec knows it: linux/fuse.h of Linux 6.1. */
const MINOR = 38;
/** Before: no MAX_PAGES, requests of 128 KiB, other sizes of some structures. */
const KERNEL_MINOR_MIN = 28;
const INIT_REPLY_BYTES = 64;
const PAGE_BYTES = 4096;
/** Requests the kernel may have under way for readahead, writeback and asynchronous I/O. */
const BACKGROUND_MAX = 64;
const CONGESTION_THRESHOLD = 48;

const FLAGS = {
  asyncRead: 1 << 0,
  atomicTruncate: 1 << 3,
  bigWrites: 1 << 5,
  asyncDirectIo: 1 << 15,
  parallelDirectoryOperations: 1 << 18,
  maxPages: 1 << 22,
  initExtended: 1 << 30,
} as const;
/** DO_READDIRPLUS and READDIRPLUS_AUTO: attributes come with a listing. */
const READDIRPLUS_FLAGS = (1 << 13) | (1 << 14);
/** EXPLICIT_INVAL_DATA: pages stay when the size changes, until a notice drops them. */
const KEEP_PAGES_FLAGS = 1 << 25;
/** Those of the second word. */
const FLAGS2 = { directIoAllowMmap: 1 << 4 } as const;

const WANTED = Object.values(FLAGS).reduce((all, flag) => all | flag, 0);
const WANTED2 = Object.values(FLAGS2).reduce((all, flag) => all | flag, 0);

export interface InitRequest {
  readonly major: number;
  readonly minor: number;
  readonly readaheadBytesMax: number;
  readonly flags: number;
  readonly flags2: number;
}

export function decodeInit(message: FuseMessage): InitRequest {
  return {
    major: message.u32(0),
    minor: message.u32(4),
    readaheadBytesMax: message.u32(8),
    flags: message.u32(12),
    flags2: message.bodyBytes >= 64 ? message.u32(16) : 0,
  };
}

export interface InitOptions {
  /** Listings come with attributes. */
  readonly listsAttributes: boolean;
  /** Files are opened through the page cache, and notices tell when their content changes. */
  readonly keepsPages: boolean;
}

/** The answer; EIO for a kernel this codec cannot serve. */
export function initFrame(request: InitRequest, options: InitOptions): Buffer {
  const { major, minor } = request;
  if (major < MAJOR || (major === MAJOR && minor < KERNEL_MINOR_MIN)) {
    throw new ArrayError('EIO', `this kernel speaks FUSE ${major}.${minor}: 7.28 is needed`);
  }
  const frame = emptyFrame(INIT_REPLY_BYTES);
  const start = REPLY_HEADER_BYTES;
  frame.writeUInt32LE(MAJOR, start);
  // To a later major number only ours is told; the kernel then asks again with that.
  if (major > MAJOR) return frame;
  frame.writeUInt32LE(Math.min(minor, MINOR), start + 4);
  frame.writeUInt32LE(request.readaheadBytesMax, start + 8);
  const wanted =
    WANTED |
    (options.listsAttributes ? READDIRPLUS_FLAGS : 0) |
    (options.keepsPages ? KEEP_PAGES_FLAGS : 0);
  frame.writeUInt32LE((request.flags & wanted) >>> 0, start + 12);
  frame.writeUInt16LE(BACKGROUND_MAX, start + 16);
  frame.writeUInt16LE(CONGESTION_THRESHOLD, start + 18);
  frame.writeUInt32LE(TRANSFER_BYTES_MAX, start + 20);
  frame.writeUInt32LE(1, start + 24);
  frame.writeUInt16LE(TRANSFER_BYTES_MAX / PAGE_BYTES, start + 28);
  frame.writeUInt32LE((request.flags2 & WANTED2) >>> 0, start + 32);
  return frame;
}
