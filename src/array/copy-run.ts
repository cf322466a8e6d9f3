/** One copy: the segments of an accepted parameter list, from its instant to the last segment or the one that fails. */
import { asArrayError } from '../base/errors.js';
import { formatSize } from '../base/sizes.js';
import type { ParameterList } from '../ecopy/parameter-list.js';
import { checkSegment } from '../ecopy/segment-check.js';
import { segmentDemand } from '../ecopy/segment-flow.js';
import { encodeSense, SenseError } from '../ecopy/sense.js';
import { SENSE } from '../ecopy/sense-codes.js';
import type { ArrayContext } from './array-context.js';
import type { BackupPath } from './backup-path.js';
import type { CopyTargets } from './copy-targets.js';
import { DeviceSessions } from './device-sessions.js';
import type { Job } from './jobs.js';
import type { CopyRecord } from './kept-copies.js';
import { SegmentExecutor } from './segment-executor.js';

export class CopyRun {
  private processedBytes = 0;
  private readonly totalBytes: number;

  constructor(
    private readonly context: ArrayContext,
    private readonly list: ParameterList,
    private readonly targets: CopyTargets,
    private readonly record: CopyRecord,
    private readonly path: BackupPath,
  ) {
    this.totalBytes = demandedBytes(list);
  }

  /** Ends with the text of the result, or a SenseError; in both cases nothing of it is left but the record. */
  async run(job: Job): Promise<string> {
    const sessions = new DeviceSessions(this.context, this.path, job.id);
    this.targets.sessions = sessions;
    job.copyProgress = () => sessions.progress;
    job.whenCancelled(() => sessions.cancel());
    try {
      await this.carryOut(job);
      await this.targets.sync();
      this.record.end(undefined);
      const { writtenBytes, segmentsProcessed } = this.record;
      return `wrote ${formatSize(writtenBytes)} in ${segmentsProcessed} segments`;
    } catch (error) {
      const failure = this.failure(job, error);
      this.record.end(encodeSense(failure.sense));
      throw failure;
    } finally {
      await this.targets.close();
    }
  }

  private async carryOut(job: Job): Promise<void> {
    const executor = new SegmentExecutor(this.list, this.targets, {
      hold: (data) => this.record.hold(data),
      moved: (processed, written) => this.moved(job, processed, written),
    });
    for (const number of this.list.segments.keys()) {
      this.record.segmentsProcessed = number + 1;
      await executor.execute(number);
    }
  }

  /** Between two steps of a segment: others go first. */
  private async moved(job: Job, processed: number, written: number): Promise<void> {
    const { context, record } = this;
    this.processedBytes += processed;
    record.writtenBytes += written;
    const total = Math.max(this.totalBytes, this.processedBytes);
    job.progress(this.processedBytes, total, context.clock.nowMs());
    await context.clock.yield();
    if (job.cancelled) throw this.aborted('cancelled');
  }

  private failure(job: Job, error: unknown): SenseError {
    if (job.cancelled) return this.aborted('cancelled');
    return error instanceof SenseError ? error : this.aborted(asArrayError(error).reason);
  }

  private aborted(reason: string): SenseError {
    const segment = Math.max(0, this.record.segmentsProcessed - 1);
    return new SenseError({ code: SENSE.copyFailed, segment }, `${reason} in segment ${segment}`);
  }
}

/** Bytes that the segments move, as far as they fit the list. */
function demandedBytes(list: ParameterList): number {
  let bytes = 0;
  for (const number of list.segments.keys()) {
    try {
      bytes += segmentDemand(checkSegment(list, number))?.bytes ?? 0;
    } catch (error) {
      // It fails when its turn comes, and nothing after it is carried out.
      if (error instanceof SenseError) break;
      throw error;
    }
  }
  return bytes;
}
