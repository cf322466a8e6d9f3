/**
 * Long-running jobs: registered, bounded in number, seen in /jobs, cancelled on request. A job's work
 * runs in slices and looks at `cancelled` between them. What a mount finds running is taken up again by
 * whoever knows how (`takeUp`), or has failed.
 */

import type { Clock } from '../base/clock.js';
import { ArrayError, asArrayError } from '../base/errors.js';
import { JOBS_FINISHED_MAX, JOBS_RUNNING_MAX } from '../base/limits.js';
import { type JobRecord, packJob, unpackJob } from '../store/history-records.js';
import { recordKey, recordKeyEnd } from '../store/keys.js';

import type { RecordSource } from '../volume/record-source.js';
import type { JobState, JobView } from './disk-array.js';
import type { CopyProgress } from './ecopy-contract.js';
import type { Pools } from './pools.js';

/** Time between two writes of a running job's progress. */
const SAVE_MS = 1_000;

export class Job implements JobView, RecordSource {
  state: JobState = 'running';
  endedMs: number | undefined;
  done = 0;
  total = 0;
  message = '';
  cancelled = false;
  /** More that can be told of it, as long as it is mounted. */
  report: () => readonly string[] = () => [];
  copyProgress: (() => CopyProgress | undefined) | undefined;
  /** Stored with it: whoever started it reads it in a later mount. */
  memo: () => string = () => '';
  /** The end of the array does not cancel it: its work ends with the way to its device. */
  survives = false;
  /** Its work ended with the array, and the next mount goes on with it. */
  isLeft = false;
  /** Resolves when that is so which whoever has ordered it is promised by the answer. */
  begun: Promise<unknown> = Promise.resolve();
  private savedMs = 0;
  private ended: (() => void)[] = [];
  private wake: (() => void) | undefined;

  constructor(
    readonly id: number,
    readonly kind: string,
    readonly subject: string,
    readonly startedMs: number,
    readonly unit: 'bytes' | 'blocks',
    private readonly save: (job: Job) => void,
    private readonly changed: () => void,
  ) {}

  get recordKey(): Uint8Array {
    return recordKey('job', this.id);
  }

  packRecord(): Uint8Array {
    return packJob({
      id: this.id,
      kind: this.kind,
      subject: this.subject,
      state: this.state,
      startedMs: this.startedMs,
      endedMs: this.endedMs ?? 0,
      done: this.done,
      total: this.total,
      unit: this.unit,
      message: this.message,
      memo: this.memo(),
    });
  }

  /** What is stored of it has changed. */
  note(): void {
    this.save(this);
  }

  progress(done: number, total: number, nowMs: number): void {
    this.done = done;
    this.total = total;
    this.changed();
    if (nowMs - this.savedMs < SAVE_MS) return;
    this.savedMs = nowMs;
    this.save(this);
  }

  /** Asks the work to end; it looks at `cancelled` between its slices. */
  cancel(): void {
    this.cancelled = true;
    this.wake?.();
  }

  /** Calls `action` when the job is cancelled, or at once where it is. */
  whenCancelled(action: () => void): void {
    this.wake = action;
    if (this.cancelled) action();
  }

  /** Resolves after `delayMs`, or when the job is cancelled. */
  pause(clock: Clock, delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = clock.after(delayMs, resolve);
      this.wake = () => {
        timer.cancel();
        resolve();
      };
    });
  }

  end(state: JobState, message: string, nowMs: number): void {
    this.state = state;
    this.message = message;
    this.endedMs = nowMs;
    this.save(this);
    this.tellEnd();
  }

  private tellEnd(): void {
    for (const resolve of this.ended.splice(0)) resolve();
  }

  /** It stays `running` in the store. */
  leave(): void {
    this.save(this);
    this.tellEnd();
  }

  /** How it ended; `running` where it was left to the next mount. */
  whenEnded(): Promise<JobState> {
    if (this.state !== 'running') return Promise.resolve(this.state);
    return new Promise((resolve) => this.ended.push(() => resolve(this.state)));
  }
}

export interface StartedJob {
  readonly job: Job;
  /** The text of its result; rejects with what its work has thrown. */
  readonly ended: Promise<string>;
}

export const INTERRUPTED = 'the array was stopped before the job ended';

/** What a job does; its result is the job's message. */
export type Work = (job: Job) => Promise<string>;

export class Jobs {
  private stopping = false;
  private readonly jobs = new Map<number, Job>();
  /** Found running at mount, until they are taken up. */
  private interrupted: Job[] = [];

  constructor(
    private readonly pools: Pools,
    private readonly clock: Clock,
    private readonly changed: (id: number) => void,
  ) {
    const { store } = pools.home;
    for (const { value } of store.range('records', recordKey('job'), recordKeyEnd('job'))) {
      this.load(unpackJob(value));
    }
    this.forgetOldest();
  }

  all(): readonly Job[] {
    return [...this.jobs.values()];
  }

  /** ENOENT where there is none. */
  get(id: number): Job {
    const job = this.jobs.get(id);
    if (job === undefined) throw new ArrayError('ENOENT', `no job ${id}`);
    return job;
  }

  /** Fewer run than may. */
  get hasRoom(): boolean {
    return this.all().filter((job) => job.state === 'running').length < JOBS_RUNNING_MAX;
  }

  /** ENOSPC where as many run as may. */
  checkRoom(): void {
    if (this.hasRoom) return;
    throw new ArrayError('ENOSPC', `${JOBS_RUNNING_MAX} jobs are running, which is the limit`);
  }

  /** Registers a job and runs `work` in the background. */
  start(
    kind: string,
    subject: string,
    unit: 'bytes' | 'blocks',
    work: Work,
    memo: () => string = () => '',
  ): Job {
    this.checkRoom();
    const id = this.pools.takeNumber('nextJob');
    const job = this.newJob(id, kind, subject, this.clock.nowMs(), unit);
    job.memo = memo;
    this.save(job);
    void this.run(job, work);
    return job;
  }

  /** The same for who waits for the end: what the work throws is his, too. */
  startWithEnd(kind: string, subject: string, work: Work): StartedJob {
    let settle = (_result: Promise<string>) => {};
    const ended = new Promise<string>((resolve) => {
      settle = resolve;
    });
    // Who does not wait is told by the job.
    ended.catch(() => undefined);
    const job = this.start(kind, subject, 'bytes', async (started) => {
      const result = work(started);
      settle(result);
      return result.catch((error) => {
        if (started.cancelled) return asArrayError(error).reason;
        throw error;
      });
    });
    return { job, ended };
  }

  /**
   * Once, when all that jobs need is there: each that was found running goes on with the work that `decide` knows for it, or
   * has failed with the reason it gives.
   */
  takeUp(decide: (job: Job, memo: string) => Work | string): void {
    for (const job of this.interrupted.splice(0)) {
      const work = decide(job, job.memo());
      if (typeof work === 'string') job.end('failed', work, this.clock.nowMs());
      else void this.run(job, work);
    }
    this.forgetOldest();
  }

  async cancel(id: number): Promise<void> {
    const job = this.get(id);
    if (job.state !== 'running') throw new ArrayError('EBUSY', `job ${id} has ended`);
    job.cancel();
    if ((await job.whenEnded()) === 'done')
      throw new ArrayError('EBUSY', `job ${id} was done meanwhile`);
  }

  /** Ends all running jobs before the array closes; those that survive are left to the next mount. */
  async stop(): Promise<void> {
    this.stopping = true;
    const running = this.all().filter((job) => job.state === 'running');
    for (const job of running) if (!job.survives) job.cancel();
    await Promise.all(running.map((job) => job.whenEnded()));
  }

  private async run(job: Job, work: Work): Promise<void> {
    try {
      const message = await work(job);
      if (job.isLeft) job.leave();
      else if (this.stopping && job.cancelled) job.end('failed', INTERRUPTED, this.clock.nowMs());
      else job.end(job.cancelled ? 'cancelled' : 'done', message, this.clock.nowMs());
    } catch (error) {
      job.end('failed', asArrayError(error).message, this.clock.nowMs());
    }
    this.forgetOldest();
  }

  private load(record: JobRecord): void {
    const unit = record.unit === 'blocks' ? 'blocks' : 'bytes';
    const job = this.newJob(record.id, record.kind, record.subject, record.startedMs, unit);
    job.done = record.done;
    job.total = record.total;
    job.memo = () => record.memo;
    if (record.state === 'running') {
      this.interrupted.push(job);
      return;
    }
    job.state = record.state as JobState;
    job.endedMs = record.endedMs;
    job.message = record.message;
  }

  private newJob(
    id: number,
    ...named: [kind: string, subject: string, startedMs: number, unit: Job['unit']]
  ): Job {
    const save = (job: Job) => this.save(job);
    const job = new Job(id, ...named, save, () => this.changed(id));
    this.jobs.set(id, job);
    return job;
  }

  private save(job: Job): void {
    this.pools.home.content.touch(job);
    this.changed(job.id);
  }

  private forgetOldest(): void {
    const finished = this.all().filter((job) => job.state !== 'running');
    for (const job of finished.slice(0, Math.max(0, finished.length - JOBS_FINISHED_MAX))) {
      this.jobs.delete(job.id);
      this.pools.home.content.change(job.recordKey, undefined);
    }
  }
}
