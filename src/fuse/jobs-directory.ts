/** /jobs: each job and its JSON twin. */
import type { DiskArray, JobView } from '../array/disk-array.js';
import { ArrayError } from '../base/errors.js';
import { jobJson, jobText } from '../control/status-tables.js';
import type { DirectoryEntry } from './file-tree.js';
import { ReadOnlyDirectory } from './fixed-directory.js';
import { FollowedFile } from './followed-file.js';
import { TextReaders } from './text-file.js';
import { FIXED_INODES, inodeOf } from './tree-nodes.js';

const ADVICE = 'the array makes them';
const JOB_FILE = /^([1-9]\d{0,14})(\.json)?$/;

export class JobsDirectory extends ReadOnlyDirectory {
  private readonly readers = new TextReaders();

  constructor(array: DiskArray) {
    super(array, FIXED_INODES.jobs, ADVICE);
  }

  lookup(name: string): JobFile | undefined {
    const [, id, json] = JOB_FILE.exec(name) ?? [];
    const job = id === undefined ? undefined : findJob(this.array, Number(id));
    return job && this.file(job, json === undefined ? 'text' : 'json');
  }

  list(): readonly DirectoryEntry[] {
    return this.array.jobs().flatMap((job) => [
      { name: `${job.id}`, node: this.file(job, 'text') },
      { name: `${job.id}.json`, node: this.file(job, 'json') },
    ]);
  }

  private file(job: JobView, format: 'text' | 'json'): JobFile {
    return new JobFile(this.array, this.readers, job, format);
  }
}

class JobFile extends FollowedFile {
  constructor(
    array: DiskArray,
    readers: TextReaders,
    private readonly job: JobView,
    private readonly format: 'text' | 'json',
  ) {
    super(array, inodeOf(format === 'text' ? 'jobText' : 'jobJson', job.id), readers);
  }

  content(): Buffer {
    const job = findJob(this.array, this.job.id) ?? this.job;
    return Buffer.from(this.format === 'text' ? jobText(job) : jobJson(job));
  }

  protected modifiedMs(): number {
    return this.job.endedMs ?? this.job.startedMs;
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
