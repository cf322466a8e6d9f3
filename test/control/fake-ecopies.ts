/** Copies of the in-memory array: jobs that do nothing, and what was asked for. */
import type {
  CopyJob,
  EcopyCommands,
  ImageCopyRequest,
  ListOrigin,
} from '../../src/array/ecopy-contract.js';
import { ArrayError } from '../../src/base/errors.js';

export class FakeEcopies implements EcopyCommands {
  readonly images: ImageCopyRequest[] = [];
  readonly lists: { readonly bytes: Uint8Array; readonly from: ListOrigin }[] = [];

  /** Of the jobs that are started. */
  begun: Promise<unknown> = Promise.resolve();

  constructor(private readonly newJob: (kind: string, subject: string) => Omit<CopyJob, 'begun'>) {}

  /** A list of two bytes is refused. */
  startList(bytes: Uint8Array, from: ListOrigin): CopyJob {
    if (bytes.length === 2) throw new ArrayError('EINVAL', 'too short');
    this.lists.push({ bytes: new Uint8Array(bytes), from });
    return this.started('list 1');
  }

  /** The first byte says how many KiB it has. */
  isListIncomplete(bytes: Uint8Array): boolean {
    return bytes.length < (bytes[0] ?? 0) * 1024;
  }

  startImage(request: ImageCopyRequest): CopyJob {
    this.images.push(request);
    return this.started(`${request.source} ${request.destination}`);
  }

  readonly held: { readonly volume: string; readonly image: string }[] = [];

  async setHeld(volume: string, image: string): Promise<void> {
    this.held.push({ volume, image });
  }

  /** Job 7 alone has failed. */
  retry(id: number): CopyJob {
    if (id !== 7) throw new ArrayError('EBUSY', `job ${id} is running`);
    return this.started('db tape0/AFS001');
  }

  private started(subject: string): CopyJob {
    return { ...this.newJob('ecopy', subject), begun: this.begun };
  }
}
