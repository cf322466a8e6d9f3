/**
 * `arrayfs check STORE`: verifies the pool of an array that is not mounted. Exit status 0 where it is
 * clean or everything found was repaired, 1 where findings are left, 2 where it could not check.
 */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { systemClock } from '../base/clock.js';
import { printable } from '../base/names.js';
import { formatSize } from '../base/sizes.js';

import type { CheckReport } from './check.js';
import { runCheck } from './check-run.js';
import { wantsJson } from './global-options.js';
import { print, printJson, reportFailure } from './output.js';
import { ProgressBar } from './progress-bar.js';

const EXIT_FINDINGS = 1;
const EXIT_NOT_CHECKED = 2;

export function addCheckCommand(program: Command): void {
  program
    .command('check')
    .description('verify every record, tag and checksum of a store that is not mounted')
    .argument('<store>', 'directory of the store')
    .option('--repair', 'rebuild what can be derived; never invents data')
    .addHelpText(
      'after',
      `
Exit status: 0 clean or all repaired, 1 findings are left, 2 could not check.

Examples:
  arrayfs check /srv/array            one line for each finding, then a summary
  arrayfs check /srv/array --repair   also rebuild counts, bitmaps and the like`,
    )
    .action(async (store: string, options: { repair?: boolean }, command: Command) => {
      await check(resolve(store), options.repair === true, wantsJson(command));
    });
}

async function check(directory: string, repair: boolean, json: boolean): Promise<void> {
  const bar = new ProgressBar('check', systemClock);
  try {
    const report = await runCheck(directory, repair, (done, total) =>
      bar.update({ done, total, unit: 'blocks' }),
    );
    bar.end();
    if (json) printJson(report);
    else print(reportText(report));
    process.exitCode = report.findings.every((finding) => finding.repaired) ? 0 : EXIT_FINDINGS;
  } catch (error) {
    bar.end();
    reportFailure(error, json);
    process.exitCode = EXIT_NOT_CHECKED;
  }
}

/** `KIND POOL SUBJECT: DETAIL`, then what was looked at. */
export function reportText(report: CheckReport): string {
  const { findings } = report;
  const lines = findings.map(
    ({ kind, pool, subject, detail, repaired }) =>
      `${kind} ${pool} ${subject}: ${printable(detail)}${repaired ? ' (repaired)' : ''}`,
  );
  const repaired = findings.filter((finding) => finding.repaired).length;
  const verdict =
    findings.length === 0 ? 'clean' : `${findings.length} found, ${repaired} repaired`;
  const { logBatches } = report;
  return [
    ...lines,
    ...(logBatches === 0 ? [] : [`the next mount applies ${logBatches} batches of the intent log`]),
    `${verdict}: ${report.volumes} volumes, ${report.snapshots} snapshots, ` +
      `${report.blocksChecked} blocks (${formatSize(report.bytesChecked)}) checked`,
  ].join('\n');
}
