/**
 * Rows that fio runs on one image file: the table of the goals, and what belongs beside it. Data only;
 * image-suite.ts runs them, state of the image by state, in this order.
 */
import type { Amount, ImageRow, ImageState, IoShape } from './image-row.js';
import {
  againstLimit,
  againstQemu,
  atLeastOfRow,
  atMostOfRow,
  type Goal,
  type Unit,
} from './row.js';
import { STORE_TARGETS, TRANSPORT_TARGETS } from './target-names.js';

const KIB = 1024;
const MIB = 1024 * KIB;
const ROW_SECONDS: Amount = { kind: 'seconds', field: 'rowSeconds' };
const COLD_SECONDS: Amount = { kind: 'secondsOnce', field: 'coldSeconds' };
const LONG_SECONDS: Amount = { kind: 'seconds', field: 'longSeconds' };
const BURST: Amount = { kind: 'bytes', field: 'burstBytes' };
const BULK_BURST: Amount = { kind: 'bytes', field: 'bulkBurstBytes' };

function io(
  operation: IoShape['operation'],
  blockBytes: number,
  jobs: number,
  amount: Amount,
  more: Partial<IoShape> = {},
): IoShape {
  return { operation, blockBytes, jobs, direct: true, amount, ...more };
}

interface RowWords extends Partial<Omit<ImageRow, 'name' | 'title' | 'io' | 'goals'>> {
  readonly image: ImageState;
  readonly before: ImageRow['before'];
}

/** Small requests are counted, large ones weighed. */
function row(
  name: string,
  title: string,
  shape: IoShape,
  goals: Goal[],
  words: RowWords,
): ImageRow {
  const rateUnit: Unit = shape.blockBytes < 64 * KIB ? 'IOPS' : 'MB/s';
  const unit = words.value === 'p99' ? 'us' : rateUnit;
  return {
    targets: TRANSPORT_TARGETS,
    value: 'rate',
    ...words,
    name,
    title,
    unit,
    goals,
    io: shape,
  };
}

const WARM_READ = { image: 'filled', before: 'warm', isQuick: true } as const;
const SETTLED_WRITE = { image: 'filled', before: 'settled', isQuick: true } as const;
const OLD = { image: 'large', before: 'cold', targets: STORE_TARGETS } as const;
const NEW = { image: 'fresh', before: 'warm', targets: STORE_TARGETS } as const;
const PASS = { image: 'empty', before: 'settled', targets: STORE_TARGETS } as const;
const END = { sync: 'end' } as const;
const NEXT_TO_WRITER = {
  ...WARM_READ,
  value: 'p99',
  targets: STORE_TARGETS,
  isQuick: false,
} as const;

const READ_4K = io('randread', 4 * KIB, 1, ROW_SECONDS);
const WRITE_60S = io('randwrite', 4 * KIB, 16, LONG_SECONDS, END);

export const IMAGE_ROWS: readonly ImageRow[] = [
  row(
    'randread-4k',
    '4k random read, 1 job, direct, warm',
    READ_4K,
    [againstQemu(0.95), againstLimit(0.75)],
    WARM_READ,
  ),
  row(
    'randread-4k-16',
    '4k random read, 16 jobs, direct, warm',
    io('randread', 4 * KIB, 16, ROW_SECONDS),
    [againstQemu(1.5), againstLimit(0.75)],
    WARM_READ,
  ),
  row(
    'read-128k',
    '128k read, direct, warm',
    io('read', 128 * KIB, 1, ROW_SECONDS),
    [againstQemu(1.5), againstLimit(0.6)],
    WARM_READ,
  ),
  row(
    'read-1m',
    '1m read, buffered, warm, one pass',
    io('read', MIB, 1, { kind: 'pass' }, { direct: false }),
    [againstQemu(3), againstLimit(0.6)],
    WARM_READ,
  ),
  row(
    'randwrite-4k-burst',
    '4k random write, 1 job, direct, a 128 MiB burst',
    io('randwrite', 4 * KIB, 1, BURST),
    [againstQemu(1)],
    SETTLED_WRITE,
  ),
  row(
    'randwrite-4k-16-burst',
    '4k random write, 16 jobs, direct, a 128 MiB burst',
    io('randwrite', 4 * KIB, 16, BURST),
    [againstQemu(3)],
    SETTLED_WRITE,
  ),
  row(
    'write-1m-burst',
    '1m write, direct, a 256 MiB burst',
    io('write', MIB, 1, BULK_BURST),
    [againstQemu(0.7), againstLimit(0.4)],
    SETTLED_WRITE,
  ),
  row(
    'randwrite-4k-fdatasync',
    '4k random write with fdatasync each',
    io('randwrite', 4 * KIB, 1, ROW_SECONDS, { sync: 'fdatasync' }),
    [againstQemu(1.2)],
    SETTLED_WRITE,
  ),
  row(
    'mixed-4k-16',
    '4k random, 70% read and 30% write, 16 jobs, final fsync counted',
    io('mixed', 4 * KIB, 16, ROW_SECONDS, END),
    [],
    { ...WARM_READ, isQuick: false },
  ),
  row(
    'read-p99-idle',
    '99th percentile of 4k random reads, nothing else running',
    READ_4K,
    [],
    NEXT_TO_WRITER,
  ),
  row(
    'read-p99-writer-4k',
    '99th percentile of 4k random reads beside a 4k random writer',
    READ_4K,
    [atMostOfRow('read-p99-idle', 5)],
    { ...NEXT_TO_WRITER, load: io('randwrite', 4 * KIB, 1, LONG_SECONDS) },
  ),
  row(
    'read-p99-writer-1m',
    '99th percentile of 4k random reads beside a 1m writer',
    READ_4K,
    [atMostOfRow('read-p99-idle', 5)],
    { ...NEXT_TO_WRITER, load: io('write', MIB, 1, LONG_SECONDS) },
  ),

  row(
    'randwrite-4k-16-60s',
    '4k random write, 16 jobs, 60 s over 2 GiB, final fsync counted',
    WRITE_60S,
    [againstQemu(1)],
    NEW,
  ),
  row(
    'randwrite-4k-16-60s-aged',
    '4k random write, 16 jobs, 60 s, after ten overwrites with snapshots taken and deleted',
    WRITE_60S,
    [atLeastOfRow('randwrite-4k-16-60s', 0.7)],
    { ...NEW, image: 'aged', targets: STORE_TARGETS.filter((name) => name !== 'qemu') },
  ),
  row(
    'write-128k-pass',
    '128k write, one pass over 4 GiB, final fsync counted',
    io('write', 128 * KIB, 1, { kind: 'pass' }, END),
    [againstQemu(0.95)],
    PASS,
  ),
  row(
    'write-1m-pass',
    '1m write, one pass over 4 GiB, final fsync counted',
    io('write', MIB, 1, { kind: 'pass' }, END),
    [againstQemu(0.95)],
    PASS,
  ),

  row(
    'randread-4k-cold',
    '4k random read, 1 job, caches dropped, 16 GiB',
    io('randread', 4 * KIB, 1, COLD_SECONDS),
    [againstQemu(0.7)],
    OLD,
  ),
  row(
    'randread-4k-16-cold',
    '4k random read, 16 jobs, caches dropped, 16 GiB',
    io('randread', 4 * KIB, 16, COLD_SECONDS),
    [againstQemu(0.7)],
    OLD,
  ),
  row(
    'randwrite-4k-16-60s-16g',
    '4k random write, 16 jobs, 60 s over 16 GiB, final fsync counted',
    WRITE_60S,
    [againstQemu(0.7)],
    { ...OLD, before: 'reread' },
  ),
  row(
    'randwrite-4k-16-60s-16g-cold',
    '4k random write, 16 jobs, 60 s over 16 GiB, caches dropped before',
    WRITE_60S,
    [],
    {
      ...OLD,
      isExtra: true,
    },
  ),
];
