/**
 * The content of a file as 4 KiB pages, absent where it is zeros. Pages are never changed in place,
 * so a copy shares them: a crash state costs what it differs in. Data that is written is kept, not
 * copied.
 */
import { ftruncateSync, writevSync } from 'node:fs';

const PAGE_BYTES = 4_096;
/** At most this many buffers in one writev(2). */
const VECTOR_MAX = 1_024;
const ZEROS = Buffer.alloc(PAGE_BYTES);

export class PagedFile {
  private constructor(
    private readonly pages: Map<number, Uint8Array>,
    private bytes: number,
  ) {}

  static empty(): PagedFile {
    return new PagedFile(new Map(), 0);
  }

  copy(): PagedFile {
    return new PagedFile(new Map(this.pages), this.bytes);
  }

  get size(): number {
    return this.bytes;
  }

  write(offset: number, data: Uint8Array): void {
    this.bytes = Math.max(this.bytes, offset + data.length);
    for (let done = 0; done < data.length; ) {
      const { page, start, length } = place(offset + done, data.length - done);
      const part = data.subarray(done, done + length);
      if (length < PAGE_BYTES) this.writable(page).set(part, start);
      else if (ZEROS.equals(part)) this.pages.delete(page);
      else this.pages.set(page, part);
      done += length;
    }
  }

  /** Makes a range inside the file zeros. */
  zero(offset: number, size: number): void {
    for (let done = 0; done < size; ) {
      const { page, start, length } = place(offset + done, size - done);
      if (length === PAGE_BYTES) this.pages.delete(page);
      else if (this.pages.has(page)) this.writable(page).fill(0, start, start + length);
      done += length;
    }
  }

  truncate(size: number): void {
    if (size < this.bytes) {
      const last = Math.ceil(size / PAGE_BYTES);
      for (const page of this.pages.keys()) if (page >= last) this.pages.delete(page);
      if (size % PAGE_BYTES !== 0) this.zero(size, PAGE_BYTES - (size % PAGE_BYTES));
    }
    this.bytes = size;
  }

  /** All bytes; for small files. */
  content(): Buffer {
    const result = Buffer.alloc(Math.ceil(this.bytes / PAGE_BYTES) * PAGE_BYTES);
    for (const [page, data] of this.pages) result.set(data, page * PAGE_BYTES);
    return result.subarray(0, this.bytes);
  }

  /** Writes the file to an empty one on the host, with its holes. */
  writeTo(descriptor: number): void {
    const pages = [...this.pages].sort(([left], [right]) => left - right);
    for (let first = 0; first < pages.length; ) {
      const start = (pages[first] as [number, Uint8Array])[0];
      const run: Uint8Array[] = [];
      while (run.length < VECTOR_MAX && pages[first + run.length]?.[0] === start + run.length) {
        run.push((pages[first + run.length] as [number, Uint8Array])[1]);
      }
      const written = writevSync(descriptor, run, start * PAGE_BYTES);
      if (written !== run.length * PAGE_BYTES) throw new Error('the disk of the test is full');
      first += run.length;
    }
    ftruncateSync(descriptor, this.bytes);
  }

  private writable(page: number): Uint8Array {
    const fresh = new Uint8Array(PAGE_BYTES);
    const old = this.pages.get(page);
    if (old !== undefined) fresh.set(old);
    this.pages.set(page, fresh);
    return fresh;
  }
}

function place(position: number, left: number) {
  const start = position % PAGE_BYTES;
  const page = (position - start) / PAGE_BYTES;
  return { page, start, length: Math.min(left, PAGE_BYTES - start) };
}
