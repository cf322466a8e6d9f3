/** The kernel transport's operations on open files. */
import { constants } from 'node:fs';
import { ArrayError } from '../base/errors.js';
import type { Answer, OpenFile, RangeChange } from './file-tree.js';
import { type OpcodeName, REPLY_HEADER_BYTES } from './fuse-format.js';
import { countFrame, OPEN_REPLY, offsetFrame, openFrame } from './fuse-format-replies.js';
import {
  decodeCopyFileRange,
  decodeFallocate,
  decodeHandle,
  decodeLseek,
  decodeOpen,
  decodePoll,
  decodeRead,
  decodeWrite,
  openFlagsOf,
} from './fuse-format-requests.js';
import { callerOf, done, next, type Operation, type OperationContext } from './kernel-operation.js';
import { isSynced, writeSynced } from './synced-write.js';

/**
 * The page cache is bypassed, so nothing is ever stale, and writes that do not extend the file go in
 * parallel.
 */
const DIRECT_FLAGS = OPEN_REPLY.directIo | OPEN_REPLY.parallelDirectWrites;

/**
 * Since then the kernel certainly drops pages after a direct write, and not only before it: no reader
 * in between leaves an old one (tried with 7.45).
 */
const DIRECT_BESIDE_PAGES_MINOR = 45;
/** FALLOC_FL_* of fallocate(2); the kernel passes no others on. */
const FALLOCATE = { keepSize: 1, punchHole: 2, zeroRange: 16 } as const;
/** Of lseek(2). */
const SEEK = { data: 3, hole: 4 } as const;
const POLL_READABLE = 0x0001 | 0x0040;
const POLL_WRITABLE = 0x0004 | 0x0100;
/** The kernel takes a count of 32 bits as the answer. */
const COPY_BYTES_MAX = 2 ** 30;

export const FILE_OPERATIONS = {
  OPEN(context, message) {
    const { tree, inodes, files } = context;
    const flags = decodeOpen(message);
    const node = inodes.node(message.nodeId);
    const opened = tree.open(node, openFlagsOf(flags), callerOf(message));
    return next(opened, (file) => {
      return openFrame(files.add(file), openReplyFlags(context, file, flags));
    });
  },
  READ(context, message) {
    const { handle, offset, sizeBytes } = decodeRead(message);
    const file = context.files.get(handle);
    if (!file.mayWait) return readInto(context, file, offset, sizeBytes);
    const read = (interrupted: AbortSignal) =>
      readInto(context, file, offset, sizeBytes, interrupted);
    return context.interrupts.run(message.unique, read);
  },
  WRITE({ files }, message) {
    const { handle, offset, data, openFlags } = decodeWrite(message);
    const file = files.get(handle);
    if (isSynced(openFlags)) return writeSynced(file, offset, data).then(countFrame);
    return next(file.write(offset, data), countFrame);
  },
  FLUSH: ({ files }, message) => done(files.get(decodeHandle(message)).flush()),
  FSYNC: ({ files }, message) => done(files.get(decodeHandle(message)).sync()),
  RELEASE({ files, polls }, message) {
    const handle = decodeHandle(message);
    polls.remove(handle);
    return done(files.remove(handle).close());
  },
  LSEEK(context, message) {
    const { handle, offset, whence } = decodeLseek(message);
    const file = context.files.get(handle);
    return next(context.tree.attributes(file.node, callerOf(message)), ({ sizeBytes }) => {
      if (offset >= sizeBytes) throw nothingFollows();
      return next(seek(file, offset, whence, sizeBytes), offsetFrame);
    });
  },
  FALLOCATE({ files }, message) {
    const { handle, offset, sizeBytes, mode } = decodeFallocate(message);
    const file = files.get(handle);
    if (file.allocate === undefined) throw notOffered();
    const keepsSize = (mode & FALLOCATE.keepSize) !== 0;
    return done(file.allocate({ kind: changeKind(mode), offset, sizeBytes, keepsSize }));
  },
  COPY_FILE_RANGE({ files }, message) {
    const { handle, offset, targetHandle, targetOffset, sizeBytes } = decodeCopyFileRange(message);
    const source = files.get(handle);
    const target = files.get(targetHandle);
    if (source.copyRange === undefined) throw notOffered();
    const bytes = Math.min(sizeBytes, COPY_BYTES_MAX);
    return next(source.copyRange(offset, target, targetOffset, bytes), countFrame);
  },
  POLL({ files, polls }, message) {
    const { handle, kernelHandle, wantsNotice, events } = decodePoll(message);
    const file = files.get(handle);
    // Entered before looking: what becomes readable in between is then not missed.
    if (wantsNotice) polls.add(handle, file.node, kernelHandle);
    const isReadable = file.isReadable?.() ?? true;
    return offsetFrame((POLL_WRITABLE | (isReadable ? POLL_READABLE : 0)) & events);
  },
} satisfies Partial<Record<OpcodeName, Operation>>;

/**
 * open_out.open_flags. Kept pages outlive a close: the tree tells when they are not true any more. Who
 * passes the page cache by (O_DIRECT) may do so in parallel with others.
 */
export function openReplyFlags(
  { keepsPages, kernel }: OperationContext,
  file: OpenFile,
  openFlags: number,
): number {
  if (!keepsPages || !file.mayBeCached) return DIRECT_FLAGS;
  const isDirect = (openFlags & constants.O_DIRECT) !== 0;
  return isDirect && kernel.minor >= DIRECT_BESIDE_PAGES_MINOR
    ? DIRECT_FLAGS
    : OPEN_REPLY.keepCache;
}

/** The tree fills the reply behind the place of its header: nothing is copied again. */
function readInto(
  { buffers }: OperationContext,
  file: OpenFile,
  offset: number,
  sizeBytes: number,
  interrupted?: AbortSignal,
): Answer<Buffer> {
  const frame = buffers.take(REPLY_HEADER_BYTES + sizeBytes);
  const fail = (error: unknown): never => {
    buffers.giveBack(frame);
    throw error;
  };
  const finish = (filled: number) => frame.subarray(0, REPLY_HEADER_BYTES + filled);
  try {
    const filled = file.read(offset, frame.subarray(REPLY_HEADER_BYTES), interrupted);
    return filled instanceof Promise ? filled.then(finish, fail) : finish(filled);
  } catch (error) {
    return fail(error);
  }
}

function seek(file: OpenFile, offset: number, whence: number, sizeBytes: number): Answer<number> {
  switch (whence) {
    case SEEK.data:
      if (file.seekData === undefined) return offset;
      return next(file.seekData(offset), (found) => {
        if (found === undefined) throw nothingFollows();
        return found;
      });
    case SEEK.hole:
      return file.seekHole?.(offset) ?? sizeBytes;
    default:
      throw new ArrayError('EINVAL', `lseek ${whence} is the kernel's`);
  }
}

function changeKind(mode: number): RangeChange['kind'] {
  switch (mode & ~FALLOCATE.keepSize) {
    case 0:
      return 'reserve';
    case FALLOCATE.punchHole:
      return 'punch';
    case FALLOCATE.zeroRange:
      return 'zero';
    default:
      throw notOffered();
  }
}

function nothingFollows(): ArrayError {
  return new ArrayError('ENXIO', 'no data or hole follows');
}

function notOffered(): ArrayError {
  return new ArrayError('EOPNOTSUPP', 'this file does not offer it');
}
