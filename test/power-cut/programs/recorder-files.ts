/**
 * The files of the recording file system: names in memory, content in one backing file per node.
 * Every change is logged when it has been made. Nodes of removed names stay until the end, as open
 * files and mappings may still use them.
 */
import { constants, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { LogEntry } from './operation-log.js';
import type { Attributes, DirectoryRecord } from './recorder-codec.js';

export const ROOT = 1;

const DIRECTORY_MODE = 0o040000;
const ZEROS = Buffer.alloc(2 ** 20);

/** The errno that answers a request. */
export class RefusedRequest extends Error {
  constructor(readonly code: 'ENOENT' | 'EEXIST' | 'ENOTEMPTY' | 'EINVAL' | 'EBADF' | 'ENOSYS') {
    super(code);
  }
}

interface FileNode {
  readonly node: number;
  mode: number;
  size: number;
  changedMs: number;
  /** Descriptor of the backing file; undefined for a directory. */
  readonly backing: number | undefined;
  /** Of a directory. */
  readonly names: Map<string, number>;
}

interface OpenFile {
  readonly node: number;
  readonly isSynced: boolean;
  /** Written since the last sync through it. */
  isDirty: boolean;
}

export class RecorderFiles {
  private readonly nodes = new Map<number, FileNode>();
  private readonly handles = new Map<number, OpenFile>();
  private nextHandle = 1;

  constructor(
    private readonly backingDirectory: string,
    private readonly log: (entry: LogEntry) => void,
  ) {
    this.addNode(DIRECTORY_MODE | 0o755);
  }

  lookup(parent: number, name: string): Attributes {
    const child = this.node(parent).names.get(name);
    if (child === undefined) throw new RefusedRequest('ENOENT');
    return this.node(child);
  }

  attributes(node: number): Attributes {
    return this.node(node);
  }

  list(node: number): DirectoryRecord[] {
    const own: DirectoryRecord = { node, name: '.', mode: DIRECTORY_MODE };
    const children = [...this.node(node).names].map(([name, child]) => {
      return { node: child, name, mode: this.node(child).mode };
    });
    return [own, { ...own, name: '..' }, ...children];
  }

  make(parent: number, name: string, mode: number): Attributes {
    const directory = this.node(parent);
    if (directory.names.has(name)) throw new RefusedRequest('EEXIST');
    const made = this.addNode(mode);
    directory.names.set(name, made.node);
    const { node } = made;
    this.log({ kind: 'create', parent, name, node, isDirectory: made.backing === undefined });
    return made;
  }

  remove(parent: number, name: string): void {
    const { node } = this.lookup(parent, name);
    if (this.node(node).names.size > 0) throw new RefusedRequest('ENOTEMPTY');
    this.node(parent).names.delete(name);
    this.log({ kind: 'remove', parent, name });
  }

  rename(parent: number, name: string, newParent: number, newName: string, flags: number): void {
    const { node } = this.lookup(parent, name);
    const noReplace = 1;
    if ((flags & ~noReplace) !== 0) throw new RefusedRequest('EINVAL');
    const isTaken = this.node(newParent).names.has(newName);
    if (isTaken && flags === noReplace) throw new RefusedRequest('EEXIST');
    this.node(parent).names.delete(name);
    this.node(newParent).names.set(newName, node);
    this.log({ kind: 'rename', parent, name, newParent, newName });
  }

  open(node: number, flags: number): number {
    const handle = this.nextHandle;
    this.nextHandle += 1;
    const isSynced = (flags & constants.O_DSYNC) !== 0;
    this.handles.set(handle, { node, isSynced, isDirty: false });
    return handle;
  }

  release(handle: number): void {
    this.handles.delete(handle);
  }

  /** Returns the bytes filled; fewer only at the end of the file. */
  read(node: number, offset: number, target: Uint8Array): number {
    const file = this.node(node);
    const wanted = Math.max(0, Math.min(target.length, file.size - offset));
    let done = 0;
    while (done < wanted) {
      done += readSync(this.backing(file), target, done, wanted - done, offset + done);
    }
    return done;
  }

  write(node: number, handle: number, offset: number, data: Uint8Array): void {
    const file = this.node(node);
    this.put(file, offset, data);
    file.size = Math.max(file.size, offset + data.length);
    file.changedMs = Date.now();
    const open = this.handles.get(handle);
    if (open !== undefined) open.isDirty = true;
    this.log({ kind: 'write', node, handle, offset, data });
  }

  truncate(node: number, size: number): Attributes {
    const file = this.node(node);
    ftruncateSync(this.backing(file), size);
    file.size = size;
    file.changedMs = Date.now();
    this.log({ kind: 'truncate', node, size });
    return file;
  }

  setMode(node: number, mode: number): Attributes {
    const file = this.node(node);
    file.mode = mode;
    return file;
  }

  /** Bits of `mode` as in fallocate(2): 1 keeps the size, 2 and 16 make zeros. */
  allocate(node: number, offset: number, size: number, mode: number): void {
    const file = this.node(node);
    if ((mode & ~(1 | 2 | 16)) !== 0) throw new RefusedRequest('EINVAL');
    if ((mode & 1) === 0 && offset + size > file.size) this.truncate(node, offset + size);
    if ((mode & (2 | 16)) === 0) return;
    const end = Math.min(offset + size, file.size);
    for (let position = offset; position < end; position += ZEROS.length) {
      this.put(file, position, ZEROS.subarray(0, Math.min(ZEROS.length, end - position)));
    }
    if (end > offset) this.log({ kind: 'zero', node, offset, size: end - offset });
  }

  /**
   * The kernel sends a sync of its own after each write through an O_DSYNC file. It promises only that
   * write; on a disk the rest of the file may stay behind.
   */
  sync(node: number, handle: number): void {
    const open = this.handles.get(handle);
    const isOfWrite = open?.isSynced === true && open.isDirty;
    if (open !== undefined) open.isDirty = false;
    this.log(isOfWrite ? { kind: 'sync', node, handle } : { kind: 'sync', node });
  }

  syncDirectory(node: number): void {
    this.log({ kind: 'syncDirectory', node });
  }

  private addNode(mode: number): FileNode {
    const node = this.nodes.size + ROOT;
    const isDirectory = (mode & 0o170000) === DIRECTORY_MODE;
    const backing = isDirectory
      ? undefined
      : openSync(join(this.backingDirectory, `${node}`), 'w+');
    const made = { node, mode, size: 0, changedMs: Date.now(), backing, names: new Map() };
    this.nodes.set(node, made);
    return made;
  }

  private put(file: FileNode, offset: number, data: Uint8Array): void {
    let done = 0;
    while (done < data.length) {
      done += writeSync(this.backing(file), data, done, data.length - done, offset + done);
    }
  }

  private node(node: number): FileNode {
    const found = this.nodes.get(node);
    if (found === undefined) throw new RefusedRequest('ENOENT');
    return found;
  }

  private backing(file: FileNode): number {
    if (file.backing === undefined) throw new RefusedRequest('EBADF');
    return file.backing;
  }
}
