/**
 * The FUSE protocol as far as the recording file system needs it (linux/fuse.h, 7.31 and later,
 * little-endian), written apart from src/fuse on purpose: a mistake there must not hide here.
 */
import { constants } from 'node:os';

export const OPCODE = {
  lookup: 1,
  forget: 2,
  getattr: 3,
  setattr: 4,
  mkdir: 9,
  unlink: 10,
  rmdir: 11,
  rename: 12,
  open: 14,
  read: 15,
  write: 16,
  statfs: 17,
  release: 18,
  fsync: 20,
  flush: 25,
  init: 26,
  opendir: 27,
  readdir: 28,
  releasedir: 29,
  fsyncdir: 30,
  create: 35,
  interrupt: 36,
  batchForget: 42,
  fallocate: 43,
  rename2: 45,
} as const;

export const IN_HEADER_BYTES = 40;
export const OUT_HEADER_BYTES = 16;
export const WRITE_BYTES_MAX = 2 ** 20;
/** What a read of /dev/fuse needs: a whole write request and then some. */
export const REQUEST_BYTES_MAX = WRITE_BYTES_MAX + 4_096;

const PAGES_MAX = 256;
const PROTOCOL_MINOR = 31;
/** ASYNC_READ, BIG_WRITES, MAX_PAGES. Not WRITEBACK_CACHE: each write must come, in its order. */
const INIT_FLAGS = (1 << 0) | (1 << 5) | (1 << 22);
/** Nobody else changes the files, so what the kernel knows stays true. */
const VALID_SECONDS = 3_600n;
/** FOPEN_KEEP_CACHE: an open must not drop the pages that another open has mapped. */
const OPEN_FLAGS = 2;
const STATFS_BLOCKS = 2n ** 28n;
const BLOCK_BYTES = 4_096;

export interface Request {
  readonly opcode: number;
  readonly unique: bigint;
  readonly node: number;
  readonly body: Buffer;
}

export interface Attributes {
  readonly node: number;
  readonly mode: number;
  readonly size: number;
  readonly changedMs: number;
}

export interface DirectoryRecord {
  readonly node: number;
  readonly name: string;
  readonly mode: number;
}

/** `message` is one whole request and is reused by its owner afterwards. */
export function decodeRequest(message: Buffer): Request {
  return {
    opcode: message.readUInt32LE(4),
    unique: message.readBigUInt64LE(8),
    node: Number(message.readBigUInt64LE(16)),
    body: message.subarray(IN_HEADER_BYTES),
  };
}

export function u64(body: Buffer, offset: number): number {
  return Number(body.readBigUInt64LE(offset));
}

/** NUL-ended names from `offset` on. */
export function namesFrom(body: Buffer, offset: number): string[] {
  return body.toString('utf8', offset).split('\0').slice(0, -1);
}

/** Fills the header of `reply`, whose body is there already. */
export function sealReply(reply: Buffer, unique: bigint): Buffer {
  reply.writeUInt32LE(reply.length, 0);
  reply.writeInt32LE(0, 4);
  reply.writeBigUInt64LE(unique, 8);
  return reply;
}

export function errorReply(unique: bigint, code: keyof typeof constants.errno): Buffer {
  const reply = sealReply(Buffer.alloc(OUT_HEADER_BYTES), unique);
  reply.writeInt32LE(-constants.errno[code], 4);
  return reply;
}

/** A reply with a zeroed body of `bodyBytes`. */
export function emptyReply(bodyBytes = 0): Buffer {
  return Buffer.alloc(OUT_HEADER_BYTES + bodyBytes);
}

export function initReply(): Buffer {
  const reply = emptyReply(64);
  const at = OUT_HEADER_BYTES;
  reply.writeUInt32LE(7, at);
  reply.writeUInt32LE(PROTOCOL_MINOR, at + 4);
  reply.writeUInt32LE(131_072, at + 8);
  reply.writeUInt32LE(INIT_FLAGS, at + 12);
  reply.writeUInt16LE(16, at + 16);
  reply.writeUInt16LE(12, at + 18);
  reply.writeUInt32LE(WRITE_BYTES_MAX, at + 20);
  reply.writeUInt32LE(1, at + 24);
  reply.writeUInt16LE(PAGES_MAX, at + 28);
  return reply;
}

export function attributesReply(attributes: Attributes): Buffer {
  const reply = emptyReply(104);
  reply.writeBigUInt64LE(VALID_SECONDS, OUT_HEADER_BYTES);
  putAttributes(reply, OUT_HEADER_BYTES + 16, attributes);
  return reply;
}

export function entryReply(attributes: Attributes): Buffer {
  const reply = emptyReply(128);
  putEntry(reply, attributes);
  return reply;
}

export function createReply(attributes: Attributes, handle: number): Buffer {
  const reply = emptyReply(144);
  putEntry(reply, attributes);
  putOpen(reply, OUT_HEADER_BYTES + 128, handle);
  return reply;
}

export function openReply(handle: number): Buffer {
  const reply = emptyReply(16);
  putOpen(reply, OUT_HEADER_BYTES, handle);
  return reply;
}

export function writeReply(size: number): Buffer {
  const reply = emptyReply(8);
  reply.writeUInt32LE(size, OUT_HEADER_BYTES);
  return reply;
}

/** A disk that is never full. */
export function statfsReply(): Buffer {
  const reply = emptyReply(80);
  for (const offset of [0, 8, 16]) reply.writeBigUInt64LE(STATFS_BLOCKS, OUT_HEADER_BYTES + offset);
  reply.writeUInt32LE(BLOCK_BYTES, OUT_HEADER_BYTES + 40);
  reply.writeUInt32LE(255, OUT_HEADER_BYTES + 44);
  reply.writeUInt32LE(BLOCK_BYTES, OUT_HEADER_BYTES + 48);
  return reply;
}

/** Records from number `first` on, as many as fit into `sizeMax`; the cookie is the next number. */
export function directoryReply(
  records: readonly DirectoryRecord[],
  first: number,
  sizeMax: number,
): Buffer {
  const parts: Buffer[] = [emptyReply()];
  let left = sizeMax;
  for (let index = first; index < records.length; index += 1) {
    const { node, name, mode } = records[index] as DirectoryRecord;
    const bytes = Buffer.from(name);
    const part = Buffer.alloc((24 + bytes.length + 7) & ~7);
    if (part.length > left) break;
    part.writeBigUInt64LE(BigInt(node), 0);
    part.writeBigUInt64LE(BigInt(index + 1), 8);
    part.writeUInt32LE(bytes.length, 16);
    part.writeUInt32LE(mode >> 12, 20);
    bytes.copy(part, 24);
    parts.push(part);
    left -= part.length;
  }
  return Buffer.concat(parts);
}

function putEntry(reply: Buffer, attributes: Attributes): void {
  const at = OUT_HEADER_BYTES;
  reply.writeBigUInt64LE(BigInt(attributes.node), at);
  reply.writeBigUInt64LE(VALID_SECONDS, at + 16);
  reply.writeBigUInt64LE(VALID_SECONDS, at + 24);
  putAttributes(reply, at + 40, attributes);
}

function putAttributes(reply: Buffer, at: number, attributes: Attributes): void {
  const { node, mode, size, changedMs } = attributes;
  reply.writeBigUInt64LE(BigInt(node), at);
  reply.writeBigUInt64LE(BigInt(size), at + 8);
  reply.writeBigUInt64LE(BigInt(Math.ceil(size / 512)), at + 16);
  for (const offset of [24, 32, 40]) {
    reply.writeBigUInt64LE(BigInt(Math.floor(changedMs / 1_000)), at + offset);
  }
  for (const offset of [48, 52, 56]) {
    reply.writeUInt32LE((changedMs % 1_000) * 1_000_000, at + offset);
  }
  reply.writeUInt32LE(mode, at + 60);
  reply.writeUInt32LE(1, at + 64);
  reply.writeUInt32LE(BLOCK_BYTES, at + 80);
}

function putOpen(reply: Buffer, at: number, handle: number): void {
  reply.writeBigUInt64LE(BigInt(handle), at);
  reply.writeUInt32LE(OPEN_FLAGS, at + 8);
}
