/**
 * The FUSE kernel protocol, part 2: the bodies of requests. One function per layout; opcodes that
 * share a layout share the function. Offsets are those of linux/fuse.h.
 */
import { constants } from 'node:fs';
import { ArrayError } from '../base/errors.js';
import type { AttributeChanges, OpenFlags } from './file-tree.js';
import { type FuseMessage, TRANSFER_BYTES_MAX } from './fuse-format.js';

export const PERMISSION_BITS = 0o7777;
/** FATTR_*: which fields of SETATTR count. */
const SET = {
  mode: 1 << 0,
  uid: 1 << 1,
  gid: 1 << 2,
  size: 1 << 3,
  accessed: 1 << 4,
  modified: 1 << 5,
  handle: 1 << 6,
  accessedNow: 1 << 7,
  modifiedNow: 1 << 8,
} as const;
const GETATTR_HANDLE = 1;
const ENTRY_BYTES = 16;

export interface NodeHandle {
  /** Undefined where the kernel does not say which open file it means. */
  readonly handle: number | undefined;
}

export function decodeGetattr(message: FuseMessage): NodeHandle {
  return { handle: message.u32(0) & GETATTR_HANDLE ? message.u64(8) : undefined };
}

/** The id of the request whose caller got a signal. */
export function decodeInterrupt(message: FuseMessage): number {
  return message.u64(0);
}

export interface SetattrRequest extends NodeHandle {
  readonly changes: AttributeChanges;
}

/** `nowMs` stands for "the present time" of utimensat(2). */
export function decodeSetattr(message: FuseMessage, nowMs: number): SetattrRequest {
  const valid = message.u32(0);
  const has = (bit: number) => (valid & bit) !== 0;
  const changes: { -readonly [K in keyof AttributeChanges]: AttributeChanges[K] } = {};
  if (has(SET.mode)) changes.mode = message.u32(68) & PERMISSION_BITS;
  if (has(SET.uid)) changes.uid = message.u32(76);
  if (has(SET.gid)) changes.gid = message.u32(80);
  if (has(SET.size)) changes.sizeBytes = message.size(16);
  if (has(SET.accessedNow)) changes.accessedMs = nowMs;
  else if (has(SET.accessed)) changes.accessedMs = timeMs(message, 32, 56);
  if (has(SET.modifiedNow)) changes.modifiedMs = nowMs;
  else if (has(SET.modified)) changes.modifiedMs = timeMs(message, 40, 60);
  return { changes, handle: has(SET.handle) ? message.u64(8) : undefined };
}

function timeMs(message: FuseMessage, secondsAt: number, nanosecondsAt: number): number {
  return message.i64(secondsAt) * 1000 + Math.floor(message.u32(nanosecondsAt) / 1e6);
}

/** Mode of MKNOD, with its type. */
export function decodeMknod(message: FuseMessage): { mode: number; name: string } {
  return { mode: message.u32(0), name: message.name(16) };
}

export function decodeMkdir(message: FuseMessage): { mode: number; name: string } {
  return { mode: message.u32(0) & PERMISSION_BITS, name: message.name(8) };
}

export interface CreateRequest {
  readonly flags: number;
  readonly mode: number;
  readonly name: string;
}

export function decodeCreate(message: FuseMessage): CreateRequest {
  const mode = message.u32(4) & PERMISSION_BITS;
  return { flags: message.u32(0), mode, name: message.name(16) };
}

export interface RenameRequest {
  readonly newParentId: number;
  /** RENAME_* of renameat2(2). */
  readonly flags: number;
  readonly name: string;
  readonly newName: string;
}

export function decodeRename(message: FuseMessage): RenameRequest {
  return { newParentId: message.u64(0), flags: 0, ...twoNames(message, 8) };
}

export function decodeRename2(message: FuseMessage): RenameRequest {
  return { newParentId: message.u64(0), flags: message.u32(8), ...twoNames(message, 16) };
}

function twoNames(message: FuseMessage, offset: number): { name: string; newName: string } {
  const [name = '', newName = ''] = message.names(offset, 2);
  return { name, newName };
}

/** O_* of OPEN. */
export function decodeOpen(message: FuseMessage): number {
  return message.u32(0);
}

export function openFlagsOf(flags: number): OpenFlags {
  const access = flags & (constants.O_WRONLY | constants.O_RDWR);
  return {
    read: access !== constants.O_WRONLY,
    write: access !== constants.O_RDONLY,
    truncate: (flags & constants.O_TRUNC) !== 0,
  };
}

export interface ReadRequest {
  readonly handle: number;
  /** READDIR: the cookie of the first entry wanted. */
  readonly offset: number;
  readonly sizeBytes: number;
}

/** READ, READDIR and READDIRPLUS. */
export function decodeRead(message: FuseMessage): ReadRequest {
  const sizeBytes = message.u32(16);
  if (sizeBytes > TRANSFER_BYTES_MAX) throw new ArrayError('EINVAL', 'a read is too large');
  return { handle: message.u64(0), offset: message.size(8), sizeBytes };
}

export interface WriteRequest {
  readonly handle: number;
  readonly offset: number;
  /** Borrowed from the message. */
  readonly data: Uint8Array;
  /** How its file was opened, with the flags of this one write (pwritev2). */
  readonly openFlags: number;
}

export function decodeWrite(message: FuseMessage): WriteRequest {
  return {
    handle: message.u64(0),
    offset: message.size(8),
    data: message.data(40, message.u32(16)),
    openFlags: message.u32(32),
  };
}

/** FLUSH, FSYNC, RELEASE and their kin for directories begin with the handle. */
export function decodeHandle(message: FuseMessage): number {
  return message.u64(0);
}

export interface ForgetEntry {
  readonly nodeId: number;
  readonly lookups: number;
}

export function decodeForget(message: FuseMessage): ForgetEntry[] {
  return [{ nodeId: message.nodeId, lookups: message.u64(0) }];
}

/** A count above what the body holds is cut to it: there is nobody to answer. */
export function decodeBatchForget(message: FuseMessage): ForgetEntry[] {
  const held = Math.floor((message.bodyBytes - 8) / ENTRY_BYTES);
  return Array.from({ length: Math.min(message.u32(0), held) }, (_unused, index) => {
    const offset = 8 + index * ENTRY_BYTES;
    return { nodeId: message.u64(offset), lookups: message.u64(offset + 8) };
  });
}

export interface SeekRequest {
  readonly handle: number;
  readonly offset: number;
  /** SEEK_* of lseek(2). */
  readonly whence: number;
}

export function decodeLseek(message: FuseMessage): SeekRequest {
  return { handle: message.u64(0), offset: message.size(8), whence: message.u32(16) };
}

export interface FallocateRequest {
  readonly handle: number;
  readonly offset: number;
  readonly sizeBytes: number;
  /** FALLOC_FL_* of fallocate(2). */
  readonly mode: number;
}

export function decodeFallocate(message: FuseMessage): FallocateRequest {
  return {
    handle: message.u64(0),
    offset: message.size(8),
    sizeBytes: message.size(16),
    mode: message.u32(24),
  };
}

export interface CopyRequest {
  readonly handle: number;
  readonly offset: number;
  readonly targetHandle: number;
  readonly targetOffset: number;
  readonly sizeBytes: number;
}

export function decodeCopyFileRange(message: FuseMessage): CopyRequest {
  return {
    handle: message.u64(0),
    offset: message.size(8),
    targetHandle: message.u64(24),
    targetOffset: message.size(32),
    sizeBytes: message.size(40),
  };
}

export interface PollRequest {
  readonly handle: number;
  /** By which a later notification names this file. */
  readonly kernelHandle: number;
  /** The caller sleeps until it is notified. */
  readonly wantsNotice: boolean;
  /** POLLIN, POLLOUT, ... */
  readonly events: number;
}

export function decodePoll(message: FuseMessage): PollRequest {
  return {
    handle: message.u64(0),
    kernelHandle: message.u64(8),
    wantsNotice: (message.u32(16) & 1) !== 0,
    events: message.u32(20),
  };
}
