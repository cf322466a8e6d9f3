/** What `scripts/bench` is asked to do. */
import { tmpdir } from 'node:os';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { Row } from './row.js';
import { FULL_SCALE, QUICK_SCALE, type Scale } from './scale.js';
import { QUICK_TARGETS, TARGET_NAMES } from './target-names.js';

export interface MeasureOptions {
  readonly kind: 'measure';
  readonly isQuick: boolean;
  readonly scale: Scale;
  readonly rounds: number;
  readonly rows: readonly Row[];
  readonly targets: readonly string[];
  /** Absolute path. */
  readonly directory: string;
  readonly jsonFile: string | undefined;
}

export type BenchOptions =
  | { readonly kind: 'help' }
  | { readonly kind: 'markdown'; readonly jsonFiles: readonly string[] }
  | { readonly kind: 'publish'; readonly jsonFiles: readonly string[] }
  | { readonly kind: 'figure'; readonly jsonFiles: readonly string[]; readonly svgFile: string }
  | MeasureOptions;

const ROUNDS = 3;
/** In place of the name of a row: all that have a goal. */
const GOALS = 'goals';

export function helpText(rows: readonly Row[]): string {
  return `usage: scripts/bench [options]
       scripts/bench --markdown RESULT.json ...
       scripts/bench --figure RESULT.json ... PICTURE.svg
       scripts/bench --publish RESULT.json ...

  --quick            small sizes, one round, the main rows and targets: shows that it works in two minutes
  --rounds N         rounds of each row, interleaved over the targets (${ROUNDS}; --quick: 1)
  --rows A,B         only these rows; a word that is no row means all that begin with it, and
                     '${GOALS}' all that have a goal
  --targets A,B      only these targets
  --dir DIRECTORY    where the files are measured (the temporary directory)
  --json FILE        writes everything there as well, after each part of the run
  --markdown         prints the tables of earlier runs; a row of a later file replaces an earlier one
  --figure           draws the ratios of earlier runs
  --publish          puts tables and picture of earlier runs into the README of this checkout
  --help

targets: ${TARGET_NAMES.join(' ')}

rows:
${rows.map((row) => `  ${row.name.padEnd(30)}${row.title}${row.isExtra ? ' (only by name)' : ''}`).join('\n')}
`;
}

/** Throws an Error with a line for the user. */
export function parseOptions(words: readonly string[], rows: readonly Row[]): BenchOptions {
  const { values, positionals } = parseArgs({
    args: [...words],
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      rows: { type: 'string' },
      targets: { type: 'string' },
      dir: { type: 'string', default: tmpdir() },
      json: { type: 'string' },
      markdown: { type: 'boolean', default: false },
      figure: { type: 'boolean', default: false },
      publish: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return { kind: 'help' };
  const files = positionals.map((file) => resolve(file));
  if (values.markdown || values.publish) {
    const kind = values.publish ? 'publish' : 'markdown';
    if (files.length === 0) throw new Error(`--${kind} takes result files`);
    return { kind, jsonFiles: files };
  }
  if (values.figure) {
    const svgFile = files.pop();
    if (svgFile === undefined || files.length === 0 || svgFile.endsWith('.json')) {
      throw new Error('--figure takes result files and the picture to write');
    }
    return { kind: 'figure', jsonFiles: files, svgFile };
  }
  if (positionals.length > 0) throw new Error(`what is '${positionals[0]}'? (--help)`);
  return {
    kind: 'measure',
    isQuick: values.quick,
    scale: values.quick ? QUICK_SCALE : FULL_SCALE,
    rounds: parseRounds(values.rounds ?? (values.quick ? '1' : String(ROUNDS))),
    rows: chooseRows(rows, values.rows, values.quick),
    targets: chooseTargets(values.targets, values.quick),
    directory: resolve(values.dir),
    jsonFile: values.json === undefined ? undefined : resolve(values.json),
  };
}

function parseRounds(word: string): number {
  const rounds = Number(word);
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error('--rounds takes a number from 1');
  return rounds;
}

function chooseRows(rows: readonly Row[], list: string | undefined, isQuick: boolean): Row[] {
  if (list === undefined) return rows.filter((row) => !row.isExtra && (!isQuick || row.isQuick));
  const chosen = new Set(list.split(',').flatMap((word) => rowsCalled(rows, word)));
  return rows.filter((row) => chosen.has(row));
}

function rowsCalled(rows: readonly Row[], word: string): Row[] {
  if (word === GOALS) return rowsWithGoals(rows);
  const named = rows.filter((row) => row.name === word);
  const found = named.length > 0 ? named : rows.filter((row) => row.name.startsWith(word));
  if (word === '' || found.length === 0) throw new Error(`no row begins with '${word}'`);
  return found;
}

/** And the rows that these are held against. */
function rowsWithGoals(rows: readonly Row[]): Row[] {
  const judged = rows.filter((row) => row.goals.length > 0);
  const references = judged.flatMap((row) =>
    row.goals.flatMap(({ to }) => (to.kind === 'row' ? [to.row] : [])),
  );
  return rows.filter((row) => judged.includes(row) || references.includes(row.name));
}

function chooseTargets(list: string | undefined, isQuick: boolean): readonly string[] {
  if (list === undefined) return isQuick ? QUICK_TARGETS : TARGET_NAMES;
  const words = list.split(',');
  const unknown = words.find((word) => !TARGET_NAMES.includes(word));
  if (unknown !== undefined) throw new Error(`no target '${unknown}': ${TARGET_NAMES.join(', ')}`);
  return TARGET_NAMES.filter((name) => words.includes(name));
}
