/** The order of measurements, and texts that other programs print. */
import { describe, expect, it } from 'vitest';
import { ticksOf } from '../../../scripts/benchmark/busy-processes.js';
import { Cleanup } from '../../../scripts/benchmark/cleanup.js';
import { residentBytes } from '../../../scripts/benchmark/host-caches.js';
import { anonymousOf } from '../../../scripts/benchmark/memory-watch.js';
import { transactionsPerSecond } from '../../../scripts/benchmark/postgres.js';
import { ResultCollector } from '../../../scripts/benchmark/results.js';
import type { Row } from '../../../scripts/benchmark/row.js';
import { QUICK_SCALE } from '../../../scripts/benchmark/scale.js';
import {
  type BenchRun,
  interleave,
  measureRows,
  type Place,
  rotated,
} from '../../../scripts/benchmark/suite.js';

describe('rotated', () => {
  it.each([
    [1, ['b', 'c', 'a']],
    [2, ['c', 'a', 'b']],
    [3, ['a', 'b', 'c']],
  ])('begins with another value in round %d', (round, expected) => {
    expect(rotated(['a', 'b', 'c'], round)).toEqual(expected);
  });

  it('of nothing is nothing', () => {
    expect(rotated([], 1)).toEqual([]);
  });
});

const row = (name: string, ...targets: string[]): Row => ({
  ...{ name, title: name, unit: 'IOPS', goals: [], targets },
});
const kindOf = (name: string) => ({ name, diskFactor: 0, create: () => expect.unreachable() });

describe('interleave', () => {
  it('runs every row on its targets before the next row, round by round', async () => {
    const entrants = ['a', 'b'].map((name) => ({ kind: kindOf(name) }));
    const steps: string[] = [];
    const rows = [row('one', 'a', 'b'), row('two', 'a')];
    await interleave({ rounds: 2 }, rows, entrants, async ({ name }, { kind }, _label, round) => {
      steps.push(`${round} ${name} ${kind.name}`);
    });
    expect(steps).toEqual(['1 one b', '1 one a', '1 two a', '2 one a', '2 one b', '2 two a']);
  });
});

describe('measureRows', () => {
  it('goes on without a place where something failed, and says so', async () => {
    const results = new ResultCollector();
    const bench: BenchRun = {
      ...{ cleanup: new Cleanup(), scale: QUICK_SCALE, rounds: 2, kinds: [], directory: '' },
      ...{ results, save: () => {}, warn: () => {}, tell: () => {} },
    };
    const places: Place[] = ['a', 'b'].map((name) => ({
      ...{ kind: kindOf(name), made: undefined, problem: undefined },
    }));
    const rows = [row('one', 'a', 'b'), row('two', 'a', 'b'), row('unused', 'a', 'b')];
    const discarded: string[] = [];
    await measureRows(bench, rows, places, {
      isFor: ({ name }) => name !== 'unused',
      discard: ({ kind }) => discarded.push(kind.name),
      async sample({ name }, { kind }, round) {
        if (kind.name === 'b' && name === 'two') throw new Error('broken');
        return { value: round };
      },
    });
    const cells = results.results().flatMap(({ name, cells: own }) => {
      return own.map(({ target, samples, problem }) => {
        return [name, target, samples.map(({ value }) => value).join(' '), problem];
      });
    });
    expect(cells).toEqual([
      ['one', 'a', '1 2', undefined],
      ['one', 'b', '1', 'not run: broken'],
      ['two', 'a', '1 2', undefined],
      ['two', 'b', '', 'failed: broken'],
    ]);
    expect(discarded).toEqual(['b']);
  });
});

describe('texts of other programs', () => {
  it('RssAnon of /proc/PID/status', () => {
    expect(anonymousOf('VmRSS:\t  999 kB\nRssAnon:\t    2048 kB\nRssFile:\t 1 kB\n')).toBe(2);
    expect(anonymousOf('Name:\tkernel thread\n')).toBeUndefined();
  });

  it('times of /proc/PID/stat, also of a name with blanks and brackets', () => {
    const fields = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 500, 60, 0, 0];
    expect(ticksOf(`77 (a (b) c) S ${fields.join(' ')}\n`)).toEqual({
      name: 'a (b) c',
      ticks: 560,
    });
    expect(ticksOf('nonsense')).toBeUndefined();
  });

  it('memory of files, as fincore lists it', () => {
    expect(residentBytes('  4096\n 12288\n')).toBe(16384);
    expect(residentBytes('')).toBe(0);
  });

  it('the rate of pgbench', () => {
    const text = 'latency average = 3 ms\ntps = 319.25 (without initial connection time)\n';
    expect(transactionsPerSecond(text)).toBe(319.25);
    expect(() => transactionsPerSecond('nothing')).toThrow('no rate');
  });
});
