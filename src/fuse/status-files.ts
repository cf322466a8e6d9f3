/**
 * What the array tells about itself: /status and /events. Tables are rendered when they are opened;
 * /events is the array's own growing text, so that `tail -f` and poll(2) see it grow.
 */
import type { DiskArray, EventText } from '../array/disk-array.js';
import { ArrayError } from '../base/errors.js';
import { STATUS_TABLES } from '../control/status-tables.js';
import type { AttributeChanges, Attributes, OpenFile, OpenFlags } from './file-tree.js';
import { FixedDirectory } from './fixed-directory.js';
import { TextFile, TextReaders } from './text-file.js';
import {
  type ArrayNode,
  FIXED_INODES,
  type FileNode,
  inodeOf,
  lastEventMs,
  virtualAttributes,
} from './tree-nodes.js';

const ADVICE = 'the array makes them';

/** A file that is only read; who opens it for writing gets EACCES even as root. */
export abstract class ReadOnlyFile implements FileNode {
  readonly isDirectory = false;
  readonly isVolatile = true;

  constructor(
    protected readonly array: DiskArray,
    readonly ino: number,
  ) {}

  abstract attributes(): Attributes;
  protected abstract openForReading(): OpenFile;

  setAttributes(_changes: AttributeChanges): void {
    throw new ArrayError('EPERM', 'the file is made by the array');
  }

  open(flags: OpenFlags): OpenFile {
    if (flags.write) throw new ArrayError('EACCES', 'the file is made by the array');
    return this.openForReading();
  }

  protected attributesOf(sizeBytes: number, modifiedMs: number): Attributes {
    return virtualAttributes(this.array, this.ino, 0o444, sizeBytes, modifiedMs);
  }
}

/** A text that is made from the array's state, and only again when that has changed. */
export class RenderedFile extends ReadOnlyFile {
  private readonly readers = new TextReaders();
  private rendered: { readonly revision: number; readonly content: Uint8Array } | undefined;

  constructor(
    array: DiskArray,
    ino: number,
    private readonly render: (array: DiskArray) => string,
    private readonly isLive = false,
  ) {
    super(array, ino);
  }

  attributes(): Attributes {
    const sizeBytes = this.readers.sizeBytes(this.ino, this.content().length);
    return this.attributesOf(sizeBytes, lastEventMs(this.array));
  }

  protected openForReading(): OpenFile {
    return new TextFile(this, this.readers, this.content());
  }

  private content(): Uint8Array {
    const { revision } = this.array;
    if (this.isLive || this.rendered?.revision !== revision) {
      this.rendered = { revision, content: Buffer.from(this.render(this.array)) };
    }
    return this.rendered.content;
  }
}

/** /status: each table and its JSON twin. */
export function statusDirectory(array: DiskArray): FixedDirectory {
  const entries = new Map<string, ArrayNode>();
  STATUS_TABLES.forEach((table, index) => {
    const textInode = inodeOf('status', 2 * index);
    const jsonInode = inodeOf('status', 2 * index + 1);
    entries.set(table.name, new RenderedFile(array, textInode, table.text, table.isLive));
    entries.set(`${table.name}.json`, new RenderedFile(array, jsonInode, table.json, table.isLive));
  });
  return new FixedDirectory(array, FIXED_INODES.status, ADVICE, entries);
}

/** /events. */
export class EventsFile extends ReadOnlyFile {
  constructor(array: DiskArray) {
    super(array, FIXED_INODES.events);
  }

  attributes(): Attributes {
    return this.attributesOf(this.array.events.sizeBytes, lastEventMs(this.array));
  }

  protected openForReading(): OpenFile {
    return new OpenEvents(this, this.array.events);
  }
}

/** One reader of the history. It has something to read while there is more than it has read. */
class OpenEvents implements OpenFile {
  /** Up to where it has read; a read at the end counts too. */
  private readBytes = 0;

  constructor(
    readonly node: EventsFile,
    private readonly events: EventText,
  ) {}

  read(offset: number, target: Uint8Array): number {
    const filled = this.events.read(offset, target);
    const end = Math.min(offset + filled, this.events.sizeBytes);
    this.readBytes = Math.max(this.readBytes, end);
    return filled;
  }

  isReadable(): boolean {
    return this.events.sizeBytes > this.readBytes;
  }

  write(): number {
    throw new ArrayError('EBADF', 'the file is read-only');
  }

  flush(): void {}
  sync(): void {}
  close(): void {}
}
