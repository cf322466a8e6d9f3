/** Directories that the kernel has open, with the listings their readers see. */
import { ArrayError } from '../base/errors.js';
import type { DirectoryEntry } from './file-tree.js';

export class OpenDirectoryTable {
  private readonly listings = new Map<number, readonly DirectoryEntry[]>();
  private last = 0;

  open(): number {
    this.last += 1;
    this.listings.set(this.last, []);
    return this.last;
  }

  set(handle: number, listing: readonly DirectoryEntry[]): void {
    this.get(handle);
    this.listings.set(handle, listing);
  }

  get(handle: number): readonly DirectoryEntry[] {
    const listing = this.listings.get(handle);
    if (listing === undefined) throw new ArrayError('EBADF', `directory ${handle} is not open`);
    return listing;
  }

  close(handle: number): void {
    this.listings.delete(handle);
  }
}
