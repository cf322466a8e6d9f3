/**
 * The house rules that a machine can check: who may import whom (the table of the style guide, as
 * data), who owns a dependency, and which words are kept to which files.
 */
import { describe, expect, it } from 'vitest';
import { parseSource, type SourceFile, sourceFiles } from './support/source-file.js';

/**
 * Folder (or file of src) -> what it may import besides itself: folders, or single files where only
 * a contract is meant. A file's own row replaces the row of its folder.
 */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  base: [],
  host: ['base'],
  store: ['base'],
  volume: ['base', 'store'],
  pair: ['base', 'store', 'volume'],
  device: ['base', 'store', 'volume'],
  san: ['base'],
  /** Loaded by threads: nothing of the array. */
  microprocessor: ['base', 'device', 'san'],
  /** Contracts of volume and device join when they are there. */
  ecopy: ['base', 'san'],
  array: [
    ...['base', 'host', 'store', 'volume', 'pair', 'device', 'san', 'microprocessor', 'ecopy'],
  ],
  control: [
    ...['base', 'array', 'volume/volume-info', 'san/configuration', 'san/fault-text', 'san/faults'],
    'san/port-id',
    'san/turns',
  ],
  'control/command-row': ['base'],
  'control/pair-command-rows': ['base', 'control/command-row'],
  'control/pool-command-rows': ['control/command-row', 'store/container-kind'],
  'control/ecopy-command-rows': ['control/command-row'],
  'control/san-command-rows': ['control/command-row', 'san/configuration', 'san/faults'],
  'control/command-table': [
    ...['base', 'control/command-row', 'control/pair-command-rows', 'control/pool-command-rows'],
    'control/san-command-rows',
    'control/ecopy-command-rows',
  ],
  'control/command-time': ['base'],
  'control/command-values': [
    ...['base', 'control/command-row', 'control/command-time', 'san/configuration'],
    ...['san/fault-text', 'san/faults', 'san/port-id'],
  ],
  'control/command-parser': ['base', 'control/command-table', 'control/command-values'],
  fuse: ['base', 'host', 'array', 'control'],
  client: ['base', 'host', 'control/command-table'],
  backup: ['base', 'host', 'client', 'volume/volume-info'],
  console: ['base', 'client', 'control/command-table'],
  cli: [
    ...['base', 'host', 'client', 'backup', 'console'],
    ...['control/command-table', 'control/command-row', 'control/table-layout'],
    'volume/volume-info',
  ],
  'cli/check': ['cli', 'base', 'host', 'client', 'store'],
  'cli/init': ['cli', 'base', 'host', 'client', 'store'],
  /** The bytes of SCSI commands and answers. */
  'cli/scsi': ['cli', 'base', 'ecopy'],
  /** Reads cartridges where there is no array and no daemon. */
  'cli/tape': ['cli', 'base', 'device'],
  assemble: [
    ...['base', 'host', 'store', 'volume', 'pair', 'device', 'san', 'microprocessor', 'ecopy'],
    ...['array', 'control', 'fuse'],
  ],
  main: ['base', 'host', 'array', 'fuse', 'assemble', 'store/pool-files'],
};

/** Package -> the files of src that may import it. One owner keeps a dependency replaceable. */
const PACKAGE_OWNERS: Readonly<Record<string, RegExp>> = {
  lmdb: /^(store\/lmdb-|backup\/server\/catalog-store$)/,
  'fuse-native': /^fuse\/fuse-native-library$/,
  commander: /^cli\//,
  zod: /^(backup|console|cli)\//,
  hono: /^(backup\/server|console)\//,
  '@hono/node-server': /^(backup\/server|console)\//,
  croner: /^backup\/server\/schedule$/,
  pino: /^backup\/backup-log$/,
  undici: /^backup\/http-client$/,
  'prom-client': /^backup\/server\/metrics$/,
  'node:http': /^console\//,
  'node:timers': /^base\/clock$/,
  'node:timers/promises': /^base\/clock$/,
  'node:perf_hooks': /^base\/clock$/,
};

/** What must not be written, where it may be, and what to use instead. */
const BANNED_WORDS: readonly { word: RegExp; allowedIn: RegExp; instead: string }[] = [
  { word: /\bDate\.now\b|\bnew Date\(\)/, allowedIn: /^base\/clock$/, instead: 'Clock.nowMs' },
  { word: /\bMath\.random\b/, allowedIn: /^base\/clock$/, instead: 'Clock.randomBytes' },
  { word: /\bset(Timeout|Interval|Immediate)\b/, allowedIn: /^base\/clock$/, instead: 'Clock' },
  { word: /\bperformance\.now\b/, allowedIn: /^base\/clock$/, instead: 'Clock.monotonicMs' },
  { word: /\bprocess\.exit\(|\bconsole\./, allowedIn: /^(main$|cli\/)/, instead: 'an ArrayError' },
  { word: /(:|\bas|<|\|)\s*any\b(?!\()/, allowedIn: /^$/, instead: 'unknown' },
  { word: /^export (default|\*)/m, allowedIn: /^$/, instead: 'a named export' },
];

const FILE_LINES_MAX = 500;
const FILE_LINES_ASK = 300;
/** Files over 300 lines that are one topic all the same, with the lines they may not outgrow. */
const LONG_FILES: Readonly<Record<string, number>> = {
  'src/array/array': 332,
};

const sources = sourceFiles('src');

describe('architecture', () => {
  it('imports only what the table allows', () => {
    expect(sources.flatMap(importProblems)).toEqual([]);
  });

  it('has no cycle of imports', () => {
    expect(importCycles(sources)).toEqual([]);
  });

  it('leaves each dependency to its owner', () => {
    expect(sources.flatMap(packageProblems)).toEqual([]);
  });

  it('keeps time, chance, output and exits where they belong', () => {
    expect(sources.flatMap(wordProblems)).toEqual([]);
  });

  it('has files that are short, named in kebab-case, and say what they are', () => {
    const all = [...sources, ...sourceFiles('test'), ...sourceFiles('scripts')];
    expect(all.flatMap(shapeProblems)).toEqual([]);
  });
});

describe('the rules themselves', () => {
  const problemsOf = (file: string, text: string) => {
    const source = parseSource(`src/${file}`, text);
    return [importProblems, packageProblems, wordProblems, shapeProblems].flatMap((rule) =>
      rule(source),
    ).length;
  };
  it.each([
    ['a lower layer importing a higher one', 'base/x.ts', "import { a } from '../store/y.js';"],
    ['more than the row of a file', 'control/command-table.ts', "import '../array/disk-array.js';"],
    ['a folder without a row', 'new-folder/x.ts', "import { a } from '../base/y.js';"],
    ['a dependency outside its owner', 'array/x.ts', "import { open } from 'lmdb';"],
    ['an unknown dependency', 'array/x.ts', "import x from 'unknown-package';"],
    ['time', 'array/x.ts', 'const now = Date.now();'],
    ['output', 'array/x.ts', 'console.log(1);'],
    ['any', 'array/x.ts', 'let x: any;'],
    ['a default export', 'array/x.ts', 'export default 1;'],
    ['a barrel', 'array/index.ts', ''],
    ['another spelling', 'array/camelCase.ts', ''],
    ['a long file', 'array/x.ts', '\n'.repeat(301)],
  ])('find %s', (_what, file, text) => {
    expect(problemsOf(file, `/** Head. */\n${text}`)).toBe(1);
  });

  it.each([
    ['a comment', 'array/x.ts', '// Date.now() is not used here'],
    ['a string', 'array/x.ts', "throw new Error('console.log is not used here');"],
    ['an allowed import', 'array/x.ts', "import type { a } from '../volume/y.js';"],
    ['an owner', 'store/lmdb-store.ts', "import { open } from 'lmdb';"],
  ])('leave %s alone', (_what, file, text) => {
    expect(problemsOf(file, `/** Head. */\n${text}`)).toBe(0);
  });

  it('find a cycle over three files', () => {
    const cycle = [
      parseSource('src/a.ts', "import { b } from './b.js';"),
      parseSource('src/b.ts', "import { c } from './c.js';"),
      parseSource('src/c.ts', "import type { a } from './a.js';"),
    ];
    expect(importCycles(cycle)).toEqual(['src/a > src/b > src/c > src/a']);
  });
});

function importProblems(source: SourceFile): string[] {
  const file = source.path.replace(/^src\//, '');
  const folder = file.split('/')[0] as string;
  const row = MAY_IMPORT[file] ?? MAY_IMPORT[folder];
  if (row === undefined) return [`${source.path}: '${folder}' has no row in the import table`];
  const allowed = MAY_IMPORT[file] ? row : [folder, ...row];
  return source.imports
    .map((path) => path.replace(/^src\//, ''))
    .filter((path) => !allowed.some((entry) => path === entry || path.startsWith(`${entry}/`)))
    .map((path) => `${source.path} must not import ${path}`);
}

function importCycles(files: readonly SourceFile[]): string[] {
  const byPath = new Map(files.map((source) => [source.path, source]));
  const finished = new Set<string>();
  const cycles: string[] = [];
  const visit = (path: string, trail: readonly string[]) => {
    if (trail.includes(path)) cycles.push([...trail.slice(trail.indexOf(path)), path].join(' > '));
    if (finished.has(path) || trail.includes(path)) return;
    for (const next of byPath.get(path)?.imports ?? []) visit(next, [...trail, path]);
    finished.add(path);
  };
  for (const source of files) visit(source.path, []);
  return cycles;
}

function packageProblems(source: SourceFile): string[] {
  const file = source.path.replace(/^src\//, '');
  return source.packages
    .filter((name) => !(PACKAGE_OWNERS[name]?.test(file) ?? name.startsWith('node:')))
    .map((name) => `${source.path} must not import the package '${name}'`);
}

function wordProblems(source: SourceFile): string[] {
  const file = source.path.replace(/^src\//, '');
  return BANNED_WORDS.filter(
    ({ word, allowedIn }) => word.test(source.code) && !allowedIn.test(file),
  ).map(({ word, instead }) => `${source.path} has ${word.exec(source.code)?.[0]}: use ${instead}`);
}

function shapeProblems({ path, text, lineCount }: SourceFile): string[] {
  const name = path.split('/').at(-1) as string;
  const linesMax = LONG_FILES[path] ?? FILE_LINES_ASK;
  const problems: string[] = [];
  if (!/^[a-z0-9]+(-[a-z0-9]+)*(\.test|\.d)?$/.test(name)) problems.push('is not in kebab-case');
  if (name === 'index') problems.push('is a barrel');
  if (!/^(#!.*\n)?\/\*\*/.test(text)) problems.push('has no head comment');
  if (lineCount > Math.min(linesMax, FILE_LINES_MAX)) {
    problems.push(`has ${lineCount} lines, more than ${linesMax}`);
  }
  return problems.map((problem) => `${path} ${problem}`);
}
