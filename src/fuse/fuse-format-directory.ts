/**
 * The FUSE kernel protocol, part 4: directory listings. A record is padded with zeros to 8 bytes:
 *
 *   READDIR      0 u64 ino   8 u64 cookie of the next entry   16 u32 name length   20 u32 type   24 name
 *   READDIRPLUS  0 entry (128 bytes), then the same
 *
 * An empty listing is the end; a record that does not fit comes with the next request.
 */
import type { DirectoryEntry } from './file-tree.js';
import { REPLY_HEADER_BYTES } from './fuse-format.js';
import { ENTRY_BYTES, type NodeAttributes, writeEntry, writeU64 } from './fuse-format-replies.js';

const DIRENT_BYTES = 24;
/** mode >> 12, as in d_type of readdir(3). */
const TYPE_DIRECTORY = 4;
const TYPE_FILE = 8;

/** How long the attributes of a listing hold. */
const ATTRIBUTES_SECONDS = 1;

/** Packs entries into one frame until it is full. */
export class DirectoryPacker {
  private readonly frame: Buffer;
  private end = REPLY_HEADER_BYTES;

  constructor(sizeBytes: number) {
    this.frame = Buffer.alloc(REPLY_HEADER_BYTES + sizeBytes);
  }

  /** Whether the entry is in the frame now; `nextCookie` names the one after it. */
  add(entry: DirectoryEntry, nextCookie: number): boolean {
    return this.pack(entry, nextCookie, 0) !== undefined;
  }

  /** Whether an entry with attributes would go in. */
  hasRoomPlus(entry: DirectoryEntry): boolean {
    return this.end + recordBytes(entry.name, ENTRY_BYTES) <= this.frame.length;
  }

  /** Without `node` the kernel gets the name alone, and counts no lookup. */
  addPlus(entry: DirectoryEntry, nextCookie: number, node: NodeAttributes | undefined): void {
    const start = this.pack(entry, nextCookie, ENTRY_BYTES);
    if (start === undefined || node === undefined) return;
    writeEntry(this.frame, start, node, entry.node.isVolatile ? 0 : ATTRIBUTES_SECONDS);
  }

  finish(): Buffer {
    return this.frame.subarray(0, this.end);
  }

  /** Where the record begins. */
  private pack(entry: DirectoryEntry, nextCookie: number, before: number): number | undefined {
    const start = this.end;
    const size = recordBytes(entry.name, before);
    if (start + size > this.frame.length) return undefined;
    const record = start + before;
    writeU64(this.frame, record, entry.node.ino);
    writeU64(this.frame, record + 8, nextCookie);
    const nameBytes = this.frame.write(entry.name, record + DIRENT_BYTES);
    this.frame.writeUInt32LE(nameBytes, record + 16);
    this.frame.writeUInt32LE(entry.node.isDirectory ? TYPE_DIRECTORY : TYPE_FILE, record + 20);
    this.end = start + size;
    return start;
  }
}

function recordBytes(name: string, before: number): number {
  return before + Math.ceil((DIRENT_BYTES + Buffer.byteLength(name)) / 8) * 8;
}
