/** An open file whose content was made when it was opened, so that a read in pieces is consistent. */
import { ArrayError } from '../base/errors.js';
import type { OpenFile, TreeNode } from './file-tree.js';

export class TextFile implements OpenFile {
  constructor(
    readonly node: TreeNode,
    private readonly content: Uint8Array,
  ) {}

  read(offset: number, target: Uint8Array): number {
    return copyFrom(this.content, offset, target);
  }

  write(): number {
    throw new ArrayError('EBADF', 'the file is read-only');
  }

  flush(): void {}
  sync(): void {}
  close(): void {}
}

/** Copies from `offset` of `content` into `target`; returns the bytes copied. */
export function copyFrom(content: Uint8Array, offset: number, target: Uint8Array): number {
  const part = content.subarray(offset, offset + target.length);
  target.set(part);
  return part.length;
}
