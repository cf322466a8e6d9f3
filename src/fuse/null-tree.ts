/**
 * The do-nothing file system: one file whose content is undefined and that swallows writes. What a transport
 * reaches over it is the limit of everything on that transport (scripts/bench).
 */
import { type Clock, systemClock } from '../base/clock.js';
import { ArrayError } from '../base/errors.js';
import type {
  AttributeChanges,
  Attributes,
  DirectoryEntry,
  FileTree,
  OpenFile,
  TreeNode,
  TreeStatistics,
} from './file-tree.js';

export const NULL_IMAGE_NAME = 'image';

const ROOT: TreeNode = { ino: 1, isDirectory: true };
const IMAGE: TreeNode = { ino: 2, isDirectory: false };

export class NullTree implements FileTree {
  readonly root = ROOT;
  private readonly madeMs: number;
  private readonly file: OpenFile;

  constructor(
    private readonly imageBytes: number,
    clock: Clock = systemClock,
  ) {
    this.madeMs = clock.nowMs();
    this.file = new NullFile(imageBytes);
  }

  lookup(parent: TreeNode, name: string): TreeNode {
    if (!parent.isDirectory) throw new ArrayError('ENOTDIR', 'not a directory');
    if (name !== NULL_IMAGE_NAME) throw new ArrayError('ENOENT', `there is no ${name}`);
    return IMAGE;
  }

  attributes(node: TreeNode): Attributes {
    return {
      ino: node.ino,
      mode: node.isDirectory ? 0o40700 : 0o100600,
      linkCount: node.isDirectory ? 2 : 1,
      uid: process.getuid?.() ?? 0,
      gid: process.getgid?.() ?? 0,
      sizeBytes: node.isDirectory ? 0 : this.imageBytes,
      sectorsAllocated: 0,
      accessedMs: this.madeMs,
      modifiedMs: this.madeMs,
      changedMs: this.madeMs,
    };
  }

  setAttributes(node: TreeNode, _changes: AttributeChanges): Attributes {
    return this.attributes(node);
  }

  list(): readonly DirectoryEntry[] {
    return [{ name: NULL_IMAGE_NAME, node: IMAGE }];
  }

  open(): OpenFile {
    return this.file;
  }

  create(): never {
    throw fixed();
  }

  remove(): never {
    throw fixed();
  }

  removeDirectory(): never {
    throw fixed();
  }

  makeDirectory(): never {
    throw fixed();
  }

  rename(): never {
    throw fixed();
  }

  statistics(): TreeStatistics {
    return {
      totalBytes: this.imageBytes,
      freeBytes: this.imageBytes,
      files: 1,
      filesFree: 0,
      nameCharactersMax: 255,
    };
  }
}

function fixed(): ArrayError {
  return new ArrayError('EPERM', 'the do-nothing file system has one file');
}

class NullFile implements OpenFile {
  readonly node = IMAGE;

  constructor(private readonly imageBytes: number) {}

  /** Leaves the target as the transport gave it: filling it would be work. */
  read(offset: number, target: Uint8Array): number {
    return Math.max(0, Math.min(target.length, this.imageBytes - offset));
  }

  write(_offset: number, data: Uint8Array): number {
    return data.length;
  }

  flush(): void {}

  sync(): void {}

  close(): void {}
}
