/**
 * What the documents say is true: commands, options, tables and limits are those of the program,
 * every example parses, every file and function named exists. What an example does is tested
 * elsewhere.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { PAIR_EVENT_CODES } from '../src/array/pair-history.js';
import { ERROR_TABLE } from '../src/base/errors.js';
import * as limits from '../src/base/limits.js';
import { commandLine } from '../src/client/command-line.js';
import { parseCommand } from '../src/control/command-parser.js';
import { COMMANDS, findCommand } from '../src/control/command-table.js';
import { STATUS_TABLES } from '../src/control/status-tables.js';
import { RECORD_KIND } from '../src/store/keys.js';
import { sourceFiles } from './support/source-file.js';

const ROOT = resolve(import.meta.dirname, '..');
const DOCUMENTS = ['README.md', 'src/README.md', 'native-notes/README.md'];

const textOf = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const readme = textOf('README.md');
const architecture = textOf('src/README.md');
const sources = sourceFiles('src');
const sourceText = sources.map((source) => source.text).join('\n');

/** Lines of fenced code in the given languages, without comments at their end. */
function codeLines(text: string, languages: readonly string[]): string[] {
  const blocks = [...text.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)];
  return blocks
    .filter(([, language]) => languages.includes(language ?? ''))
    .flatMap(([, , code = '']) => code.split('\n'))
    .map((line) => line.replace(/\s{2,}# .*$/, ''));
}

/** Cells of the table rows whose first cell is `code`; the code without its backticks. */
function tableRows(text: string): string[][] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}

const codes = (cell: string) => [...cell.matchAll(/`([^`]+)`/g)].map((match) => match[1] as string);

const exampleLines = codeLines(readme, ['sh', 'console', 'ini']);
const controlExamples = exampleLines.flatMap((line) => {
  const [, text, name] = /echo '([^']*)'\s*> \S*ctl\/([a-z]+)/.exec(line) ?? [];
  return name === undefined ? [] : [{ name, text: text ?? '' }];
});
const cliExamples = exampleLines.flatMap((line) => {
  const [, rest] =
    /(?:^|[\s(/])arrayfs ([^|<>&]*)/.exec(line.replace(/\$\(base64[^)]*\)/, 'AA')) ?? [];
  return rest === undefined || line.startsWith('git ') || line.startsWith('sudo ')
    ? []
    : [shellWords(rest.replace(/\)"?$/, ''))];
});

function shellWords(line: string): string[] {
  const words = line.match(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g) ?? [];
  return words.map((word) => word.replace(/["']/g, ''));
}

/** The program as it is built; from the sources it would not find package.json. */
async function programBuilder(): Promise<() => Command> {
  execFileSync(join(ROOT, 'scripts/arrayfs'), ['--version']);
  const file = pathToFileURL(join(ROOT, 'dist/src/cli/program.js')).href;
  return ((await import(file)) as { buildProgram(): Command }).buildProgram;
}

interface Leaf {
  /** Without the name of the program. */
  readonly path: string;
  readonly command: Command;
}

function leaves(parent: Command, path: readonly string[] = []): Leaf[] {
  return parent.commands.flatMap((command) => {
    const names = [...path, command.name()];
    return command.commands.length > 0
      ? leaves(command, names)
      : [{ path: names.join(' '), command }];
  });
}

const buildProgram = await programBuilder();
const program = buildProgram();
const commands = leaves(program);

describe('README: commands', () => {
  it.each(COMMANDS.map((command) => command.name))('shows ctl/%s with an example', (name) => {
    expect(controlExamples.map((example) => example.name)).toContain(name);
  });

  it.each(controlExamples)("ctl/$name takes '$text'", ({ name, text }) => {
    const command = findCommand(name);
    if (command === undefined) throw new Error(`there is no command ${name}`);
    expect(() => parseCommand(command, Buffer.from(`${text}\n`))).not.toThrow();
  });

  it.each(commands.map((leaf) => leaf.path))('shows arrayfs %s with an example', (path) => {
    const shown = cliExamples.map((words) => words.join(' '));
    expect(shown.filter((line) => line === path || line.startsWith(`${path} `))).not.toEqual([]);
  });

  it.each(cliExamples.map((words) => [words.join(' '), words] as const))(
    'arrayfs %s parses',
    async (_line, words) => {
      const run = await parsed(words);
      const command = COMMANDS.find((row) => run === `${row.group} ${row.verb}`);
      const line = Buffer.from(commandLine(calledWith, {}));
      if (command !== undefined) expect(() => parseCommand(command, line)).not.toThrow();
    },
  );

  it('explains every option', () => {
    const options = [program, ...commands.map((leaf) => leaf.command)].flatMap((command) =>
      command.options.map((option) => option.long ?? ''),
    );
    expect([...new Set(options)].filter((option) => !readme.includes(option))).toEqual([]);
  });
});

/** Arguments of the command that the last `parsed` ended in. */
let calledWith: readonly string[] = [];

/** The path of the command that would run. Help and version end the parsing well. */
async function parsed(words: readonly string[]): Promise<string> {
  const tried = buildProgram();
  let called = '';
  for (const { path, command } of leaves(tried)) {
    command.exitOverride().configureOutput({ writeOut: () => {}, writeErr: () => {} });
    command.action(() => {
      called = path;
      calledWith = command.args;
    });
  }
  tried.configureOutput({ writeOut: () => {}, writeErr: () => {} });
  try {
    await tried.parseAsync([...words], { from: 'user' });
  } catch (error) {
    if ((error as { exitCode?: unknown }).exitCode !== 0) throw error;
    return '';
  }
  expect(called).not.toBe('');
  return called;
}

describe('README: tables', () => {
  const values = new Map(
    tableRows(readme).map(([name = '', value = '']) => [codes(name)[0], value]),
  );

  it.each(Object.entries(limits))('has the limit %s', (name, value) => {
    expect(amount(values.get(name) ?? 'no such row')).toBe(value);
  });

  it('has no limit that does not exist', () => {
    const named = [...`${readme}${architecture}`.matchAll(/`([A-Z]+(?:_[A-Z]+)+)`/g)];
    const unknown = named
      .map((match) => match[1] as string)
      .filter((name) => !(name in limits) && !new RegExp(`\\b${name} =`).test(sourceText))
      .filter((name) => !name.startsWith('ARRAYFS_') && name !== 'O_SYNC');
    expect(unknown).toEqual([]);
  });

  it('has every status table', () => {
    const shown = [...values.keys()].filter((name) => name?.startsWith('status/'));
    expect(shown).toEqual(STATUS_TABLES.map((table) => `status/${table.name}`));
  });

  it('has every event', () => {
    const recorded = [...sourceText.matchAll(/recordEvent\(\s*(?:\w+ \? )?'([A-Z-]+)'/g)];
    expect(recorded.length).toBeGreaterThan(10);
    const all = [...recorded.map((match) => match[1]), ...Object.keys(PAIR_EVENT_CODES)];
    expect(all.filter((code) => !readme.includes(`\`${code}\``))).toEqual([]);
  });

  it('names errors of the table alone', () => {
    const named = readme.match(/(?<!-)\bE(?!PYC)[A-Z]{3,}\b(?! COPY)/g) ?? [];
    expect(named.filter((code) => !(code in ERROR_TABLE))).toEqual([]);
  });
});

/** `16 TiB`, `1,024`, `512 bytes`, `1,000 ms` as a number. */
function amount(text: string): number {
  const units = { '': 1, bytes: 1, ms: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 };
  const [, digits = '', unit = ''] = /^([\d,]+) ?(\w*)$/.exec(text) ?? [];
  return (
    Number(digits.replaceAll(',', '') || Number.NaN) *
    (units[unit as keyof typeof units] ?? Number.NaN)
  );
}

describe('src/README', () => {
  it('has the import table of the architecture test', () => {
    const table =
      /const MAY_IMPORT[^{]*\{([\s\S]*?)^\};/m.exec(textOf('test/architecture.test.ts'))?.[1] ?? '';
    const rule = table
      .split(/^ {2}(?=['\w])/m)
      .slice(1)
      .map((row) => {
        const [, name = '', imports = ''] = /^'?([\w/-]+)'?:([\s\S]*)$/.exec(row) ?? [];
        return { row: name, imports: [...imports.matchAll(/'([^']+)'/g)].map((entry) => entry[1]) };
      });
    const there = rule.filter(
      ({ row }) => existsSync(join(ROOT, 'src', row)) || existsSync(join(ROOT, `src/${row}.ts`)),
    );
    const section = /## Who imports whom([\s\S]*?)\n## /.exec(architecture)?.[1] ?? '';
    const shown = tableRows(section).map(([row = '', imports = '']) => ({
      row: codes(row)[0],
      imports: codes(imports),
    }));
    expect(there.length).toBeGreaterThan(10);
    expect(shown).toEqual(there);
  });

  it('has every kind of record', () => {
    const shown = [...architecture.matchAll(/^\| (\d+) (\w+) +\|/gm)].map((row) => [
      row[2],
      Number(row[1]),
    ]);
    expect(Object.fromEntries(shown)).toEqual(RECORD_KIND);
  });

  it('names classes and functions that exist', () => {
    const named = [...architecture.matchAll(/`([A-Z]\w+)\.(\w+)`/g)];
    const wrong = named.filter(([, owner, member]) => {
      const file = sources.find(({ code }) =>
        new RegExp(`(class|interface) ${owner}\\b`).test(code),
      );
      return file === undefined || !new RegExp(`\\b${member}\\b`).test(file.code);
    });
    expect(named.length).toBeGreaterThan(20);
    expect(wrong.map((match) => match[0])).toEqual([]);
    const words = [...architecture.matchAll(/`([a-z]+[A-Z]\w+|[A-Z][a-z]\w+)`/g)];
    const unknown = words
      .map((match) => match[1] as string)
      .filter((word) => !new RegExp(`\\b${word}\\b`).test(sourceText));
    expect(unknown).toEqual([]);
  });
});

describe('all documents', () => {
  it.each(DOCUMENTS)('%s has no broken link', (document) => {
    const links = [
      ...textOf(document)
        .replace(/\n/g, ' ')
        .matchAll(/\]\(([^)\s]+)\)/g),
    ].map((match) => match[1] as string);
    expect(links.filter((link) => !link.startsWith('http') && !isThere(document, link))).toEqual(
      [],
    );
  });

  it.each(DOCUMENTS)('%s names files that exist', (document) => {
    const paths = codes(textOf(document).replace(/^```[\s\S]*?^```$/gm, '')).filter((text) =>
      /^(src|test|scripts|native-notes|base|host|store|volume|array|control|fuse|client|cli)\/[\w./-]+$/.test(
        text,
      ),
    );
    const missing = paths.filter((path) => {
      return !['', 'src', dirname(document)].some((folder) => {
        const place = join(ROOT, folder, path);
        return existsSync(place) || existsSync(`${place}.ts`);
      });
    });
    expect(missing).toEqual([]);
  });

  it('has a line for each native note', () => {
    const index = textOf('native-notes/README.md');
    const notes = readdirSync(`${ROOT}/native-notes`).filter((name) => /^[a-z].*md$/.test(name));
    expect(notes.filter((name) => !index.includes(`- [${name}](${name}): `))).toEqual([]);
  });
});

/** The file of a relative link, and the heading of its anchor. */
function isThere(document: string, link: string): boolean {
  const [path = '', anchor] = link.split('#');
  const file = path === '' ? join(ROOT, document) : join(ROOT, dirname(document), path);
  if (!existsSync(file)) return false;
  if (anchor === undefined) return true;
  const headings = [...readFileSync(file, 'utf8').matchAll(/^#+ (.*)$/gm)].map((match) =>
    (match[1] as string)
      .toLowerCase()
      .replace(/[^\w -]/g, '')
      .replaceAll(' ', '-'),
  );
  return headings.includes(anchor);
}
