/**
 * The FUSE kernel protocol, part 1: opcodes, the header of a request and the fixed numbers of
 * linux/fuse.h (7.38, read up to 7.45). All fields are little-endian; a request is
 *
 *   0 u32 length   4 u32 opcode   8 u64 unique   16 u64 nodeid   24 u32 uid, gid, pid   40 body
 *
 * The codec (fuse-format*.ts) does no I/O and keeps no state. A body holds fixed bytes, then names,
 * each ended by a NUL, then data.
 */
import { ArrayError } from '../base/errors.js';

export const REQUEST_HEADER_BYTES = 40;
export const REPLY_HEADER_BYTES = 16;
export const ROOT_NODE_ID = 1;
/** Largest READ and WRITE: 256 pages, the kernel's own limit. */
export const TRANSFER_BYTES_MAX = 2 ** 20;
/** What a read of /dev/fuse must offer: room for the largest request, in whole pages. */
export const REQUEST_BYTES_MAX = TRANSFER_BYTES_MAX + 4096;
/** Errors of the protocol that no operation of a tree has. */
export const ERRNO = { EIO: 5, ENOSYS: 38 } as const;

interface OpcodeRow {
  readonly code: number;
  /** Bytes of the body before names and data. */
  readonly fixedBytes: number;
  /** Names in the body: at least one character and a NUL each. */
  readonly names?: number;
  /** The kernel takes no answer. */
  readonly silent?: true;
}

/** By the kernel's name. What is not here, and what has no operation, answers ENOSYS. */
export const OPCODES = {
  LOOKUP: { code: 1, fixedBytes: 0, names: 1 },
  FORGET: { code: 2, fixedBytes: 8, silent: true },
  GETATTR: { code: 3, fixedBytes: 16 },
  SETATTR: { code: 4, fixedBytes: 88 },
  READLINK: { code: 5, fixedBytes: 0 },
  SYMLINK: { code: 6, fixedBytes: 0, names: 2 },
  MKNOD: { code: 8, fixedBytes: 16, names: 1 },
  MKDIR: { code: 9, fixedBytes: 8, names: 1 },
  UNLINK: { code: 10, fixedBytes: 0, names: 1 },
  RMDIR: { code: 11, fixedBytes: 0, names: 1 },
  RENAME: { code: 12, fixedBytes: 8, names: 2 },
  LINK: { code: 13, fixedBytes: 8, names: 1 },
  OPEN: { code: 14, fixedBytes: 8 },
  READ: { code: 15, fixedBytes: 40 },
  WRITE: { code: 16, fixedBytes: 40 },
  STATFS: { code: 17, fixedBytes: 0 },
  RELEASE: { code: 18, fixedBytes: 24 },
  FSYNC: { code: 20, fixedBytes: 16 },
  SETXATTR: { code: 21, fixedBytes: 8, names: 1 },
  GETXATTR: { code: 22, fixedBytes: 8, names: 1 },
  LISTXATTR: { code: 23, fixedBytes: 8 },
  REMOVEXATTR: { code: 24, fixedBytes: 0, names: 1 },
  FLUSH: { code: 25, fixedBytes: 24 },
  // 16 bytes before 7.36, 64 since.
  INIT: { code: 26, fixedBytes: 16 },
  OPENDIR: { code: 27, fixedBytes: 8 },
  READDIR: { code: 28, fixedBytes: 40 },
  RELEASEDIR: { code: 29, fixedBytes: 24 },
  FSYNCDIR: { code: 30, fixedBytes: 16 },
  GETLK: { code: 31, fixedBytes: 48 },
  SETLK: { code: 32, fixedBytes: 48 },
  SETLKW: { code: 33, fixedBytes: 48 },
  ACCESS: { code: 34, fixedBytes: 8 },
  CREATE: { code: 35, fixedBytes: 16, names: 1 },
  INTERRUPT: { code: 36, fixedBytes: 8, silent: true },
  BMAP: { code: 37, fixedBytes: 16 },
  DESTROY: { code: 38, fixedBytes: 0 },
  IOCTL: { code: 39, fixedBytes: 32 },
  POLL: { code: 40, fixedBytes: 24 },
  NOTIFY_REPLY: { code: 41, fixedBytes: 40, silent: true },
  BATCH_FORGET: { code: 42, fixedBytes: 8, silent: true },
  FALLOCATE: { code: 43, fixedBytes: 32 },
  READDIRPLUS: { code: 44, fixedBytes: 40 },
  RENAME2: { code: 45, fixedBytes: 16, names: 2 },
  LSEEK: { code: 46, fixedBytes: 24 },
  COPY_FILE_RANGE: { code: 47, fixedBytes: 56 },
  SYNCFS: { code: 50, fixedBytes: 8 },
  TMPFILE: { code: 51, fixedBytes: 16, names: 1 },
  STATX: { code: 52, fixedBytes: 24 },
  COPY_FILE_RANGE_64: { code: 53, fixedBytes: 56 },
} as const satisfies Record<string, OpcodeRow>;

export type OpcodeName = keyof typeof OPCODES;

interface NamedRow extends OpcodeRow {
  readonly name: OpcodeName;
}

const ROWS: readonly (NamedRow | undefined)[] = rowsByCode();

function rowsByCode(): (NamedRow | undefined)[] {
  const rows: (NamedRow | undefined)[] = [];
  for (const [name, row] of Object.entries(OPCODES)) {
    rows[row.code] = { ...row, name: name as OpcodeName };
  }
  return rows;
}

/** Undefined for an opcode that this table does not know. */
export function opcodeName(code: number): OpcodeName | undefined {
  return ROWS[code]?.name;
}

/** True where the kernel waits for no answer, and takes one for an error. */
export function isSilent(code: number): boolean {
  return ROWS[code]?.silent === true;
}

/** Smallest body of the opcode; 0 for one that is not known. */
export function bodyBytesMin(code: number): number {
  const row = ROWS[code];
  return row === undefined ? 0 : row.fixedBytes + 2 * (row.names ?? 0);
}

/**
 * One request in memory that is used again for the next. Offsets count from the start of the body;
 * who decodes a body has `checkMessage` behind them, so its fixed fields are there.
 */
export class FuseMessage {
  /** Bytes of the whole request. */
  length = 0;
  private readonly view: DataView;

  constructor(private readonly bytes: Buffer) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** The same request in memory of its own. */
  copy(): FuseMessage {
    const copy = new FuseMessage(Buffer.from(this.bytes.subarray(0, this.length)));
    copy.length = this.length;
    return copy;
  }

  get declaredLength(): number {
    return this.view.getUint32(0, true);
  }

  get opcode(): number {
    return this.view.getUint32(4, true);
  }

  /** The two halves of the request's id, which is only ever given back. */
  get uniqueLow(): number {
    return this.view.getUint32(8, true);
  }

  get uniqueHigh(): number {
    return this.view.getUint32(12, true);
  }

  /** The same as one number, to tell requests apart; exact up to 2^53, which no mount reaches. */
  get unique(): number {
    return this.uniqueLow + this.uniqueHigh * 2 ** 32;
  }

  /** Exact up to 2^53; what is above was never given out. */
  get nodeId(): number {
    return this.view.getUint32(16, true) + this.view.getUint32(20, true) * 2 ** 32;
  }

  get uid(): number {
    return this.view.getUint32(24, true);
  }

  get gid(): number {
    return this.view.getUint32(28, true);
  }

  get pid(): number {
    return this.view.getUint32(32, true);
  }

  get bodyBytes(): number {
    return this.length - REQUEST_HEADER_BYTES;
  }

  u32(offset: number): number {
    return this.view.getUint32(REQUEST_HEADER_BYTES + offset, true);
  }

  /** Exact up to 2^53: for ids, of which none above was ever given out. */
  u64(offset: number): number {
    return this.u32(offset) + this.u32(offset + 4) * 2 ** 32;
  }

  i64(offset: number): number {
    return this.u32(offset) + this.view.getInt32(REQUEST_HEADER_BYTES + offset + 4, true) * 2 ** 32;
  }

  /** A byte offset or length; EINVAL above 2^53, which no file reaches. */
  size(offset: number): number {
    const value = this.u64(offset);
    if (value > Number.MAX_SAFE_INTEGER) throw new ArrayError('EINVAL', 'beyond any file');
    return value;
  }

  /**
   * Names from `offset` of the body. Bytes that are no UTF-8 become U+FFFD, which no name of an array
   * contains. EINVAL where a name is empty or has no end.
   */
  names(offset: number, count: number): string[] {
    const names: string[] = [];
    let start = REQUEST_HEADER_BYTES + offset;
    for (let index = 0; index < count; index += 1) {
      const end = this.bytes.indexOf(0, start);
      if (end <= start || end >= this.length) throw new ArrayError('EINVAL', 'a name is cut short');
      names.push(this.bytes.toString('utf8', start, end));
      start = end + 1;
    }
    return names;
  }

  name(offset: number): string {
    return this.names(offset, 1)[0] as string;
  }

  /** `size` bytes of the body, borrowed; EINVAL where the body ends before. */
  data(offset: number, size: number): Uint8Array {
    if (offset + size > this.bodyBytes) throw new ArrayError('EINVAL', 'data is cut short');
    const start = REQUEST_HEADER_BYTES + offset;
    return this.bytes.subarray(start, start + size);
  }
}

/** Why a request cannot be decoded; undefined where its header and fixed fields are there. */
export function messageProblem(message: FuseMessage): string | undefined {
  if (message.length < REQUEST_HEADER_BYTES) return `a request of ${message.length} bytes`;
  if (message.declaredLength !== message.length) {
    return `a request says ${message.declaredLength} bytes and has ${message.length}`;
  }
  const { opcode } = message;
  if (message.bodyBytes >= bodyBytesMin(opcode)) return undefined;
  return `${opcodeName(opcode)} has a body of ${message.bodyBytes} bytes`;
}
