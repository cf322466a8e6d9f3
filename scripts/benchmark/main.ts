/**
 * `scripts/bench`: compares arrayfs with a do-nothing file system on the same transport and with
 * QEMU's FUSE export, and measures what only arrayfs has. Leaves nothing behind.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { measureArray } from './array-measurements.js';
import { Cleanup } from './cleanup.js';
import { commandVersion } from './commands.js';
import { compareTargets } from './comparison.js';
import { describeMachine, machineWarnings } from './machine.js';
import { type BenchOptions, HELP, parseOptions } from './options.js';
import { comparisonTable, measurementTable } from './report.js';
import { createTarget } from './targets.js';

/** Progress goes to standard error, so that standard output holds the tables alone. */
function tell(line: string): void {
  console.error(line);
}

async function bench(options: BenchOptions, cleanup: Cleanup): Promise<void> {
  const machine = describeMachine(options.directory);
  const warnings = machineWarnings(machine);
  if (!commandVersion('fio', ['--version'])) throw new Error('fio is missing');
  const directory = mkdtempSync(join(options.directory, 'arrayfs-bench-'));
  cleanup.add(() => rmSync(directory, { recursive: true, force: true }));
  const subdirectory = (name: string) => {
    mkdirSync(join(directory, name));
    return join(directory, name);
  };

  const targetNames = options.targets.filter(
    (name) => name !== 'qemu' || commandVersion('qemu-storage-daemon', ['--version']),
  );
  if (targetNames.length < options.targets.length) {
    warnings.push('no QEMU (apt-get install qemu-utils qemu-system-common): its column is missing');
  }
  for (const warning of warnings) tell(`warning: ${warning}`);
  const targets = targetNames.map((name) =>
    createTarget(name, cleanup, subdirectory(name), options.scale.fileBytes),
  );
  const rows = await compareTargets(targets, options, cleanup, tell);
  const measurements = targetNames.includes('arrayfs')
    ? await measureArray(subdirectory('alone'), options, cleanup, tell)
    : [];

  console.log(
    `\n${machine.date}  ${machine.cores} x ${machine.processor}, kernel ${machine.kernel}`,
  );
  console.log(`${Object.entries(machine.versions).flat().join(' ')}`);
  for (const warning of warnings) console.log(`warning: ${warning}`);
  if (rows.length > 0) console.log(`\n${comparisonTable(rows)}`);
  if (measurements.length > 0) console.log(`\n${measurementTable(measurements)}`);
  if (options.jsonFile !== undefined) {
    const { scale, rounds } = options;
    const content = { machine, warnings, scale, rounds, rows, measurements };
    writeFileSync(options.jsonFile, `${JSON.stringify(content, undefined, 2)}\n`);
  }
}

async function main(): Promise<number> {
  const cleanup = new Cleanup();
  cleanup.onSignals();
  try {
    const options = parseOptions(process.argv.slice(2));
    if (options === undefined) console.log(HELP);
    else await bench(options, cleanup);
    return 0;
  } catch (error) {
    console.error(`bench: ${error instanceof Error ? error.message : error}`);
    return 1;
  } finally {
    cleanup.runAll();
  }
}

process.exit(await main());
