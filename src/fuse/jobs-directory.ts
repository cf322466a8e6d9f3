/** /jobs: each job and its JSON twin. */
import type { DiskArray, JobView } from '../array/disk-array.js';
import { ArrayError } from '../base/errors.js';
import { jobJson, jobText } from '../control/status-tables.js';
import type { Attributes, DirectoryEntry, OpenFile } from './file-tree.js';
import { ReadOnlyDirectory } from './fixed-directory.js';
import { ReadOnlyFile } from './status-files.js';
import { copyFrom } from './text-file.js';
import { FIXED_INODES, inodeOf } from './tree-nodes.js';

const ADVICE = 'the array makes them';
const JOB_FILE = /^([1-9]\d{0,14})(\.json)?$/;

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

  content(): Buffer {
    const job = findJob(this.array, this.job.id) ?? this.job;
    return Buffer.from(this.format === 'text' ? jobText(job) : jobJson(job));
  }

  protected openForReading(): OpenFile {
    return new OpenJob(this);
  }
}

/**
 * One reader of a job. The text is made anew by a read from the start alone, so that reading on in
 * pieces is consistent; it has something to read when it would be another text.
 */
class OpenJob implements OpenFile {
  private content: Buffer | undefined;

  constructor(readonly node: JobFile) {}

  read(offset: number, target: Uint8Array): number {
    if (offset === 0 || this.content === undefined) this.content = this.node.content();
    return copyFrom(this.content, offset, target);
  }

  isReadable(): boolean {
    return this.content === undefined || !this.content.equals(this.node.content());
  }

  write(): number {
    throw new ArrayError('EBADF', 'the file is read-only');
  }

  flush(): void {}
  sync(): void {}
  close(): void {}
}

function findJob(array: DiskArray, id: number): JobView | undefined {
  try {
    return array.job(id);
  } catch (error) {
    if (error instanceof ArrayError && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
