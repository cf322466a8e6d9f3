/** The results as text, as Markdown, in the README and as a picture. */
import { describe, expect, it } from 'vitest';
import { barsOf, drawFigure } from '../../../scripts/benchmark/figure.js';
import { withMeasured } from '../../../scripts/benchmark/publish.js';
import { markdownReport, textReport } from '../../../scripts/benchmark/report.js';
import { againstLimit, againstQemu, valueAtMost } from '../../../scripts/benchmark/row.js';
import { resultsOf, rowOf } from './result-fixture.js';

const READ = rowOf('read', 'IOPS', { arrayfs: 12_345, qemu: 10_000, null: 20_000 }, [
  againstQemu(1.5),
  againstLimit(0.6),
]);
const SNAPSHOT = rowOf('snapshot', 'ms', { arrayfs: 3.21 }, [valueAtMost(20)]);
const BROKEN = {
  ...rowOf('broken', 'IOPS', {}),
  cells: [{ target: 'arrayfs', samples: [], problem: 'failed: fio\nsecond line' }],
};
const RESULTS = { ...resultsOf([READ, SNAPSHOT, BROKEN]), warnings: ['the machine is not idle'] };

describe('textReport', () => {
  const text = textReport(RESULTS);
  const line = (start: string) => text.split('\n').find((each) => each.startsWith(start));

  it.each([
    [
      '2026-11-20 12:34',
      '2026-11-20 12:34 UTC: 2 x Test CPU; 24 GiB, kernel 6.1, arrayfs abc1234; medians of 3 interleaved rounds',
    ],
    ['read ', 'read      IOPS    12345  10000  20000'],
    ['snapshot ', 'snapshot    ms     3.21      -      -'],
    ['broken ', 'broken    IOPS        !      -      -'],
    ['warning', 'warning: the machine is not idle'],
    ['not measured', 'not measured: arrayfs: failed: fio (broken)'],
  ])('has a line %s', (start, expected) => {
    expect(line(start)).toBe(expected);
  });

  it('says of each goal whether it is met', () => {
    const verdicts = text.split('\n').filter((each) => each.startsWith('title of'));
    expect(verdicts.map((each) => each.replace(/ +/g, ' '))).toEqual([
      'title of read >= 1.5 of qemu 1.23 MISSED',
      'title of read >= 0.6 of do-nothing 0.62 met',
      'title of snapshot <= 20 ms 3.21 met',
    ]);
  });
});

describe('markdownReport', () => {
  it('has tables with a rule below the header', () => {
    const lines = markdownReport(RESULTS).split('\n');
    expect(lines).toContain('| title of snapshot | <= 20 ms             | 3.21 met    |');
    expect(lines).toContain('| ----------------- | -------------------- | ----------- |');
  });
});

describe('withMeasured', () => {
  const readme = [
    ...['before', '<!-- scripts/bench --publish: begin -->', 'old'],
    ...['<!-- scripts/bench --publish: end -->', 'after'],
  ].join('\n');

  it('replaces what is between the marks, again and again', () => {
    const once = withMeasured(readme, 'new\n');
    expect(once).not.toContain('old');
    expect(once).toMatch(/^before\n<!--[^\n]*begin -->\n\n!\[[^\n]*\.svg\)\n\nnew\n\n<!--/);
    expect(once.endsWith('after')).toBe(true);
    expect(withMeasured(once, 'new\n')).toBe(once);
  });

  it('refuses a text without marks', () => {
    expect(() => withMeasured('text', 'new')).toThrow('no marks');
  });
});

describe('figure', () => {
  it('has a bar for each goal that a ratio decides', () => {
    expect(barsOf(RESULTS, 'target')).toMatchObject([
      { title: 'title of read', judgement: { isMet: false } },
    ]);
    expect(barsOf(RESULTS, 'limit')).toMatchObject([
      { title: 'title of read', judgement: { isMet: true } },
    ]);
  });

  it('is an SVG with titles, ratios, date and machine', () => {
    const svg = drawFigure(RESULTS);
    expect(svg).toMatch(/^<svg /);
    for (const text of ['title of read', '1.23', '0.62', '2026-11-20', 'Test CPU']) {
      expect(svg).toContain(text);
    }
  });

  it('is not drawn of nothing', () => {
    expect(() => drawFigure(resultsOf([SNAPSHOT]))).toThrow('no row');
  });
});
