/**
 * A file about something that changes while it is looked at, such as a job: each read from the
 * start makes the text anew, so that a reader follows it without opening the file again.
 */
import { ArrayError } from '../base/errors.js';
import type { Attributes, OpenFile } from './file-tree.js';
import { ReadOnlyFile } from './status-files.js';
import { copyFrom } from './text-file.js';

export abstract class FollowedFile extends ReadOnlyFile {
  attributes(): Attributes {
    return this.attributesOf(this.content().length, this.modifiedMs());
  }

  /** The text as of now; ENOENT where what it is about is gone. */
  abstract content(): Buffer;
  protected abstract modifiedMs(): number;

  protected openForReading(): OpenFile {
    return new OpenFollowed(this);
  }
}

/**
 * One reader. The text is made anew by a read from the start alone, so that reading on in pieces is
 * consistent; it has something to read when it would be another text.
 */
class OpenFollowed implements OpenFile {
  private content: Buffer | undefined;

  constructor(readonly node: FollowedFile) {}

  read(offset: number, target: Uint8Array): number {
    if (offset === 0 || this.content === undefined) this.content = this.node.content();
    return copyFrom(this.content, offset, target);
  }

  isReadable(): boolean {
    return this.content === undefined || this.isAnother(this.content);
  }

  /** That it is gone is news, too: a read says so. */
  private isAnother(before: Buffer): boolean {
    try {
      return !before.equals(this.node.content());
    } catch {
      return true;
    }
  }

  write(): number {
    throw new ArrayError('EBADF', 'the file is read-only');
  }

  flush(): void {}
  sync(): void {}
  close(): void {}
}
