/** The rows as a whole: the table of goals is complete, and every reference leads somewhere. */
import { describe, expect, it } from 'vitest';
import { ARRAY_ROWS } from '../../../scripts/benchmark/array-rows.js';
import { FILE_SYSTEM_ROWS } from '../../../scripts/benchmark/file-system-rows.js';
import { IMAGE_ROWS } from '../../../scripts/benchmark/image-rows.js';
import type { Goal } from '../../../scripts/benchmark/row.js';
import { limitOf, TARGET_NAMES } from '../../../scripts/benchmark/target-names.js';
import { TARGET_KINDS } from '../../../scripts/benchmark/targets.js';

const ROWS = [...IMAGE_ROWS, ...FILE_SYSTEM_ROWS, ...ARRAY_ROWS];

function bound(goals: readonly Goal[], kind: Goal['to']['kind']): number | undefined {
  const goal = goals.find((each) => each.to.kind === kind);
  return goal?.atLeast ?? goal?.atMost;
}

describe('rows', () => {
  // The table of the issue: against QEMU, against the do-nothing limit.
  it.each([
    ['randread-4k', 0.95, 0.75],
    ['randread-4k-16', 1.5, 0.75],
    ['randread-4k-cold', 0.7, undefined],
    ['randread-4k-16-cold', 0.7, undefined],
    ['randwrite-4k-burst', 1, undefined],
    ['randwrite-4k-16-burst', 3, undefined],
    ['randwrite-4k-16-60s', 1, undefined],
    ['randwrite-4k-16-60s-16g', 0.7, undefined],
    ['randwrite-4k-fdatasync', 1.2, undefined],
    ['read-128k', 1.5, 0.6],
    ['read-1m', 3, 0.6],
    ['write-1m-burst', 0.7, 0.4],
    ['write-128k-pass', 0.95, undefined],
    ['write-1m-pass', 0.95, undefined],
  ])('%s has its goals: %s of QEMU, %s of the limit', (name, qemu, limit) => {
    const row = IMAGE_ROWS.find((each) => each.name === name);
    expect(bound(row?.goals ?? [], 'target')).toBe(qemu);
    expect(bound(row?.goals ?? [], 'limit')).toBe(limit);
  });

  it.each([
    ['randwrite-4k-16-60s-aged', 'row', 0.7],
    ['read-p99-writer-4k', 'row', 5],
    ['read-p99-writer-1m', 'row', 5],
    ['snapshot-load', 'value', 20],
    ['clone-load', 'value', 20],
    ['reflink-1g', 'value', 1],
    ['memory-thin', 'value', 512],
    ['ecopy-to-disk', 'row', 0.6],
    ['ecopy-to-tape', 'row', 0.5],
    ['ecopy-turns-1', 'row', 0.5],
    ['ecopy-turns-10', 'row', 0.85],
    ['ecopy-failover-disk', 'value', 1_000],
    ['ecopy-failover-tape', 'value', 1_000],
    ['ecopy-split-merge', 'value', 100],
  ] as const)('%s has its goal against a %s: %s', (name, kind, value) => {
    expect(bound(ROWS.find((row) => row.name === name)?.goals ?? [], kind)).toBe(value);
  });

  it('have names of their own', () => {
    expect(new Set(ROWS.map((row) => row.name)).size).toBe(ROWS.length);
  });

  it('name targets that exist', () => {
    expect(TARGET_KINDS.map((kind) => kind.name).sort()).toEqual([...TARGET_NAMES].sort());
    const unknown = ROWS.flatMap((row) =>
      row.targets.filter((name) => !TARGET_NAMES.includes(name)),
    );
    expect(unknown).toEqual([]);
  });

  it('on file systems are run with each page cache policy', () => {
    const targets = FILE_SYSTEM_ROWS.map((row) => row.targets);
    expect(targets.filter((names) => !names.includes('arrayfs-cache-kernel'))).toEqual([]);
  });

  it('are held only against what runs them', () => {
    const wrong = ROWS.flatMap((row) =>
      row.goals.filter(({ to }) => {
        if (to.kind === 'target') return !row.targets.includes(to.target);
        if (to.kind === 'limit') return !row.targets.includes(limitOf('arrayfs') ?? '');
        return (
          to.kind === 'row' && !ROWS.some((each) => each.name === to.row && each.unit === row.unit)
        );
      }),
    );
    expect(wrong).toEqual([]);
  });

  it('over 60 s and over 4 GiB count the final sync', () => {
    const honest = IMAGE_ROWS.filter((row) => /60s|-pass$/.test(row.name));
    expect(honest.length).toBe(6);
    expect(honest.filter((row) => row.io.sync !== 'end')).toEqual([]);
  });

  it('that read an image warm it or drop the caches', () => {
    const reads = IMAGE_ROWS.filter((row) => row.io.operation.includes('read'));
    expect(reads.filter((row) => row.before === 'settled')).toEqual([]);
  });
});
