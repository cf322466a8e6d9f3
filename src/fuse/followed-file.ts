/**
 * A file about something that changes while it is looked at, such as a job: each read from the
 * start makes the text anew, so that a reader follows it without opening the file again. Of a descriptor
 * that has not been read yet the text is fixed already when its size is told.
 */
import type { DiskArray } from '../array/disk-array.js';
import type { Attributes, OpenFile } from './file-tree.js';
import { ReadOnlyFile } from './status-files.js';
import { OpenText, type TextReaders } from './text-file.js';

export abstract class FollowedFile extends ReadOnlyFile {
  /** `readers` are those of all nodes of this inode number: nodes may be fresh objects. */
  constructor(
    array: DiskArray,
    ino: number,
    private readonly readers: TextReaders,
  ) {
    super(array, ino);
  }

  attributes(): Attributes {
    const { length } = this.content();
    return this.attributesOf(this.readers.sizeBytes(this.ino, length), this.modifiedMs());
  }

  /** The text as of now; ENOENT where what it is about is gone. */
  abstract content(): Buffer;
  protected abstract modifiedMs(): number;

  protected openForReading(): OpenFile {
    return new OpenFollowed(this, this.readers);
  }
}

/**
 * One reader. The text is made anew by a read from the start alone, so that reading on in pieces is
 * consistent; it has something to read when it would be another text.
 */
class OpenFollowed extends OpenText {
  private content: Buffer | undefined;
  private wasRead = false;

  constructor(
    override readonly node: FollowedFile,
    readers: TextReaders,
  ) {
    super(node, readers);
  }

  /** Who reads it again and again has its next text made by the read: as of then, not as of somebody's stat. */
  promisedBytes(): number {
    if (this.wasRead) return 0;
    this.content ??= this.node.content();
    return this.content.length;
  }

  protected text(offset: number): Buffer {
    if (this.content === undefined || (offset === 0 && this.wasRead)) {
      this.content = this.node.content();
    }
    this.wasRead = true;
    return this.content;
  }

  isReadable(): boolean {
    return !this.wasRead || this.content === undefined || this.isAnother(this.content);
  }

  /** That it is gone is news, too: a read says so. */
  private isAnother(before: Buffer): boolean {
    try {
      return !before.equals(this.node.content());
    } catch {
      return true;
    }
  }
}
