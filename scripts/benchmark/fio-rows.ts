/** The rows of the comparison, in the order they are run and shown. */

export interface FioRow {
  readonly name: string;
  readonly operation: 'read' | 'write' | 'randread' | 'randwrite';
  readonly blockBytes: number;
  readonly jobs: number;
  readonly cache: 'warm' | 'cold';
  /** `fdatasync`: after each write. `end_fsync`: once, and a fixed amount is written. */
  readonly sync?: 'fdatasync' | 'end_fsync';
}

const KIB = 1024;

const READ_ROWS = [
  { name: 'randread-4k', operation: 'randread', blockBytes: 4 * KIB, jobs: 1 },
  { name: 'randread-4k-16', operation: 'randread', blockBytes: 4 * KIB, jobs: 16 },
  { name: 'read-128k', operation: 'read', blockBytes: 128 * KIB, jobs: 1 },
  { name: 'read-1m', operation: 'read', blockBytes: 1024 * KIB, jobs: 1 },
] as const;

const WRITE_ROWS = [
  { name: 'randwrite-4k', operation: 'randwrite', blockBytes: 4 * KIB, jobs: 1 },
  { name: 'randwrite-4k-16', operation: 'randwrite', blockBytes: 4 * KIB, jobs: 16 },
  {
    name: 'randwrite-4k-fdatasync',
    operation: 'randwrite',
    blockBytes: 4 * KIB,
    jobs: 1,
    sync: 'fdatasync',
  },
  { name: 'write-128k', operation: 'write', blockBytes: 128 * KIB, jobs: 1 },
  { name: 'write-1m', operation: 'write', blockBytes: 1024 * KIB, jobs: 1 },
  {
    name: 'write-1m-fsync',
    operation: 'write',
    blockBytes: 1024 * KIB,
    jobs: 1,
    sync: 'end_fsync',
  },
] as const;

export const FIO_ROWS: readonly FioRow[] = [
  ...READ_ROWS.map((row) => ({ ...row, cache: 'warm' as const })),
  ...READ_ROWS.map((row) => ({ ...row, name: `${row.name}-cold`, cache: 'cold' as const })),
  ...WRITE_ROWS.map((row) => ({ ...row, cache: 'warm' as const })),
];
