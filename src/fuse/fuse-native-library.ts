/**
 * Loads the package fuse-native and describes the part of it that is used. Its addon needs
 * libfuse.so.2; where the system has none, the copy that comes with the package is loaded first
 * (native-notes/fuse-native.md).
 */
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { ArrayError } from '../base/errors.js';

const PACKAGE_NAME = 'fuse-native';
/** Of dlfcn.h on Linux; Node has no name for it. */
const RTLD_NODELETE = 0x1000;

/** 0 or a negative errno. */
export type Reply = (errno: number) => void;
/** A count of bytes or a negative errno. */
export type CountReply = (count: number) => void;
export type HandleReply = (errno: number, handle?: number) => void;

export interface FuseStat {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly nlink: number;
  /** Cut to 32 bits by the package. */
  readonly ino: number;
  readonly blksize: number;
  readonly blocks: number;
  /** Milliseconds since 1970, not negative. */
  readonly atime: number;
  readonly mtime: number;
  readonly ctime: number;
}

/** Every number is cut to 32 bits by the package. */
export interface FuseStatfs {
  readonly bsize: number;
  readonly frsize: number;
  readonly blocks: number;
  readonly bfree: number;
  readonly bavail: number;
  readonly files: number;
  readonly ffree: number;
  readonly favail: number;
  readonly namemax: number;
}

/** An operation that is not there answers ENOSYS to the kernel. */
export interface FuseOperations {
  statfs(path: string, reply: (errno: number, statfs?: FuseStatfs) => void): void;
  getattr(path: string, reply: (errno: number, stat?: FuseStat) => void): void;
  readdir(
    path: string,
    reply: (errno: number, names?: readonly string[], stats?: readonly FuseStat[]) => void,
  ): void;
  open(path: string, flags: number, reply: HandleReply): void;
  create(path: string, mode: number, reply: HandleReply): void;
  read(
    path: string,
    handle: number,
    target: Buffer,
    length: number,
    offset: number,
    reply: CountReply,
  ): void;
  write(
    path: string,
    handle: number,
    data: Buffer,
    length: number,
    offset: number,
    reply: CountReply,
  ): void;
  flush(path: string, handle: number, reply: Reply): void;
  fsync(path: string, dataOnly: number, handle: number, reply: Reply): void;
  fsyncdir(path: string, dataOnly: number, handle: number, reply: Reply): void;
  release(path: string, handle: number, reply: Reply): void;
  truncate(path: string, size: number, reply: Reply): void;
  ftruncate(path: string, handle: number, size: number, reply: Reply): void;
  utimens(path: string, accessedMs: number, modifiedMs: number, reply: Reply): void;
  chmod(path: string, mode: number, reply: Reply): void;
  chown(path: string, uid: number, gid: number, reply: Reply): void;
  mknod(path: string, mode: number, device: number, reply: Reply): void;
  mkdir(path: string, mode: number, reply: Reply): void;
  rmdir(path: string, reply: Reply): void;
  unlink(path: string, reply: Reply): void;
  rename(source: string, target: string, reply: Reply): void;
  link(source: string, target: string, reply: Reply): void;
  symlink(source: string, target: string, reply: Reply): void;
}

export interface FuseOptions {
  /** Ends up in the mount options as `fsname=...`: more options may follow after a comma. */
  readonly fsname: string;
  readonly timeout: false;
}

/** Called by the addon with its request record, the operation's number and the arguments. */
export type NativeHandler = (
  request: Buffer,
  operation: number,
  ...words: (number | string)[]
) => void;

export interface FuseMount {
  /** By number of the operation; the addon takes them when it mounts. */
  readonly _handlers: (NativeHandler | undefined)[];
  open(done: (error: Error | null | undefined) => void): void;
}

export type FuseConstructor = new (
  mountPoint: string,
  operations: FuseOperations,
  options: FuseOptions,
) => FuseMount;

let loaded: FuseConstructor | undefined;

/** Throws ENODEV with what to do where the addon cannot be loaded on this machine. */
export function loadFuseNative(): FuseConstructor {
  loaded ??= load();
  return loaded;
}

function load(): FuseConstructor {
  const require = createRequire(import.meta.url);
  try {
    return require(PACKAGE_NAME) as FuseConstructor;
  } catch (first) {
    if (process.platform !== 'linux' || !messageOf(first).includes('libfuse'))
      throw unusable(first);
  }
  try {
    keepInMemory(bundledLibrary(require));
    return require(PACKAGE_NAME) as FuseConstructor;
  } catch (second) {
    throw unusable(second);
  }
}

function bundledLibrary(require: NodeJS.Require): string {
  const ofPackage = createRequire(require.resolve(PACKAGE_NAME));
  return (ofPackage('fuse-shared-library') as { lib: string }).lib;
}

/**
 * Loads a plain shared library: Node opens it, finds no addon in it, closes it and throws, and NODELETE
 * keeps it, so that the addon's own need of the same name is satisfied.
 */
function keepInMemory(library: string): void {
  const flags = constants.dlopen.RTLD_NOW | constants.dlopen.RTLD_GLOBAL | RTLD_NODELETE;
  try {
    process.dlopen({ exports: {} }, library, flags);
  } catch (error) {
    if (!messageOf(error).includes('self-register')) throw error;
  }
}

function unusable(error: unknown): ArrayError {
  const line = messageOf(error).split('\n')[0] ?? '';
  const advice = 'run `npm rebuild fuse-native`, or install libfuse2';
  return new ArrayError('ENODEV', `the fuse-native addon does not load here (${line}): ${advice}`);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
