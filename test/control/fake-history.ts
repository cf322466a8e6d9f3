/** Jobs, events, refusals and time of the in-memory array: what is kept about what happened. */
import type { EventView, JobView } from '../../src/array/disk-array.js';
import { ArrayError, type ErrorCode } from '../../src/base/errors.js';

export const START_MS = Date.UTC(2026, 0, 1);

export abstract class FakeHistory {
  revision = 1;
  /** What recordRefusal was told. */
  readonly refusals: { subject: string; error: ArrayError }[] = [];
  private timeMs = START_MS;
  private readonly jobList: JobView[] = [];
  private readonly waiting = new Map<number, () => Promise<string>>();
  private readonly eventList: EventView[] = [];
  private eventText = Buffer.alloc(0);

  jobs(): readonly JobView[] {
    return this.jobList;
  }

  job(id: number): JobView {
    return this.jobList.find((job) => job.id === id) ?? refuse('ENOENT', `no job ${id}`);
  }

  async cancelJob(id: number): Promise<void> {
    const job = this.job(id);
    if (job.state !== 'running') refuse('EBUSY', `job ${id} has ended`);
    const cancelled: JobView = { ...job, state: 'cancelled', endedMs: this.nowMs() };
    this.jobList.splice(this.jobList.indexOf(job), 1, cancelled);
    this.changed();
  }

  async scrub(reference: string): Promise<JobView> {
    if (reference !== 'all') this.copy(reference);
    return this.newJob('scrub', `scrub ${reference}`);
  }

  async discover(devices: readonly string[]): Promise<JobView> {
    return this.newJob('discover', devices.length === 0 ? 'all' : devices.join(' '));
  }

  nowMs(): number {
    return this.timeMs;
  }

  /** The work is kept; a test lets its time come with `runLater`. */
  async startLater(
    what: { readonly kind: string; readonly subject: string; readonly atMs: number },
    work: () => Promise<string>,
  ): Promise<JobView> {
    if (what.atMs < this.timeMs) refuse('EINVAL', 'past');
    const job = this.newJob(what.kind, what.subject);
    this.waiting.set(job.id, work);
    return job;
  }

  /** The time of a job that waits has come. */
  async runLater(id: number): Promise<void> {
    const job = this.job(id);
    const message = (await this.waiting.get(id)?.()) ?? refuse('EINVAL', 'it does not wait');
    const done: JobView = { ...job, state: 'done', endedMs: this.nowMs(), message };
    this.jobList.splice(this.jobList.indexOf(job), 1, done);
  }

  get events() {
    return {
      sizeBytes: this.eventText.length,
      read: (offset: number, target: Uint8Array) => {
        const part = this.eventText.subarray(offset, offset + target.length);
        target.set(part);
        return part.length;
      },
    };
  }

  recentEvents(count: number): readonly EventView[] {
    return this.eventList.slice(-count);
  }

  recordEvent(code: string, subject: string, message: string): void {
    this.changed();
    const sequence = this.eventList.length + 1;
    this.eventList.push({ sequence, timeMs: this.nowMs(), code, subject, message });
    const line = Buffer.from(`${sequence} ${code} ${subject} ${message}\n`);
    this.eventText = Buffer.concat([this.eventText, line]);
  }

  recordRefusal(subject: string, error: ArrayError): void {
    this.refusals.push({ subject, error });
    this.recordEvent('REFUSED', subject, error.reason);
  }

  /** ENOENT where there is no such copy. */
  abstract copy(reference: string): unknown;

  newJob(kind: string, subject: string): JobView {
    const job: JobView = {
      id: this.jobList.length + 1,
      kind,
      subject,
      state: 'running',
      startedMs: this.nowMs(),
      endedMs: undefined,
      done: 45 * 2 ** 20,
      total: 100 * 2 ** 20,
      unit: 'bytes',
      message: '',
    };
    this.jobList.push(job);
    this.changed();
    return job;
  }

  /** A second passes with every change. */
  protected changed(): void {
    this.revision += 1;
    this.timeMs += 1_000;
  }
}

export function refuse(code: ErrorCode, reason: string): never {
  throw new ArrayError(code, reason);
}
