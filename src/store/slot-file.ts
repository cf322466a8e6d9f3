/**
 * The slot file of a pool: slots of 16 KiB, one after the other, without header. Which of them are in
 * use is not in the file (file-blocks.ts). Event loop and writer thread each have it open.
 */
import {
  closeSync,
  existsSync,
  fdatasync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  read,
  readSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { ArrayError } from '../base/errors.js';
import { BLOCK_BYTES } from '../base/sizes.js';
import { DirectFile } from './direct-file.js';

export const SLOT_FILE = 'blocks.dat';

/** Slots that one prefetch reads at most. */
const FETCH_SLOTS = 64;
/** Unit of `blocks` in a file's status. */
const STATUS_BLOCK_BYTES = 512;

/** What blocks in slots are kept on; in tests also memory. */
export interface SlotDevice {
  /** Whole slots the file has. */
  slotCount(): number;
  /** Borrowed until the next read; undefined past the end and where the disk cannot read it. */
  read(slot: number): Uint8Array | undefined;
  /** Fills `target` from byte `start` of `slot` on; false past the end and where the disk cannot. */
  readBytes(slot: number, start: number, target: Uint8Array): boolean;
  /**
   * Writes one or more slots from `slot` on; ENOSPC where the disk is full. `direct`: past the page
   * cache where the file system can; `content` begins at an address for that.
   */
  write(slot: number, content: Uint8Array, direct?: boolean): void;
  /** Makes everything written durable. */
  sync(): void;
  /** The same, off this thread. */
  flush(): Promise<void>;
  truncate(slotCount: number): void;
  /** Reads `count` slots into the page cache, off this thread. */
  fetch(slot: number, count: number): Promise<void>;
  /** Bytes it takes on the host's disk. */
  diskBytes(): number;
  close(): void;
}

/** Makes an empty slot file, durably. */
export function createSlotFile(directory: string): void {
  const file = openSync(join(directory, SLOT_FILE), 'wx', 0o600);
  fsyncSync(file);
  closeSync(file);
  const parent = openSync(dirname(join(directory, SLOT_FILE)), 'r');
  fsyncSync(parent);
  closeSync(parent);
}

export class SlotFile implements SlotDevice {
  private readonly file: number;
  private readonly path: string;
  /** Opened when it is first wanted: readers never do. */
  private direct: DirectFile | undefined;
  private readonly content = Buffer.alloc(BLOCK_BYTES);
  /** Target of all fetches: what they read is not looked at. */
  private waste: Buffer | undefined;

  /** EIO where the file is missing: a pool has lost its blocks. */
  constructor(directory: string, mode: 'r' | 'r+') {
    this.path = join(directory, SLOT_FILE);
    if (!existsSync(this.path)) {
      throw new ArrayError('EIO', `${this.path}, the file of blocks, is missing`);
    }
    this.file = openSync(this.path, mode);
  }

  slotCount(): number {
    return Math.floor(fstatSync(this.file).size / BLOCK_BYTES);
  }

  read(slot: number): Uint8Array | undefined {
    try {
      const count = readSync(this.file, this.content, 0, BLOCK_BYTES, slot * BLOCK_BYTES);
      return count === BLOCK_BYTES ? this.content : undefined;
    } catch (error) {
      // A bad sector is damage of this block alone.
      if ((error as NodeJS.ErrnoException).code === 'EIO') return undefined;
      throw error;
    }
  }

  readBytes(slot: number, start: number, target: Uint8Array): boolean {
    const position = slot * BLOCK_BYTES + start;
    try {
      return readSync(this.file, target, 0, target.length, position) === target.length;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EIO') return false;
      throw error;
    }
  }

  write(slot: number, content: Uint8Array, direct = false): void {
    if (direct) {
      this.direct ??= new DirectFile(this.path);
      if (this.direct.write(slot * BLOCK_BYTES, content)) return;
    }
    let done = 0;
    while (done < content.length) {
      const position = slot * BLOCK_BYTES + done;
      done += writeSync(this.file, content, done, content.length - done, position);
    }
  }

  sync(): void {
    fdatasyncSync(this.file);
  }

  flush(): Promise<void> {
    return new Promise((resolve, reject) => {
      fdatasync(this.file, (error) => (error === null ? resolve() : reject(error)));
    });
  }

  truncate(slotCount: number): void {
    ftruncateSync(this.file, slotCount * BLOCK_BYTES);
  }

  async fetch(slot: number, count: number): Promise<void> {
    this.waste ??= Buffer.alloc(FETCH_SLOTS * BLOCK_BYTES);
    const { file, waste } = this;
    const reads: Promise<void>[] = [];
    for (let first = 0; first < count; first += FETCH_SLOTS) {
      const bytes = Math.min(FETCH_SLOTS, count - first) * BLOCK_BYTES;
      reads.push(
        new Promise((resolve) => {
          // A failure shows in the read that follows.
          read(file, waste, 0, bytes, (slot + first) * BLOCK_BYTES, () => resolve());
        }),
      );
    }
    await Promise.all(reads);
  }

  diskBytes(): number {
    const { size, blocks } = fstatSync(this.file);
    return Math.min(size, blocks * STATUS_BLOCK_BYTES);
  }

  close(): void {
    this.direct?.close();
    closeSync(this.file);
  }
}
