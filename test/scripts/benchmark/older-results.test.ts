/** Results of the time when blocks were kept in LMDB by default, which their files do not say. */
import { describe, expect, it } from 'vitest';
import { namedAsToday } from '../../../scripts/benchmark/older-results.js';
import { cellOf, cellValue, mergeResults } from '../../../scripts/benchmark/results.js';
import { valueAtMost } from '../../../scripts/benchmark/row.js';
import { resultsOf, rowOf } from './result-fixture.js';

const VALUES = { arrayfs: 1, 'arrayfs-file': 2, qemu: 3, null: 4 };

describe('namedAsToday', () => {
  it('calls the file of slots arrayfs, and LMDB by its name', () => {
    const goal = valueAtMost(20);
    const { rows, warnings } = namedAsToday(resultsOf([rowOf('a', 'ms', VALUES, [goal])]));
    const today = { 'arrayfs-lmdb': 1, arrayfs: 2, qemu: 3, null: 4 };
    expect(rows).toEqual([rowOf('a', 'ms', today, [goal])]);
    expect(warnings).toEqual([]);
  });

  it('leaves out what was measured over LMDB alone, and says so', () => {
    const variants = { 'arrayfs-native': 1, 'arrayfs-cache-kernel': 1, 'null-native': 5 };
    const { rows, warnings } = namedAsToday(resultsOf([rowOf('a', 'IOPS', variants)]));
    expect(rows).toEqual([rowOf('a', 'IOPS', { 'null-native': 5 })]);
    expect(warnings).toEqual([
      'of the run of 2026-11-20T12:34:56.000Z are left out arrayfs-native, arrayfs-cache-kernel: blocks were in lmdb',
    ]);
  });

  it('takes names that are those of today as they are', () => {
    const older = namedAsToday(resultsOf([rowOf('a', 'IOPS', VALUES)]));
    expect(namedAsToday(older)).toBe(older);
  });

  it('lets older and newer results be merged', () => {
    const older = namedAsToday(resultsOf([rowOf('a', 'IOPS', VALUES), rowOf('b', 'IOPS', VALUES)]));
    const newer = { ...older, rows: [rowOf('b', 'IOPS', { arrayfs: 7 })] };
    const { rows } = mergeResults([older, newer]);
    expect(rows.map((row) => cellValue(cellOf(row, 'arrayfs'))?.value)).toEqual([2, 7]);
  });
});
