/** Open files by the handle numbers a transport gives to the kernel. */
import { ArrayError } from '../base/errors.js';
import type { OpenFile } from './file-tree.js';

/** fuse-native passes handles as positive 32-bit integers; 0 means none. */
const HANDLE_MAX = 2 ** 31 - 1;

export class OpenFileTable {
  private readonly files = new Map<number, OpenFile>();
  private readonly countByInode = new Map<number, number>();
  private last = 0;

  get size(): number {
    return this.files.size;
  }

  isOpen(ino: number): boolean {
    return this.countByInode.has(ino);
  }

  /** A number that no open file has. */
  add(file: OpenFile): number {
    do {
      this.last = this.last === HANDLE_MAX ? 1 : this.last + 1;
    } while (this.files.has(this.last));
    this.files.set(this.last, file);
    const { ino } = file.node;
    this.countByInode.set(ino, (this.countByInode.get(ino) ?? 0) + 1);
    return this.last;
  }

  /** EBADF where the handle is not open. */
  get(handle: number): OpenFile {
    const file = this.files.get(handle);
    if (file === undefined) throw new ArrayError('EBADF', `file handle ${handle} is not open`);
    return file;
  }

  /** Takes the file out, for the caller to close. */
  remove(handle: number): OpenFile {
    const file = this.get(handle);
    this.files.delete(handle);
    const { ino } = file.node;
    const left = (this.countByInode.get(ino) ?? 1) - 1;
    if (left === 0) this.countByInode.delete(ino);
    else this.countByInode.set(ino, left);
    return file;
  }

  handles(): number[] {
    return [...this.files.keys()];
  }
}
