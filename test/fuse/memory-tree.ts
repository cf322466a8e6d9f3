/**
 * A small file tree in memory for tests of transports: sparse files, directories, and a record of
 * the calls it got. A name beginning with a dot is refused, as the array's tree does.
 */
import { systemClock } from '../../src/base/clock.js';
import { ArrayError } from '../../src/base/errors.js';
import type {
  Answer,
  AttributeChanges,
  Attributes,
  DirectoryEntry,
  FileTree,
  OpenFile,
  OpenFlags,
  TreeNode,
  TreeStatistics,
} from '../../src/fuse/file-tree.js';

const PAGE_BYTES = 4096;

export class MemoryNode implements TreeNode {
  readonly children = new Map<string, MemoryNode>();
  readonly pages = new Map<number, Buffer>();
  sizeBytes = 0;
  mode: number;
  uid = process.getuid?.() ?? 0;
  gid = process.getgid?.() ?? 0;
  accessedMs = systemClock.nowMs();
  modifiedMs = systemClock.nowMs();
  removed = false;

  constructor(
    readonly ino: number,
    readonly isDirectory: boolean,
    mode: number,
  ) {
    this.mode = (isDirectory ? 0o40000 : 0o100000) | mode;
  }

  resize(sizeBytes: number): void {
    for (const [index, page] of this.pages) {
      if (index * PAGE_BYTES >= sizeBytes) this.pages.delete(index);
      else page.fill(0, Math.max(0, Math.min(PAGE_BYTES, sizeBytes - index * PAGE_BYTES)));
    }
    this.sizeBytes = sizeBytes;
  }

  read(offset: number, target: Uint8Array): number {
    const length = Math.max(0, Math.min(target.length, this.sizeBytes - offset));
    for (let done = 0; done < length; ) {
      const inPage = (offset + done) % PAGE_BYTES;
      const part = Math.min(length - done, PAGE_BYTES - inPage);
      const page = this.pages.get(Math.floor((offset + done) / PAGE_BYTES));
      if (page) target.set(page.subarray(inPage, inPage + part), done);
      else target.fill(0, done, done + part);
      done += part;
    }
    return length;
  }

  write(offset: number, data: Uint8Array): number {
    for (let done = 0; done < data.length; ) {
      const index = Math.floor((offset + done) / PAGE_BYTES);
      const inPage = (offset + done) % PAGE_BYTES;
      const part = Math.min(data.length - done, PAGE_BYTES - inPage);
      const page = this.pages.get(index) ?? Buffer.alloc(PAGE_BYTES);
      page.set(data.subarray(done, done + part), inPage);
      this.pages.set(index, page);
      done += part;
    }
    this.sizeBytes = Math.max(this.sizeBytes, offset + data.length);
    return data.length;
  }
}

export class MemoryTree implements FileTree {
  private nextIno = 2;
  readonly root = new MemoryNode(1, true, 0o755);
  /** `open r-t`, `sync`, `remove NAME`, ... in order. */
  readonly calls: string[] = [];
  /** Answers come in a later turn of the event loop. */
  slow = false;
  /** Thrown by the next write, once. */
  nextWriteError: Error | undefined;

  add(parent: MemoryNode, name: string, isDirectory: boolean, mode: number): MemoryNode {
    if (name.startsWith('.')) throw new ArrayError('EINVAL', `'${name}' is not a name`);
    if (parent.children.has(name)) throw new ArrayError('EEXIST', `${name} exists`);
    const node = new MemoryNode(this.nextIno, isDirectory, mode);
    this.nextIno += 1;
    parent.children.set(name, node);
    return node;
  }

  lookup(parent: TreeNode, name: string): MemoryNode {
    if (!parent.isDirectory) throw new ArrayError('ENOTDIR', 'not a directory');
    const node = (parent as MemoryNode).children.get(name);
    if (node === undefined) throw new ArrayError('ENOENT', `there is no ${name}`);
    return node;
  }

  attributes(node: TreeNode): Answer<Attributes> {
    const it = node as MemoryNode;
    return this.later({
      ino: it.ino,
      mode: it.mode,
      linkCount: it.removed ? 0 : 1,
      uid: it.uid,
      gid: it.gid,
      sizeBytes: it.sizeBytes,
      sectorsAllocated: it.pages.size * (PAGE_BYTES / 512),
      accessedMs: it.accessedMs,
      modifiedMs: it.modifiedMs,
      changedMs: it.modifiedMs,
    });
  }

  setAttributes(
    node: TreeNode,
    changes: AttributeChanges,
    file: OpenFile | undefined,
  ): Answer<Attributes> {
    const it = node as MemoryNode;
    this.calls.push(`change ${JSON.stringify(changes)}${file ? ' by file' : ''}`);
    if (changes.sizeBytes !== undefined) it.resize(changes.sizeBytes);
    if (changes.mode !== undefined) it.mode = (it.mode & 0o170000) | changes.mode;
    it.uid = changes.uid ?? it.uid;
    it.gid = changes.gid ?? it.gid;
    it.accessedMs = changes.accessedMs ?? it.accessedMs;
    it.modifiedMs = changes.modifiedMs ?? it.modifiedMs;
    return this.attributes(it);
  }

  list(directory: TreeNode): readonly DirectoryEntry[] {
    return [...(directory as MemoryNode).children].map(([name, node]) => ({ name, node }));
  }

  open(node: TreeNode, flags: OpenFlags): Answer<OpenFile> {
    const letters = `${flags.read ? 'r' : '-'}${flags.write ? 'w' : '-'}${flags.truncate ? 't' : '-'}`;
    this.calls.push(`open ${letters}`);
    if (flags.truncate) (node as MemoryNode).resize(0);
    return this.later(this.fileOf(node as MemoryNode));
  }

  create(parent: TreeNode, name: string, mode: number) {
    const node = this.add(parent as MemoryNode, name, false, mode);
    this.calls.push(`create ${name}`);
    return this.later({ node, file: this.fileOf(node) });
  }

  remove(parent: TreeNode, name: string): Answer<void> {
    const node = this.lookup(parent, name);
    this.calls.push(`remove ${name}`);
    node.removed = true;
    (parent as MemoryNode).children.delete(name);
    return this.later(undefined);
  }

  removeDirectory(parent: TreeNode, name: string): void {
    if (this.lookup(parent, name).children.size > 0) throw new ArrayError('EBUSY', 'not empty');
    (parent as MemoryNode).children.delete(name);
  }

  makeDirectory(parent: TreeNode, name: string, mode: number): TreeNode {
    return this.add(parent as MemoryNode, name, true, mode);
  }

  rename(parent: TreeNode, name: string, newParent: TreeNode, newName: string): void {
    const node = this.lookup(parent, name);
    this.calls.push(`rename ${name} ${newName}`);
    if (newName.startsWith('.')) throw new ArrayError('EINVAL', `'${newName}' is not a name`);
    const target = newParent as MemoryNode;
    if (target.children.has(newName)) throw new ArrayError('EEXIST', `${newName} exists`);
    (parent as MemoryNode).children.delete(name);
    target.children.set(newName, node);
  }

  statistics(): TreeStatistics {
    return {
      totalBytes: 40 * 2 ** 40,
      freeBytes: 30 * 2 ** 40,
      files: 100,
      filesFree: 40,
      nameCharactersMax: 64,
    };
  }

  private fileOf(node: MemoryNode): OpenFile {
    return {
      node,
      read: (offset, target) => {
        if (!this.slow) return node.read(offset, target);
        return Promise.resolve().then(() => node.read(offset, target));
      },
      write: (offset, data) => {
        const error = this.nextWriteError;
        this.nextWriteError = undefined;
        if (error) throw error;
        return this.later(node.write(offset, data));
      },
      flush: () => {
        this.calls.push('flush');
      },
      sync: () => {
        this.calls.push('sync');
      },
      close: () => {
        this.calls.push('close');
      },
    };
  }

  private later<T>(value: T): Answer<T> {
    return this.slow ? systemClock.yield().then(() => value) : value;
  }
}
