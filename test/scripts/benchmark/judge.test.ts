/** Values against goals. */
import { describe, expect, it } from 'vitest';
import { goalText, judge } from '../../../scripts/benchmark/judge.js';
import {
  againstLimit,
  againstQemu,
  atLeastOfRow,
  atMostOfRow,
  valueAtMost,
} from '../../../scripts/benchmark/row.js';
import { rowOf } from './result-fixture.js';

describe('judge', () => {
  it.each([
    ['as much as QEMU', { arrayfs: 95, qemu: 100 }, againstQemu(0.95), 0.95, true],
    ['less than QEMU', { arrayfs: 94, qemu: 100 }, againstQemu(0.95), 0.94, false],
    ['enough of the limit', { arrayfs: 60, null: 80 }, againstLimit(0.75), 0.75, true],
    ['too long', { arrayfs: 21 }, valueAtMost(20), 21, false],
    ['short enough', { arrayfs: 20 }, valueAtMost(20), 20, true],
  ])('says whether it is %s', (_what, values, goal, ratio, isMet) => {
    const row = rowOf('row', 'IOPS', values, [goal]);
    expect(judge(row, 'arrayfs', [row])).toEqual([{ target: 'arrayfs', goal, ratio, isMet }]);
  });

  it('holds each transport against its own limit', () => {
    const values = { 'arrayfs-native': 40, null: 80, 'null-native': 50 };
    const row = rowOf('row', 'IOPS', values, [againstLimit(0.75)]);
    expect(judge(row, 'arrayfs-native', [row])).toMatchObject([{ ratio: 0.8, isMet: true }]);
  });

  it.each([
    ['at least', atLeastOfRow('fresh', 0.7), 0.5, false],
    ['at most', atMostOfRow('fresh', 5), 0.5, true],
  ])('holds a row against another of the same target: %s', (_what, goal, ratio, isMet) => {
    const fresh = rowOf('fresh', 'IOPS', { arrayfs: 200, 'arrayfs-lmdb': 1 });
    const aged = rowOf('aged', 'IOPS', { arrayfs: 100 }, [goal]);
    expect(judge(aged, 'arrayfs', [aged, fresh])).toMatchObject([{ ratio, isMet }]);
  });

  it.each([
    ['the other target', rowOf('row', 'IOPS', { arrayfs: 1 }, [againstQemu(1)])],
    ['the target itself', rowOf('row', 'IOPS', { qemu: 1 }, [againstQemu(1)])],
    ['the other row', rowOf('row', 'IOPS', { arrayfs: 1 }, [atLeastOfRow('missing', 1)])],
    [
      'any sample',
      { ...rowOf('row', 'ms', {}, [valueAtMost(1)]), cells: [{ target: 'arrayfs', samples: [] }] },
    ],
  ])('is silent without %s', (_what, row) => {
    expect(judge(row, 'arrayfs', [row])).toEqual([]);
  });
});

describe('goalText', () => {
  it.each([
    [againstQemu(0.95), '>= 0.95 of qemu'],
    [againstLimit(0.6), '>= 0.6 of do-nothing'],
    [atMostOfRow('idle', 5), '<= 5 of idle'],
    [valueAtMost(20), '<= 20 ms'],
  ])('%o', (goal, text) => {
    expect(goalText(rowOf('row', 'ms', {}), goal)).toBe(text);
  });
});
