/**
 * The operations of fuse-native over a file tree. An answer that is there at once is given at once;
 * only what has to wait goes through a promise. The operations left out (xattr, access, opendir)
 * answer ENOSYS, on which the kernel stops asking: no xattr look-up before every write.
 */
import { constants } from 'node:fs';
import { ArrayError, asArrayError, ERROR_TABLE } from '../base/errors.js';
import { nameRemovalUnderWay } from '../host/rename-callers.js';
import type {
  Answer,
  AttributeChanges,
  Attributes,
  FileTree,
  OpenFile,
  OpenFlags,
} from './file-tree.js';
import type { FuseOperations, FuseStat, FuseStatfs, Reply } from './fuse-native-library.js';
import type { FuseNativePaths } from './fuse-native-paths.js';
import type { OpenFileTable } from './open-file-table.js';
import { isSynced, writeSynced } from './synced-write.js';

/** Shown as st_blksize: programs then read and write in the largest request there is. */
const IO_BYTES = 128 * 1024;
const PERMISSION_BITS = 0o7777;
/** chown(2): leave it as it is. */
const UNCHANGED_ID = 0xffff_ffff;
/** What fuse-native can express in statfs. */
const STATFS_COUNT_MAX = 2 ** 32 - 1;

export interface OperationParts {
  readonly tree: FileTree;
  readonly paths: FuseNativePaths;
  readonly files: OpenFileTable;
  /** Requests that have not been answered. */
  readonly pending: { count: number };
  /** Told of exceptions that are no operating errors. */
  readonly onBug: (error: unknown) => void;
}

export function fuseNativeOperations(parts: OperationParts): FuseOperations {
  const { tree, paths, files } = parts;
  /** Opened with O_SYNC or O_DSYNC. */
  const synced = new WeakSet<OpenFile>();

  /** Runs `work` and gives `success` its result or `failure` a negative errno, exactly one of them. */
  function serve<T>(
    work: () => Answer<T>,
    success: (value: T) => void,
    failure: (errno: number) => void,
  ): void {
    parts.pending.count += 1;
    const fail = (error: unknown) => {
      parts.pending.count -= 1;
      if (!(error instanceof ArrayError)) parts.onBug(error);
      failure(-asArrayError(error).errno);
    };
    const succeed = (value: T) => {
      parts.pending.count -= 1;
      success(value);
    };
    let answer: Answer<T>;
    try {
      answer = work();
    } catch (error) {
      fail(error);
      return;
    }
    if (answer instanceof Promise) answer.then(succeed, fail);
    else succeed(answer);
  }

  function run(work: () => Answer<unknown>, reply: Reply): void {
    serve(work, () => reply(0), reply);
  }

  function change(path: string, changes: AttributeChanges, reply: Reply): void {
    run(() => tree.setAttributes(paths.node(path), changes, undefined, undefined), reply);
  }

  function remove(path: string): Answer<void> {
    if (paths.forget(path)) return undefined;
    const { parent, name } = paths.place(path);
    return tree.remove(parent, name, undefined);
  }

  /** libfuse moves an open file out of the way; for the tree it is removed. */
  async function hide(source: string, target: string): Promise<void> {
    const node = paths.node(source);
    const { parent, name } = paths.place(source);
    // rename(2) onto an open file looks the same, and must not destroy it.
    const call = files.isOpen(node.ino) ? nameRemovalUnderWay() : 'unknown';
    if (call === 'rename') throw new ArrayError('EEXIST', `${source} exists and is open`);
    if (call === 'unknown') throw new ArrayError('EBUSY', `${source} is open`);
    await tree.remove(parent, name, undefined);
    paths.hide(node, target);
  }

  function rename(source: string, target: string): Answer<void> {
    if (paths.isHiding(source, target)) return hide(source, target);
    const from = paths.place(source);
    const to = paths.place(target);
    return tree.rename(from.parent, from.name, to.parent, to.name, undefined);
  }

  async function makeFile(path: string, mode: number): Promise<void> {
    const type = mode & constants.S_IFMT;
    if (type !== 0 && type !== constants.S_IFREG) {
      throw new ArrayError('EPERM', 'only regular files can be made');
    }
    const { parent, name } = paths.place(path);
    const { file } = await tree.create(parent, name, mode & PERMISSION_BITS, undefined);
    await file.close();
  }

  return {
    statfs: (_path, reply) =>
      serve(
        () => statfsOf(tree),
        (statfs) => reply(0, statfs),
        reply,
      ),
    getattr: (path, reply) =>
      serve(
        () => tree.attributes(paths.node(path)),
        (attributes) => reply(0, statOf(attributes)),
        reply,
      ),
    readdir: (path, reply) =>
      serve(
        () => tree.list(paths.node(path)),
        (entries) =>
          reply(
            0,
            entries.map((entry) => entry.name),
            entries.map(entryStat),
          ),
        reply,
      ),
    open: (path, flags, reply) =>
      serve(
        () => tree.open(paths.node(path), openFlagsOf(flags), undefined),
        (file) => {
          if (isSynced(flags)) synced.add(file);
          reply(0, files.add(file));
        },
        reply,
      ),
    create(path, mode, reply) {
      const make = () => {
        const { parent, name } = paths.place(path);
        return tree.create(parent, name, mode & PERMISSION_BITS, undefined);
      };
      serve(make, ({ file }) => reply(0, files.add(file)), reply);
    },
    read: (_path, handle, target, _length, offset, reply) =>
      serve(() => files.get(handle).read(offset, target), reply, reply),
    write: (_path, handle, data, _length, offset, reply) =>
      serve(
        () => {
          const file = files.get(handle);
          return synced.has(file) ? writeSynced(file, offset, data) : file.write(offset, data);
        },
        reply,
        reply,
      ),
    flush: (_path, handle, reply) => run(() => files.get(handle).flush(), reply),
    fsync: (_path, _dataOnly, handle, reply) => run(() => files.get(handle).sync(), reply),
    // What changes a directory is durable before it is answered.
    fsyncdir: (_path, _dataOnly, _handle, reply) => reply(0),
    release: (_path, handle, reply) => run(() => files.remove(handle).close(), reply),
    truncate: (path, sizeBytes, reply) => change(path, { sizeBytes }, reply),
    ftruncate(_path, handle, sizeBytes, reply) {
      run(() => {
        const file = files.get(handle);
        return tree.setAttributes(file.node, { sizeBytes }, file, undefined);
      }, reply);
    },
    utimens: (path, accessedMs, modifiedMs, reply) =>
      change(path, { accessedMs, modifiedMs }, reply),
    chmod: (path, mode, reply) => change(path, { mode: mode & PERMISSION_BITS }, reply),
    chown: (path, uid, gid, reply) => change(path, ownerChanges(uid, gid), reply),
    mknod: (path, mode, _device, reply) => run(() => makeFile(path, mode), reply),
    mkdir(path, mode, reply) {
      run(() => {
        const { parent, name } = paths.place(path);
        return tree.makeDirectory(parent, name, mode & PERMISSION_BITS, undefined);
      }, reply);
    },
    rmdir(path, reply) {
      run(() => {
        const { parent, name } = paths.place(path);
        return tree.removeDirectory(parent, name, undefined);
      }, reply);
    },
    unlink: (path, reply) => run(() => remove(path), reply),
    rename: (source, target, reply) => run(() => rename(source, target), reply),
    link: (_source, _target, reply) => reply(-ERROR_TABLE.EPERM.errno),
    symlink: (_source, _target, reply) => reply(-ERROR_TABLE.EPERM.errno),
  };
}

function openFlagsOf(flags: number): OpenFlags {
  const access = flags & (constants.O_WRONLY | constants.O_RDWR);
  return {
    read: access !== constants.O_WRONLY,
    write: access !== constants.O_RDONLY,
    truncate: (flags & constants.O_TRUNC) !== 0,
  };
}

function ownerChanges(uid: number, gid: number): AttributeChanges {
  return {
    ...(uid === UNCHANGED_ID ? {} : { uid }),
    ...(gid === UNCHANGED_ID ? {} : { gid }),
  };
}

function statOf(attributes: Attributes): FuseStat {
  return {
    mode: attributes.mode,
    uid: attributes.uid,
    gid: attributes.gid,
    size: attributes.sizeBytes,
    nlink: attributes.linkCount,
    ino: attributes.ino,
    blksize: IO_BYTES,
    blocks: attributes.sectorsAllocated,
    atime: Math.max(0, attributes.accessedMs),
    mtime: Math.max(0, attributes.modifiedMs),
    ctime: Math.max(0, attributes.changedMs),
  };
}

/** A listing tells inode number and type only. */
function entryStat(entry: { node: { ino: number; isDirectory: boolean } }): FuseStat {
  const mode = entry.node.isDirectory ? constants.S_IFDIR : constants.S_IFREG;
  const { ino } = entry.node;
  return { ...EMPTY_STAT, mode, ino };
}

const EMPTY_STAT: FuseStat = {
  mode: 0,
  uid: 0,
  gid: 0,
  size: 0,
  nlink: 1,
  ino: 0,
  blksize: 0,
  blocks: 0,
  atime: 0,
  mtime: 0,
  ctime: 0,
};

/** Block counts are 32 bits wide, so a large array is counted in larger blocks. */
function statfsOf(tree: FileTree): FuseStatfs {
  const { totalBytes, freeBytes, files, filesFree, nameCharactersMax } = tree.statistics();
  let blockBytes = 4096;
  while (totalBytes / blockBytes > STATFS_COUNT_MAX) blockBytes *= 2;
  const free = Math.floor(freeBytes / blockBytes);
  return {
    bsize: blockBytes,
    frsize: blockBytes,
    blocks: Math.floor(totalBytes / blockBytes),
    bfree: free,
    bavail: free,
    files,
    ffree: filesFree,
    favail: filesFree,
    namemax: nameCharactersMax,
  };
}
