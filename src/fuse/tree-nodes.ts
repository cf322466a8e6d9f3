/**
 * What the nodes of the array's tree have in common. A directory or file answers for itself; the
 * tree (array-tree.ts) only finds out which node is meant. Inode numbers are computed from numbers
 * that are never reused, so a node needs no table and may be a fresh object at every lookup.
 */
import type { CopyView, DiskArray, Owner } from '../array/disk-array.js';
import { ArrayError } from '../base/errors.js';
import { printable } from '../base/names.js';
import { SECTOR_BYTES } from '../base/sizes.js';
import type {
  Answer,
  AttributeChanges,
  Attributes,
  Caller,
  DirectoryEntry,
  OpenFile,
  OpenFlags,
  TreeNode,
} from './file-tree.js';

export interface FileNode extends TreeNode {
  readonly isDirectory: false;
  attributes(caller?: Caller): Attributes;
  setAttributes(changes: AttributeChanges, file: OpenFile | undefined): Answer<void>;
  open(flags: OpenFlags, caller: Caller | undefined): Answer<OpenFile>;
}

export interface DirectoryNode extends TreeNode {
  readonly isDirectory: true;
  attributes(caller?: Caller): Attributes;
  /** Undefined where `name` is not in the directory. */
  lookup(name: string, caller?: Caller): ArrayNode | undefined;
  list(caller?: Caller): readonly DirectoryEntry[];
  /** Makes a file and opens it for reading and writing. */
  create(name: string, mode: number, caller: Caller | undefined): Promise<CreatedFile>;
  remove(name: string): Promise<void>;
  /** Renames inside the directory. */
  rename(name: string, newName: string): Promise<void>;
}

export type ArrayNode = FileNode | DirectoryNode;

export interface CreatedFile {
  readonly node: TreeNode;
  readonly file: OpenFile;
}

/** Fixed directories and files; below every number of `inodeOf`. */
export const FIXED_INODES = {
  root: 1,
  volumes: 2,
  snapshots: 3,
  info: 4,
  jobs: 5,
  ctl: 6,
  status: 7,
  events: 8,
  pairs: 9,
  targets: 10,
} as const;

const INODE_KINDS = {
  image: 1,
  info: 2,
  snapshotDirectory: 3,
  jobText: 4,
  jobJson: 5,
  control: 6,
  status: 7,
  pairText: 8,
  pairJson: 9,
  targetPort: 10,
  targetScsi: 11,
  targetLun: 12,
} as const;
const INODES_PER_NUMBER = 16;

/** The inode of the file of `kind` that belongs to volume, snapshot, job, pair, port or row `number`. */
export function inodeOf(kind: keyof typeof INODE_KINDS, number: number): number {
  return (number + 1) * INODES_PER_NUMBER + INODE_KINDS[kind];
}

const TYPE_FILE = 0o100000;
const TYPE_DIRECTORY = 0o040000;

/** Attributes of a directory: the array's owner, `x` wherever `r`. */
export function directoryAttributes(array: DiskArray, ino: number): Attributes {
  const { mode } = array.defaultOwner;
  return {
    ...virtualAttributes(array, ino, 0, 0, array.mountedMs),
    // One link means "not counted": find(1) then trusts no link count.
    mode: TYPE_DIRECTORY | (mode & 0o777) | ((mode & 0o444) >> 2),
  };
}

/** Attributes of a file that is made from the array's state. */
export function virtualAttributes(
  array: DiskArray,
  ino: number,
  permissionMask: number,
  sizeBytes: number,
  modifiedMs: number,
): Attributes {
  const { uid, gid, mode } = array.defaultOwner;
  return {
    ino,
    mode: TYPE_FILE | (mode & permissionMask),
    linkCount: 1,
    uid,
    gid,
    sizeBytes,
    sectorsAllocated: 0,
    accessedMs: modifiedMs,
    modifiedMs,
    changedMs: modifiedMs,
  };
}

/** Attributes of a file that belongs to a volume or snapshot. */
export function copyAttributes(
  ino: number,
  copy: CopyView,
  file: { permissionMask: number; sizeBytes: number; allocatedBytes: number; linkCount: number },
): Attributes {
  return {
    ino,
    mode: TYPE_FILE | (copy.mode & file.permissionMask),
    linkCount: file.linkCount,
    uid: copy.uid,
    gid: copy.gid,
    sizeBytes: file.sizeBytes,
    sectorsAllocated: Math.ceil(file.allocatedBytes / SECTOR_BYTES),
    accessedMs: copy.accessedMs,
    modifiedMs: copy.modifiedMs,
    changedMs: copy.changedMs,
  };
}

/** When the array's state last changed in a way that /events tells. */
export function lastEventMs(array: DiskArray): number {
  return array.recentEvents(1)[0]?.timeMs ?? array.mountedMs;
}

/** Who owns what `caller` makes; undefined where the transport is not told. */
export function ownerOf(
  array: DiskArray,
  caller: Caller | undefined,
  mode: number,
): Owner | undefined {
  if (caller === undefined) return undefined;
  // Images are private to the mounting user unless mounted otherwise, whatever the umask says.
  return { uid: caller.uid, gid: caller.gid, mode: mode & array.defaultOwner.mode };
}

/** Refuses changes of an array that is mounted read-only. */
export function requireWritable(array: DiskArray): void {
  if (array.readOnly) throw new ArrayError('EROFS', 'the array is mounted read-only');
}

/** The error for a request the tree does not serve; /events tells the user why. */
export function refused(array: DiskArray, subject: string, error: ArrayError): ArrayError {
  array.recordRefusal(printable(subject).slice(0, 64), error);
  return error;
}

/** Why a volume is busy is no affair of an error number: /events tells it. */
export async function tellingWhyBusy(
  array: DiskArray,
  { name }: CopyView,
  work: Promise<unknown>,
): Promise<void> {
  try {
    await work;
  } catch (error) {
    throw error instanceof ArrayError && error.code === 'EBUSY'
      ? refused(array, name, error)
      : error;
  }
}

/** Permission bits, owner and times of a virtual file are the array's; its size has no meaning. */
export function refuseAttributeChange(changes: AttributeChanges): void {
  if (changes.sizeBytes !== undefined) return;
  throw new ArrayError('EPERM', 'only images have an owner, a mode and times of their own');
}
