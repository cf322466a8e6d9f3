/**
 * What the array tells about itself: /status, /jobs and /events. Tables and jobs are rendered when
 * they are opened; /events is the array's own growing text, so that `tail -f` sees it grow.
 */
import type { DiskArray, JobView } from '../array/disk-array.js';
import { ArrayError } from '../base/errors.js';
import { jobJson, jobText, STATUS_TABLES } from '../control/status-tables.js';
import type {
  AttributeChanges,
  Attributes,
  DirectoryEntry,
  OpenFile,
  OpenFlags,
} from './file-tree.js';
import { FixedDirectory, ReadOnlyDirectory } from './fixed-directory.js';
import { TextFile } from './text-file.js';
import {
  type ArrayNode,
  FIXED_INODES,
  type FileNode,
  inodeOf,
  lastEventMs,
  virtualAttributes,
} from './tree-nodes.js';

const ADVICE = 'the array makes them';
const JOB_FILE = /^([1-9]\d{0,14})(\.json)?$/;

/** A file that is only read; who opens it for writing gets EACCES even as root. */
abstract class ReadOnlyFile implements FileNode {
  readonly isDirectory = false;

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
  private rendered: { readonly revision: number; readonly content: Uint8Array } | undefined;

  constructor(
    array: DiskArray,
    ino: number,
    private readonly render: (array: DiskArray) => string,
  ) {
    super(array, ino);
  }

  attributes(): Attributes {
    return this.attributesOf(this.content().length, lastEventMs(this.array));
  }

  protected openForReading(): OpenFile {
    return new TextFile(this, this.content());
  }

  private content(): Uint8Array {
    const { revision } = this.array;
    if (this.rendered?.revision !== revision) {
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
    entries.set(table.name, new RenderedFile(array, textInode, table.text));
    entries.set(`${table.name}.json`, new RenderedFile(array, jsonInode, table.json));
  });
  return new FixedDirectory(array, FIXED_INODES.status, ADVICE, entries);
}

/** /jobs: each job and its JSON twin. */
export class JobsDirectory extends ReadOnlyDirectory {
  constructor(array: DiskArray) {
    super(array, FIXED_INODES.jobs, ADVICE);
  }

  lookup(name: string): JobFile | undefined {
    const [, id, json] = JOB_FILE.exec(name) ?? [];
    const job = id === undefined ? undefined : findJob(this.array, Number(id));
    return job && new JobFile(this.array, job, json === undefined ? 'text' : 'json');
  }

  list(): readonly DirectoryEntry[] {
    return this.array.jobs().flatMap((job) => [
      { name: `${job.id}`, node: new JobFile(this.array, job, 'text') },
      { name: `${job.id}.json`, node: new JobFile(this.array, job, 'json') },
    ]);
  }
}

class JobFile extends ReadOnlyFile {
  constructor(
    array: DiskArray,
    private readonly job: JobView,
    private readonly format: 'text' | 'json',
  ) {
    super(array, inodeOf(format === 'text' ? 'jobText' : 'jobJson', job.id));
  }

  attributes(): Attributes {
    return this.attributesOf(this.content().length, this.job.endedMs ?? this.job.startedMs);
  }

  protected openForReading(): OpenFile {
    return new TextFile(this, this.content());
  }

  private content(): Uint8Array {
    const job = findJob(this.array, this.job.id) ?? this.job;
    return Buffer.from(this.format === 'text' ? jobText(job) : jobJson(job));
  }
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
    return {
      node: this,
      read: (offset, target) => this.array.events.read(offset, target),
      write: () => {
        throw new ArrayError('EBADF', 'the file is read-only');
      },
      flush: () => undefined,
      sync: () => undefined,
      close: () => undefined,
    };
  }
}

function findJob(array: DiskArray, id: number): JobView | undefined {
  try {
    return array.job(id);
  } catch (error) {
    if (error instanceof ArrayError && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
