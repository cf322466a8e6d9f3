/**
 * What /status tells of copies that are under way: the backup progress information of [002] fig. 7, and how and why they go
 * the way they go.
 */
import type { DiskArray, JobView } from '../array/disk-array.js';
import { formatDuration } from '../base/clock.js';
import { formatSize } from '../base/sizes.js';
import { count, hidden, plain, rate, size } from './status-columns.js';
import type { Table } from './table-layout.js';

/** A job, and of one to or from a device what its errand says. */
interface ProgressRow {
  readonly job: JobView;
  readonly copy: ReturnType<NonNullable<JobView['copyProgress']>>;
}

export const PROGRESS: Table<ProgressRow> = {
  shape: 'rows',
  columns: [
    count('JOB', 'job', ({ job }) => job.id),
    plain('SUBJECT', 'subject', ({ job }) => job.subject),
    plain('PHASE', 'phase', ({ copy }) => copy?.phase ?? null),
    size('POINTER', 'pointerBytes', ({ job }) => job.done),
    {
      header: 'COPY-POINTER',
      alignRight: true,
      text: ({ copy }) =>
        copy?.copyPointerBytes === undefined ? '-' : formatSize(copy.copyPointerBytes),
      json: ({ copy }) => ({ copyPointerBytes: copy?.copyPointerBytes ?? null }),
    },
    size('TOTAL', 'totalBytes', ({ job }) => job.total),
    rate('RATE', 'bytesPerSecond', ({ copy }) => copy?.bytesPerSecond ?? 0),
    {
      header: 'LEFT',
      alignRight: true,
      text: (row) => {
        const seconds = secondsLeft(row);
        return seconds === undefined ? '-' : formatDuration(seconds);
      },
      json: (row) => ({ secondsLeft: secondsLeft(row) ?? null }),
    },
    plain('PORT', 'port', ({ copy }) => copy?.port ?? null),
    plain('BY', 'microprocessor', ({ copy }) => copy?.microprocessor ?? null),
    count('TAKEN-UP', 'attempts', ({ copy }) => copy?.attempts ?? 0),
    count('MOVED', 'moves', ({ copy }) => copy?.moves ?? 0),
    plain('WHY-PORT', 'portReason', ({ copy }) => copy?.portReason || null),
    plain('WHO-GOES', 'turn', ({ copy }) => copy?.turn || null),
    hidden(({ copy }) => ({ sharedBytes: copy?.sharedBytes ?? 0 })),
  ],
};

export function progressRows(array: DiskArray): ProgressRow[] {
  return array
    .jobs()
    .filter(({ kind, state }) => kind === 'ecopy' && state === 'running')
    .map((job) => ({ job, copy: job.copyProgress?.() }));
}

/** Undefined where nobody knows how fast, or how much, it is. */
function secondsLeft({ job, copy }: ProgressRow): number | undefined {
  if (job.total === 0 || copy === undefined || copy.bytesPerSecond === 0) return undefined;
  return Math.ceil((job.total - job.done) / copy.bytesPerSecond);
}
