/**
 * Puts the results of a run into the README and draws its picture, so that no figure is typed by hand. The
 * README has two marks; what is between them belongs to this program.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { drawFigure } from './figure.js';
import { markdownReport } from './report.js';
import type { BenchResults } from './results.js';

const FIGURE = 'native-notes/figures/measured.svg';
const BEGIN = '<!-- scripts/bench --publish: begin -->';
const END = '<!-- scripts/bench --publish: end -->';

/** `root` is that of the project. */
export function publish(results: BenchResults, root: string): void {
  if (results.isQuick) throw new Error('a run with --quick measures nothing worth publishing');
  const readme = join(root, 'README.md');
  const text = withMeasured(readFileSync(readme, 'utf8'), markdownReport(results));
  const figure = join(root, FIGURE);
  mkdirSync(dirname(figure), { recursive: true });
  writeFileSync(figure, drawFigure(results));
  writeFileSync(readme, text);
}

/** The README with another report. */
export function withMeasured(readme: string, report: string): string {
  const begin = readme.indexOf(BEGIN);
  const end = readme.indexOf(END);
  if (begin < 0 || end < begin) throw new Error('the README has no marks for the measured figures');
  const picture = `![arrayfs against QEMU and against a file system that does nothing](${FIGURE})`;
  return `${readme.slice(0, begin)}${BEGIN}\n\n${picture}\n\n${report.trim()}\n\n${readme.slice(end)}`;
}
