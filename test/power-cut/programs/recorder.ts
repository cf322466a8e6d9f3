/**
 * The recording file system: a process that mounts itself, answers one request after the other with
 * blocking calls and logs every change and sync. It ends when it is unmounted.
 *
 *   node recorder.js LOG BACKING_DIRECTORY MOUNT_POINT
 *
 * Not logged: modes and times, which no promise rests on, and FLUSH, since closing promises nothing.
 * Pages of shared writable mappings arrive as writes whenever the kernel likes.
 */
import { spawnSync } from 'node:child_process';
import { openSync, readSync, writeSync } from 'node:fs';
import { LogWriter } from './operation-log.js';
import {
  attributesReply,
  createReply,
  decodeRequest,
  directoryReply,
  emptyReply,
  entryReply,
  errorReply,
  initReply,
  namesFrom,
  OPCODE,
  OUT_HEADER_BYTES,
  openReply,
  REQUEST_BYTES_MAX,
  type Request,
  sealReply,
  statfsReply,
  u64,
  writeReply,
} from './recorder-codec.js';
import { RecorderFiles, RefusedRequest } from './recorder-files.js';

const FILE_MODE = 0o100000;
const DIRECTORY_MODE = 0o040000;
const SETATTR_MODE = 1 << 0;
const SETATTR_SIZE = 1 << 3;
/** Requests that are never answered. */
const SILENT: ReadonlySet<number> = new Set([OPCODE.forget, OPCODE.batchForget, OPCODE.interrupt]);

const [logPath = '', backingDirectory = '', mountPoint = ''] = process.argv.slice(2);
const log = new LogWriter(logPath);
const files = new RecorderFiles(backingDirectory, (entry) => log.append(entry));
const device = openSync('/dev/fuse', 'r+');

const options = 'fd=3,rootmode=40000,user_id=0,group_id=0,allow_other,default_permissions';
const mounted = spawnSync(
  'mount',
  ['-i', '-t', 'fuse.power-cut', '-o', options, 'power-cut', mountPoint],
  { stdio: ['ignore', 'inherit', 'inherit', device] },
);
if (mounted.status !== 0) process.exit(1);
serve();
log.close();

function serve(): void {
  const message = Buffer.alloc(REQUEST_BYTES_MAX);
  for (;;) {
    const size = nextRequest(message);
    if (size === undefined) return;
    const request = decodeRequest(message.subarray(0, size));
    if (SILENT.has(request.opcode)) continue;
    send(replyTo(request));
  }
}

/** Undefined when it was unmounted. */
function nextRequest(message: Buffer): number | undefined {
  for (;;) {
    try {
      return readSync(device, message);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENODEV') return undefined;
      // A signal, or the request was interrupted while it was read.
      if (code !== 'EINTR' && code !== 'ENOENT') throw error;
    }
  }
}

function send(reply: Buffer): void {
  try {
    writeSync(device, reply);
  } catch (error) {
    // Whoever asked was killed meanwhile.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

function replyTo(request: Request): Buffer {
  try {
    return sealReply(answer(request), request.unique);
  } catch (error) {
    if (error instanceof RefusedRequest) return errorReply(request.unique, error.code);
    throw error;
  }
}

function answer({ opcode, node, body }: Request): Buffer {
  switch (opcode) {
    case OPCODE.init:
      return initReply();
    case OPCODE.lookup:
      return entryReply(files.lookup(node, nameAt(body, 0)));
    case OPCODE.getattr:
      return attributesReply(files.attributes(node));
    case OPCODE.setattr:
      return setAttributes(node, body);
    case OPCODE.mkdir: {
      const mode = DIRECTORY_MODE | (body.readUInt32LE(0) & 0o7777);
      return entryReply(files.make(node, nameAt(body, 8), mode));
    }
    case OPCODE.create: {
      const mode = FILE_MODE | (body.readUInt32LE(4) & 0o7777);
      const made = files.make(node, nameAt(body, 16), mode);
      return createReply(made, files.open(made.node, body.readUInt32LE(0)));
    }
    case OPCODE.unlink:
    case OPCODE.rmdir:
      files.remove(node, nameAt(body, 0));
      return emptyReply();
    case OPCODE.rename:
      return rename(node, body, 8, 0);
    case OPCODE.rename2:
      return rename(node, body, 16, body.readUInt32LE(8));
    case OPCODE.open:
    case OPCODE.opendir:
      return openReply(files.open(node, body.readUInt32LE(0)));
    case OPCODE.release:
    case OPCODE.releasedir:
      files.release(u64(body, 0));
      return emptyReply();
    case OPCODE.read: {
      const reply = emptyReply(body.readUInt32LE(16));
      const size = files.read(node, u64(body, 8), reply.subarray(OUT_HEADER_BYTES));
      return reply.subarray(0, OUT_HEADER_BYTES + size);
    }
    case OPCODE.readdir:
      return directoryReply(files.list(node), u64(body, 8), body.readUInt32LE(16));
    case OPCODE.write:
      return write(node, body);
    case OPCODE.fallocate:
      files.allocate(node, u64(body, 8), u64(body, 16), body.readUInt32LE(24));
      return emptyReply();
    case OPCODE.fsync:
      files.sync(node, u64(body, 0));
      return emptyReply();
    case OPCODE.fsyncdir:
      files.syncDirectory(node);
      return emptyReply();
    case OPCODE.flush:
      return emptyReply();
    case OPCODE.statfs:
      return statfsReply();
    default:
      throw new RefusedRequest('ENOSYS');
  }
}

function setAttributes(node: number, body: Buffer): Buffer {
  const valid = body.readUInt32LE(0);
  if ((valid & SETATTR_SIZE) !== 0) files.truncate(node, u64(body, 16));
  if ((valid & SETATTR_MODE) !== 0) files.setMode(node, body.readUInt32LE(68));
  return attributesReply(files.attributes(node));
}

function write(node: number, body: Buffer): Buffer {
  const size = body.readUInt32LE(16);
  // A page of a mapping carries the number of some open file, which did not write it.
  const isMapped = (body.readUInt32LE(20) & 1) !== 0;
  files.write(node, isMapped ? 0 : u64(body, 0), u64(body, 8), body.subarray(40, 40 + size));
  return writeReply(size);
}

function rename(node: number, body: Buffer, namesAt: number, flags: number): Buffer {
  const [name = '', newName = ''] = namesFrom(body, namesAt);
  files.rename(node, name, u64(body, 0), newName, flags);
  return emptyReply();
}

function nameAt(body: Buffer, offset: number): string {
  return namesFrom(body, offset)[0] ?? '';
}
