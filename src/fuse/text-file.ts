/**
 * Open files whose content is a text that the array makes. Many programs take the size that stat tells
 * and read so much, no more: what a reader is shown is never longer than what was told to it. The host does
 * not say through which descriptor it asks, so the size of a file is that of the longest text
 * which a reader of it may still want.
 */
import { ArrayError } from '../base/errors.js';
import type { OpenFile, TreeNode } from './file-tree.js';

/** One open of a text. */
export interface TextReader {
  /** Of what its next read from the start shows, if that is fixed; it is from now on where it is new. */
  promisedBytes(): number;
}

/** Who has texts open, by the inode numbers of their files. */
export class TextReaders {
  private readonly byInode = new Map<number, Set<TextReader>>();

  add(ino: number, reader: TextReader): void {
    const readers = this.byInode.get(ino) ?? new Set();
    this.byInode.set(ino, readers.add(reader));
  }

  remove(ino: number, reader: TextReader): void {
    const readers = this.byInode.get(ino);
    readers?.delete(reader);
    if (readers?.size === 0) this.byInode.delete(ino);
  }

  /** What is told as the size of a text that has `currentBytes` now. */
  sizeBytes(ino: number, currentBytes: number): number {
    let sizeBytes = currentBytes;
    for (const reader of this.byInode.get(ino) ?? []) {
      sizeBytes = Math.max(sizeBytes, reader.promisedBytes());
    }
    return sizeBytes;
  }
}

/** An open text: `text` gives what is read from `offset` on. */
export abstract class OpenText implements OpenFile, TextReader {
  constructor(
    readonly node: TreeNode,
    private readonly readers: TextReaders,
  ) {
    readers.add(node.ino, this);
  }

  abstract promisedBytes(): number;
  protected abstract text(offset: number): Uint8Array;

  read(offset: number, target: Uint8Array): number {
    return copyFrom(this.text(offset), offset, target);
  }

  write(_offset: number, _data: Uint8Array): number | Promise<number> {
    throw new ArrayError('EBADF', 'the file is read-only');
  }

  flush(): void | Promise<void> {}
  sync(): void {}

  close(): void {
    this.readers.remove(this.node.ino, this);
  }
}

/** Its content was made when it was opened, so that a read in pieces is consistent. */
export class TextFile extends OpenText {
  constructor(
    node: TreeNode,
    readers: TextReaders,
    private readonly content: Uint8Array,
  ) {
    super(node, readers);
  }

  promisedBytes(): number {
    return this.content.length;
  }

  protected text(): Uint8Array {
    return this.content;
  }
}

/** Copies from `offset` of `content` into `target`; returns the bytes copied. */
export function copyFrom(content: Uint8Array, offset: number, target: Uint8Array): number {
  const part = content.subarray(offset, offset + target.length);
  target.set(part);
  return part.length;
}
