/** A row as the words that fio gets. */
import { describe, expect, it } from 'vitest';
import { fioWords, type IoShape } from '../../../scripts/benchmark/image-row.js';
import { FULL_SCALE } from '../../../scripts/benchmark/scale.js';

const GIB = 2 ** 30;
const WRITE: IoShape = {
  operation: 'randwrite',
  blockBytes: 4096,
  jobs: 16,
  direct: true,
  amount: { kind: 'bytes', field: 'burstBytes' },
};

describe('fioWords', () => {
  const words = (changes: Partial<IoShape>) =>
    fioWords({ ...WRITE, ...changes }, 2 * GIB, FULL_SCALE);

  it('divides a burst among the jobs', () => {
    expect(words({})).toEqual([
      ...['--rw=randwrite', '--bs=4096', '--numjobs=16', `--size=${2 * GIB}`],
      `--io_size=${8 * 2 ** 20}`,
    ]);
  });

  it.each([
    [
      'seconds over and over',
      { amount: { kind: 'seconds', field: 'longSeconds' } },
      ['--time_based', '--runtime=60'],
    ],
    [
      'seconds without repetition',
      { amount: { kind: 'secondsOnce', field: 'coldSeconds' } },
      ['--runtime=10'],
    ],
    ['one pass', { amount: { kind: 'pass' } }, []],
    ['a sync after each write', { amount: { kind: 'pass' }, sync: 'fdatasync' }, ['--fdatasync=1']],
    ['a sync at the end', { amount: { kind: 'pass' }, sync: 'end' }, ['--end_fsync=1']],
  ] as const)('asks for %s', (_what, changes, expected) => {
    expect(words(changes).slice(4)).toEqual(expected);
  });

  it('mixes seven reads with three writes', () => {
    expect(words({ operation: 'mixed' }).slice(0, 2)).toEqual(['--rw=randrw', '--rwmixread=70']);
  });
});
