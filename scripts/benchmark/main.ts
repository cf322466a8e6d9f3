/**
 * `scripts/bench`: compares arrayfs with a do-nothing file system on the same transport, with QEMU's FUSE
 * export and with plain files, and measures what only arrayfs has. Leaves nothing behind.
 */
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DEFAULT_CONTAINER } from '../../src/store/container-kind.js';
import { ARRAY_SUITE } from './array-suite.js';
import { Cleanup } from './cleanup.js';
import { commandVersion } from './commands.js';
import { FILE_SYSTEM_SUITE } from './file-system-suite.js';
import { IMAGE_SUITE } from './image-suite.js';
import { describeMachine, machineWarnings } from './machine.js';
import { namedAsToday } from './older-results.js';
import { type BenchOptions, helpText, type MeasureOptions, parseOptions } from './options.js';
import { probeTargets } from './probe.js';
import { markdownReport, textReport } from './report.js';
import { type BenchResults, memoryRow, mergeResults, ResultCollector } from './results.js';
import type { BenchRun, Suite } from './suite.js';

const SUITES: readonly Suite[] = [IMAGE_SUITE, FILE_SYSTEM_SUITE, ARRAY_SUITE];
const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const ROWS = SUITES.flatMap((suite) => suite.rows);

/** Progress goes to standard error, so that standard output holds the tables alone. */
function tell(line: string): void {
  console.error(line);
}

async function measureAll(options: MeasureOptions, cleanup: Cleanup): Promise<number> {
  if (process.getuid?.() !== 0) throw new Error('only root may mount and drop caches');
  if (!commandVersion('fio', ['--version'])) throw new Error('fio is missing');
  const machine = await describeMachine(options.directory);
  const warnings = machineWarnings(machine);
  for (const warning of warnings) tell(`warning: ${warning}`);
  const directory = mkdtempSync(join(options.directory, 'arrayfs-bench-'));
  // PostgreSQL runs as a user of its own.
  chmodSync(directory, 0o711);
  cleanup.add(() => rmSync(directory, { recursive: true, force: true }));
  const results = new ResultCollector();
  const warn = (line: string) => {
    if (warnings.includes(line)) return;
    warnings.push(line);
    tell(`warning: ${line}`);
  };
  const { isQuick, rounds, scale } = options;
  const place = { cleanup, scale, rounds, directory, results, warn, tell };
  const everything = (): BenchResults => {
    const measured = results.results();
    const rows = [...measured, ...memoryRow(measured)];
    const defaultContainer = DEFAULT_CONTAINER;
    return { machine, warnings, isQuick, rounds, scale, defaultContainer, rows };
  };
  const save = () => {
    if (options.jsonFile !== undefined) writeJson(options.jsonFile, everything());
  };
  const bench: BenchRun = { ...place, save, kinds: await probeTargets(place, options) };
  for (const suite of SUITES) {
    const rows = suite.rows.filter((row) => options.rows.includes(row));
    if (rows.length > 0) await suite.run(bench, rows);
    save();
  }
  console.log(`\n${textReport(everything())}`);
  return results.hasFailures() ? 1 : 0;
}

function writeJson(file: string, content: BenchResults): void {
  writeFileSync(file, `${JSON.stringify(content, undefined, 2)}\n`);
}

function readResults(files: readonly string[]): BenchResults {
  const runs = files.map((file) => JSON.parse(readFileSync(file, 'utf8')) as BenchResults);
  return mergeResults(runs.map(namedAsToday));
}

type ReportOptions = Exclude<BenchOptions, { kind: 'measure' | 'help' }>;

/** What draws is a development dependency, which measuring does without. */
async function report(options: ReportOptions): Promise<void> {
  const results = readResults(options.jsonFiles);
  switch (options.kind) {
    case 'markdown':
      return console.log(markdownReport(results));
    case 'figure': {
      const { drawFigure } = await import('./figure.js');
      return writeFileSync(options.svgFile, drawFigure(results));
    }
    case 'publish': {
      const { publish } = await import('./publish.js');
      return publish(results, ROOT);
    }
  }
}

async function main(): Promise<number> {
  const cleanup = new Cleanup();
  cleanup.onEnd();
  try {
    const options = parseOptions(process.argv.slice(2), ROWS);
    if (options.kind === 'measure') return await measureAll(options, cleanup);
    if (options.kind === 'help') console.log(helpText(ROWS));
    else await report(options);
    return 0;
  } catch (error) {
    console.error(`bench: ${error instanceof Error ? error.message : error}`);
    return 1;
  } finally {
    cleanup.runAll();
  }
}

process.exit(await main());
