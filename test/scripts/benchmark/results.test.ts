/** Collecting samples, medians, and results of several runs. */
import { describe, expect, it } from 'vitest';
import {
  cellOf,
  cellValue,
  mergeResults,
  ResultCollector,
} from '../../../scripts/benchmark/results.js';
import type { Row } from '../../../scripts/benchmark/row.js';
import { median } from '../../../scripts/benchmark/statistics.js';
import { resultsOf, rowOf } from './result-fixture.js';

const ROW: Row = {
  name: 'row',
  title: 'Row',
  unit: 'IOPS',
  goals: [],
  targets: ['arrayfs', 'qemu'],
};

describe('median', () => {
  it.each([
    [[3, 1, 2], 2],
    [[4, 1, 3, 2], 2.5],
    [[7], 7],
    [[], Number.NaN],
  ])('of %j is %d', (values, expected) => {
    expect(median(values)).toBe(expected);
  });
});

describe('cellValue', () => {
  it('is the median of values and latencies, and the most memory', () => {
    const samples = [
      { value: 10, p99Us: 1, anonymousMebibytes: 100 },
      { value: 30, p99Us: 3, anonymousMebibytes: 300 },
      { value: 20, p99Us: 2, anonymousMebibytes: 200 },
    ];
    expect(cellValue({ target: 'arrayfs', samples })).toEqual({
      ...{ value: 20, p99Us: 2, anonymousMebibytes: 300 },
    });
  });

  it('is undefined without samples, and leaves out what was not reported', () => {
    expect(cellValue({ target: 'arrayfs', samples: [] })).toBeUndefined();
    expect(cellValue(undefined)).toBeUndefined();
    expect(cellValue({ target: 'arrayfs', samples: [{ value: 1, p99Us: Number.NaN }] })).toEqual({
      ...{ value: 1, p99Us: undefined, anonymousMebibytes: undefined },
    });
  });
});

describe('ResultCollector', () => {
  it('keeps samples and the first problem, targets in the order of the row', () => {
    const collector = new ResultCollector();
    collector.problem(ROW, 'qemu', 'QEMU is missing');
    collector.problem(ROW, 'qemu', 'another');
    collector.add(ROW, 'arrayfs', { value: 1 });
    collector.add(ROW, 'arrayfs', { value: 2 });
    expect(collector.results()[0]?.cells).toEqual([
      { target: 'arrayfs', samples: [{ value: 1 }, { value: 2 }] },
      { target: 'qemu', samples: [], problem: 'QEMU is missing' },
    ]);
    expect(collector.hasFailures()).toBe(false);
  });

  it('has failed where a measurement that was tried has', () => {
    const collector = new ResultCollector();
    collector.add(ROW, 'arrayfs', { value: 1 });
    collector.problem(ROW, 'arrayfs', 'failed: fio: error 5');
    expect(collector.hasFailures()).toBe(true);
  });
});

describe('mergeResults', () => {
  it('takes rows of later runs and counts the memory of all again', () => {
    const memory = (value: number) => rowOf('memory-most', 'MiB', { arrayfs: value });
    const used = { target: 'arrayfs', samples: [{ value: 1, anonymousMebibytes: 600 }] };
    const early = resultsOf([
      rowOf('a', 'IOPS', { arrayfs: 1 }),
      rowOf('b', 'IOPS', { arrayfs: 1 }),
    ]);
    const late = resultsOf([{ ...rowOf('b', 'IOPS', {}), cells: [used] }, memory(600)]);
    const merged = mergeResults([{ ...early, rows: [...early.rows, memory(700)] }, late]);
    expect(merged.rows.map((row) => row.name)).toEqual(['a', 'b', 'memory-most']);
    expect(cellValue(cellOf(merged.rows[2], 'arrayfs'))?.value).toBe(600);
    expect(merged.warnings).toEqual([
      'of the run of 2026-11-20T12:34:56.000Z with arrayfs abc1234 are a',
    ]);
  });

  it('is small where one of the runs was', () => {
    const run = resultsOf([rowOf('a', 'IOPS', { arrayfs: 1 })]);
    expect(mergeResults([{ ...run, isQuick: true }, run]).isQuick).toBe(true);
    expect(mergeResults([run, run]).isQuick).toBe(false);
  });
});
