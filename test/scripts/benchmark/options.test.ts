/** The command line of scripts/bench. */
import { describe, expect, it } from 'vitest';
import { type MeasureOptions, parseOptions } from '../../../scripts/benchmark/options.js';
import { atLeastOfRow, type Row } from '../../../scripts/benchmark/row.js';
import { FULL_SCALE, QUICK_SCALE } from '../../../scripts/benchmark/scale.js';

const row = (name: string, more: Partial<Row> = {}): Row => ({
  ...{ name, title: name, unit: 'IOPS', goals: [], targets: ['arrayfs'] },
  ...more,
});
const ROWS = [
  row('read', { isQuick: true }),
  row('read-cold'),
  row('write', { isQuick: true, goals: [atLeastOfRow('read', 0.9)] }),
  row('write-extra', { isExtra: true }),
];

function measured(...words: string[]): MeasureOptions {
  const options = parseOptions(words, ROWS);
  if (options.kind !== 'measure') throw new Error(options.kind);
  return options;
}
const namesOf = (...words: string[]) => measured(...words).rows.map(({ name }) => name);

describe('parseOptions', () => {
  it.each([
    ['all rows but extra ones', [], ['read', 'read-cold', 'write']],
    ['the main rows', ['--quick'], ['read', 'write']],
    ['a row by its name alone', ['--rows', 'read'], ['read']],
    ['rows by their beginning', ['--rows', 'rea'], ['read', 'read-cold']],
    ['an extra row by name, in order', ['--rows', 'write-extra,read'], ['read', 'write-extra']],
    ['what has a goal, and what that is held against', ['--rows', 'goals'], ['read', 'write']],
    ['any row in small', ['--quick', '--rows', 'read-cold'], ['read-cold']],
  ])('chooses %s', (_what, words, names) => {
    expect(namesOf(...words)).toEqual(names);
  });

  it('takes three rounds of full size, or one of small', () => {
    expect(measured()).toMatchObject({ rounds: 3, scale: FULL_SCALE, isQuick: false });
    expect(measured('--quick')).toMatchObject({ rounds: 1, scale: QUICK_SCALE, isQuick: true });
    expect(measured('--quick', '--rounds', '2').rounds).toBe(2);
  });

  it('keeps the order of targets', () => {
    expect(measured('--targets', 'null,arrayfs').targets).toEqual(['arrayfs', 'null']);
    expect(measured('--quick').targets).toEqual(['arrayfs', 'arrayfs-lmdb', 'qemu', 'null']);
    expect(measured().targets).toContain('null-native');
  });

  it('knows what else there is', () => {
    expect(parseOptions(['--help'], ROWS)).toEqual({ kind: 'help' });
    expect(parseOptions(['--markdown', '/a.json'], ROWS)).toEqual({
      kind: 'markdown',
      jsonFiles: ['/a.json'],
    });
    expect(parseOptions(['--publish', '/a.json'], ROWS)).toEqual({
      kind: 'publish',
      jsonFiles: ['/a.json'],
    });
    expect(parseOptions(['--figure', '/a.json', '/b.json', '/c.svg'], ROWS)).toEqual({
      ...{ kind: 'figure', jsonFiles: ['/a.json', '/b.json'], svgFile: '/c.svg' },
    });
  });

  it.each([
    [['--rows', 'nothing'], "no row begins with 'nothing'"],
    [['--rows', ''], 'no row'],
    [['--targets', 'tape'], "no target 'tape'"],
    [['--rounds', '0'], '--rounds'],
    [['--rounds', 'x'], '--rounds'],
    [['stray'], "'stray'"],
    [['--markdown'], '--markdown takes'],
    [['--publish'], '--publish takes'],
    [['--figure', 'a.json'], '--figure takes'],
    [['--figure', 'a.json', 'b.json'], '--figure takes'],
    [['--fast'], 'fast'],
  ])('refuses %j', (words, message) => {
    expect(() => parseOptions(words, ROWS)).toThrow(message);
  });
});
