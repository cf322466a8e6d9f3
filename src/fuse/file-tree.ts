/**
 * The file-tree contract: what a mounted directory is, apart from how requests for it arrive. A
 * transport (fuse-native, later the kernel protocol) turns requests into these calls; an
 * implementation (array-tree, null-tree) answers them. Neither knows the other.
 *
 * Rules for every implementation:
 * - A failed call throws an ArrayError, synchronously or as a rejection; anything else is a bug and
 *   the transport answers EIO and logs it.
 * - A result may be a value or a promise of it. Reads of cached data and cached writes answer at
 *   once; what has to wait (durability, room in the cache) is a promise.
 * - Calls may overlap. Two calls on one file take effect in the order they were made.
 * - Permission bits are checked by the kernel (default_permissions); the tree still refuses what no
 *   mode bit expresses.
 */

export type Answer<T> = T | Promise<T>;

/** Who makes a request; undefined where the transport is not told (fuse-native). */
export interface Caller {
  readonly uid: number;
  readonly gid: number;
  readonly pid: number;
}

/** A file or directory. Two lookups of one thing give the same `ino`; nodes may be fresh objects. */
export interface TreeNode {
  /** Inode number, unique in the tree, never reused while mounted. */
  readonly ino: number;
  readonly isDirectory: boolean;
  /** Its attributes change without a word to the watcher: nobody may keep them. */
  readonly isVolatile?: boolean;
}

export interface Attributes {
  readonly ino: number;
  /** Type and permission bits as in st_mode. */
  readonly mode: number;
  readonly linkCount: number;
  readonly uid: number;
  readonly gid: number;
  readonly sizeBytes: number;
  /** Allocated space in units of 512 bytes, as in st_blocks. */
  readonly sectorsAllocated: number;
  readonly accessedMs: number;
  readonly modifiedMs: number;
  readonly changedMs: number;
}

/** What SETATTR, truncate, chmod, chown and utimens ask for; an absent field stays as it is. */
export interface AttributeChanges {
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly sizeBytes?: number;
  readonly accessedMs?: number;
  readonly modifiedMs?: number;
}

export interface DirectoryEntry {
  readonly name: string;
  readonly node: TreeNode;
}

/** For statfs; sizes in bytes. */
export interface TreeStatistics {
  readonly totalBytes: number;
  readonly freeBytes: number;
  readonly files: number;
  readonly filesFree: number;
  readonly nameCharactersMax: number;
}

export interface OpenFlags {
  readonly read: boolean;
  readonly write: boolean;
  readonly truncate: boolean;
}

/** One open(2) of a file. `close` is the last call, made exactly once. */
export interface OpenFile {
  readonly node: TreeNode;
  /**
   * Fills `target` from `offset`; returns the bytes filled, fewer only at the end of the file. Of a file
   * that `mayWait`, a read ends with EINTR when `interrupted` is aborted; without one, with EBUSY after a while.
   */
  read(offset: number, target: Uint8Array, interrupted?: AbortSignal): Answer<number>;
  /** Writes all of `data` (borrowed until the answer) or throws; returns its length. */
  write(offset: number, data: Uint8Array): Answer<number>;
  /** close(2) of one descriptor of this open; may come several times, also before any write. */
  flush(): Answer<void>;
  /** fsync(2): returns when all that was acknowledged on this file is durable. */
  sync(): Answer<void>;
  close(): Answer<void>;
  /** fallocate(2). A file without it answers EOPNOTSUPP. */
  allocate?(change: RangeChange): Answer<void>;
  /**
   * lseek(2), SEEK_DATA: the first offset from `offset` on that holds data, undefined where none
   * follows. `offset` is inside the file. A file without it is data from end to end.
   */
  seekData?(offset: number): Answer<number | undefined>;
  /** lseek(2), SEEK_HOLE: likewise for a hole; the end of the file counts as one. */
  seekHole?(offset: number): Answer<number>;
  /**
   * copy_file_range(2) into another open file of the tree, which may be this one. Returns the bytes
   * copied, fewer where the rest is left to further calls, 0 at the end of this file. EOPNOTSUPP or
   * EXDEV where it cannot: the kernel then copies by reading and writing, as without this member.
   */
  copyRange?(
    offset: number,
    target: OpenFile,
    targetOffset: number,
    sizeBytes: number,
  ): Answer<number>;
  /** A read waits for something that may take for ever. */
  readonly mayWait?: boolean;
  /** poll(2): a read would give something new now. A file without it is always ready. */
  isReadable?(): boolean;
  /**
   * The host may keep pages of it: the watcher is told of every change of its content that came by no
   * request for it, also of one that came by another name. Without it every read and write comes here.
   */
  readonly mayBeCached?: boolean;
}

/** What fallocate(2) asks for. */
export interface RangeChange {
  /**
   * `reserve` promises that writes find room; `punch` and `zero` make the range read as zeros, `punch`
   * gives its space back and `zero` may keep it.
   */
  readonly kind: 'reserve' | 'punch' | 'zero';
  readonly offset: number;
  readonly sizeBytes: number;
  /** The file keeps its size although the range goes past its end. Always so with `punch`. */
  readonly keepsSize: boolean;
}

/**
 * What a transport wants to be told of changes, after they are made. No call waits for anything. Names
 * need no word: nobody keeps them, or their absence.
 */
export interface TreeWatcher {
  /** The host keeps pages of files that may be cached. */
  readonly keepsPages: boolean;
  /** What stat(2) tells of the node, its size excepted, is not what it was. */
  attributesChanged(node: TreeNode): void;
  /** Content or size of the file, and its attributes, are not what they were. */
  contentChanged(node: TreeNode): void;
  /** Whoever waits in poll(2) for a file of this node asks again. */
  nodeReadable(node: TreeNode): void;
  /**
   * Resolves when the host has taken all that it was told so far; at once where that is nothing. The host
   * may wait with that for answers to requests, those that read or write pages of a changed file: only an
   * answer that no such request can wait for, that of a command, may wait for this.
   */
  delivered(): Promise<void>;
}

export interface FileTree {
  readonly root: TreeNode;
  /** ENOENT where `name` is not in `parent`, or not for this caller; ENOTDIR where `parent` is a file. */
  lookup(parent: TreeNode, name: string, caller?: Caller): TreeNode;
  /** The same for every caller; some others where the transport is never told of one. */
  attributes(node: TreeNode, caller?: Caller): Answer<Attributes>;
  /** `file` is the open file a truncate came through (ftruncate), if the transport knows it. */
  setAttributes(
    node: TreeNode,
    changes: AttributeChanges,
    file: OpenFile | undefined,
    caller: Caller | undefined,
  ): Answer<Attributes>;
  /** All entries for this caller but `.` and `..`, as of this instant. */
  list(directory: TreeNode, caller?: Caller): readonly DirectoryEntry[];
  open(node: TreeNode, flags: OpenFlags, caller: Caller | undefined): Answer<OpenFile>;
  create(
    parent: TreeNode,
    name: string,
    mode: number,
    caller: Caller | undefined,
  ): Answer<{ readonly node: TreeNode; readonly file: OpenFile }>;
  /** unlink(2). Open files of the node go on working. */
  remove(parent: TreeNode, name: string, caller: Caller | undefined): Answer<void>;
  removeDirectory(parent: TreeNode, name: string, caller: Caller | undefined): Answer<void>;
  makeDirectory(
    parent: TreeNode,
    name: string,
    mode: number,
    caller: Caller | undefined,
  ): Answer<TreeNode>;
  rename(
    parent: TreeNode,
    name: string,
    newParent: TreeNode,
    newName: string,
    caller: Caller | undefined,
  ): Answer<void>;
  statistics(): TreeStatistics;
  /**
   * A transport may call it while no request waits: does a short piece of what later requests will
   * need, and never fails. True where more is left.
   */
  workAhead?(): boolean;
  /**
   * Called once, before the first request, by a transport that can pass such changes on. A tree that
   * has it tells of every change but those the host makes itself by a request for the node, those of
   * volatile nodes, those of names, and of the space a file takes: the host may then keep the attributes
   * that a listing told for a second.
   */
  watch?(watcher: TreeWatcher): void;
}
