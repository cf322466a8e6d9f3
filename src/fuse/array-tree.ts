/**
 * The array as a file tree: /volumes, /snapshots, /info, /pairs, /targets, /jobs, /ctl, /status and /events. Each node
 * answers for itself; here is only the root, the way from a request to its node, and what no
 * directory of the array does.
 */
import type { TargetArray } from '../array/target-contract.js';
import { ArrayError } from '../base/errors.js';
import { NAME_CHARACTERS_MAX, VOLUMES_MAX } from '../base/limits.js';
import { ArrayNotices } from './array-notices.js';
import { controlDirectory } from './control-files.js';
import type {
  Answer,
  AttributeChanges,
  Attributes,
  Caller,
  DirectoryEntry,
  FileTree,
  OpenFile,
  OpenFlags,
  TreeNode,
  TreeStatistics,
  TreeWatcher,
} from './file-tree.js';
import { FixedDirectory } from './fixed-directory.js';
import { InfoDirectory } from './info-files.js';
import { JobsDirectory } from './jobs-directory.js';
import { PairsDirectory } from './pairs-directory.js';
import { SnapshotsDirectory } from './snapshots-directory.js';
import { EventsFile, statusDirectory } from './status-files.js';
import { passedDirectoryAttributes } from './target-attributes.js';
import { TargetsDirectory } from './targets-directory.js';
import {
  type ArrayNode,
  type CreatedFile,
  type DirectoryNode,
  FIXED_INODES,
  type FileNode,
  refused,
} from './tree-nodes.js';
import { VolumesDirectory } from './volumes-directory.js';
import { Watched } from './watched.js';

export class ArrayTree implements FileTree {
  readonly root: DirectoryNode;
  private readonly watched = new Watched();

  constructor(private readonly array: TargetArray) {
    this.root = new RootDirectory(array, this.watched);
  }

  watch(watcher: TreeWatcher): void {
    this.watched.watcher = watcher;
    this.array.watch(new ArrayNotices(watcher));
  }

  workAhead(): boolean {
    return this.array.readAhead.readSlice();
  }

  lookup(parent: TreeNode, name: string, caller?: Caller): TreeNode {
    const node = directoryOf(parent).lookup(name, caller);
    if (node === undefined) throw new ArrayError('ENOENT', `no file ${name}`);
    return node;
  }

  attributes(node: TreeNode, caller?: Caller): Attributes {
    return nodeOf(node).attributes(caller);
  }

  async setAttributes(
    node: TreeNode,
    changes: AttributeChanges,
    file: OpenFile | undefined,
    caller: Caller | undefined,
  ): Promise<Attributes> {
    const target = nodeOf(node);
    if (target.isDirectory) {
      throw new ArrayError('EPERM', 'directories belong to the array');
    }
    await target.setAttributes(changes, file);
    return target.attributes(caller);
  }

  list(directory: TreeNode, caller?: Caller): readonly DirectoryEntry[] {
    return directoryOf(directory).list(caller);
  }

  open(node: TreeNode, flags: OpenFlags, caller: Caller | undefined): Answer<OpenFile> {
    return fileOf(node).open(flags, caller);
  }

  create(
    parent: TreeNode,
    name: string,
    mode: number,
    caller: Caller | undefined,
  ): Promise<CreatedFile> {
    return directoryOf(parent).create(name, mode, caller);
  }

  async remove(parent: TreeNode, name: string, _caller: Caller | undefined): Promise<void> {
    const directory = directoryOf(parent);
    if (directory.lookup(name)?.isDirectory) {
      throw new ArrayError('EISDIR', `${name} is a directory`);
    }
    await directory.remove(name);
  }

  async removeDirectory(
    parent: TreeNode,
    name: string,
    _caller: Caller | undefined,
  ): Promise<void> {
    fileMustNotBe(directoryOf(parent).lookup(name), name);
    const error = new ArrayError('EPERM', 'directories belong to the array, none is removed');
    throw refused(this.array, name, error);
  }

  async makeDirectory(
    _parent: TreeNode,
    name: string,
    _mode: number,
    _caller: Caller | undefined,
  ): Promise<TreeNode> {
    const error = new ArrayError('EPERM', 'directories belong to the array, none is made');
    throw refused(this.array, name, error);
  }

  async rename(
    parent: TreeNode,
    name: string,
    newParent: TreeNode,
    newName: string,
    _caller: Caller | undefined,
  ): Promise<void> {
    const directory = directoryOf(parent);
    if (directory.lookup(name) === undefined) throw new ArrayError('ENOENT', `no file ${name}`);
    if (directory.ino !== newParent.ino) {
      const error = new ArrayError('EPERM', 'nothing moves from one directory to another');
      throw refused(this.array, name, error);
    }
    await directory.rename(name, newName);
  }

  statistics(): TreeStatistics {
    const pools = this.array.pools();
    return {
      totalBytes: pools.reduce((total, pool) => total + pool.capacityBytes, 0),
      freeBytes: pools.reduce((total, pool) => total + pool.freeBytes, 0),
      files: VOLUMES_MAX,
      filesFree: VOLUMES_MAX - this.array.volumes().length,
      // `PRIMARY:SECONDARY.json` in /pairs is the longest name.
      nameCharactersMax: 2 * NAME_CHARACTERS_MAX + 1 + '.json'.length,
    };
  }
}

class RootDirectory extends FixedDirectory {
  constructor(array: TargetArray, watched: Watched) {
    const entries = new Map<string, ArrayNode>([
      ['volumes', new VolumesDirectory(array)],
      ['snapshots', new SnapshotsDirectory(array)],
      ['info', new InfoDirectory(array)],
      ['pairs', new PairsDirectory(array)],
      ['targets', new TargetsDirectory(array, array.targets, watched)],
      ['jobs', new JobsDirectory(array)],
      ['ctl', controlDirectory(array, () => watched.delivered())],
      ['status', statusDirectory(array)],
      ['events', new EventsFile(array)],
    ]);
    super(array, FIXED_INODES.root, 'volumes are made in volumes', entries);
  }

  override attributes(caller?: Caller): Attributes {
    return passedDirectoryAttributes(this.array, this.ino, caller);
  }
}

/** Every node a transport holds came from this tree. */
function nodeOf(node: TreeNode): ArrayNode {
  return node as ArrayNode;
}

function directoryOf(node: TreeNode): DirectoryNode {
  const found = nodeOf(node);
  if (!found.isDirectory) throw new ArrayError('ENOTDIR', 'not a directory');
  return found;
}

function fileOf(node: TreeNode): FileNode {
  const found = nodeOf(node);
  if (found.isDirectory) throw new ArrayError('EISDIR', 'a directory');
  return found;
}

function fileMustNotBe(node: ArrayNode | undefined, name: string): void {
  if (node === undefined) throw new ArrayError('ENOENT', `no directory ${name}`);
  if (!node.isDirectory) throw new ArrayError('ENOTDIR', `${name} is not a directory`);
}
