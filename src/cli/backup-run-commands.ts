/** Runs of definitions: run, runs, log, cancel. */
import type { Command } from 'commander';
import type { Run } from '../backup/api.js';
import { printable } from '../base/names.js';
import { withServer } from './backup-server-option.js';
import type { BackupSession } from './backup-session.js';
import { runsText } from './backup-tables.js';
import { namedArgument, namedOption, wholeNumber } from './backup-words.js';
import { wantsJson } from './global-options.js';
import { EXIT_FAILED, note, print, printJson } from './output.js';

interface RunOptions {
  readonly wait: boolean;
}

interface RunsOptions {
  readonly definition?: string;
  readonly limit?: number;
}

export function addBackupRunCommands(group: Command): void {
  group
    .command('run')
    .description('back up now, and wait for the end')
    .addArgument(namedArgument('<name>', 'backup-definition', 'a definition'))
    .option('--no-wait', 'return as soon as the server has it')
    .addHelpText(
      'after',
      `
On a terminal a bar shows the steps and the progress of the copies. Ctrl-C cancels the run.

Exit status: 0 complete, 1 failed or cancelled.

Examples:
  arrayfs backup run nightly
  arrayfs backup run weekly --no-wait`,
    )
    .action(async (name: string, { wait }: RunOptions, command: Command) => {
      await withServer(command, async (session) => {
        const run = await session.server.runDefinition(name);
        reportRun(wait ? await waitForRun(session, run) : run, wantsJson(command));
      });
    });
  group
    .command('runs')
    .description('list the runs: states, times, what they made, why they failed')
    .addOption(namedOption('--definition <name>', 'backup-definition', 'only those of this one'))
    .option('--limit <count>', 'only the newest so many', wholeNumber)
    .action(async (options: RunsOptions, command: Command) => {
      const runs = await withServer(command, ({ server }) => server.runs(options));
      if (wantsJson(command)) printJson(runs);
      else print(runsText(runs));
    });
  group
    .command('log')
    .description('print what a run has told: its steps, the output of its commands')
    .addArgument(runArgument())
    .action(async (number: number, _options: unknown, command: Command) => {
      const run = await withServer(command, ({ server }) => server.run(number));
      if (wantsJson(command)) printJson(run.log);
      else print(run.log.map(printable).join('\n'));
    });
  group
    .command('cancel')
    .description('end a run that waits or goes on; what it has begun is undone')
    .addArgument(runArgument())
    .action(async (number: number, _options: unknown, command: Command) => {
      await withServer(command, ({ server }) => server.cancelRun(number));
      if (wantsJson(command)) printJson({ ok: true, cancelled: number });
      else print(`run ${number} is being cancelled`);
    });
}

function runArgument() {
  return namedArgument('<run>', 'backup-run', 'the number of a run').argParser(wholeNumber);
}

async function waitForRun({ server, endOf }: BackupSession, run: Run): Promise<Run> {
  await endOf({
    errand: await server.errand(run.errand),
    label: `run ${run.number} of ${run.definition}`,
    cancel: () => server.cancelRun(run.number),
  });
  return server.run(run.number);
}

function reportRun(run: Run, json: boolean): void {
  const { number, state, entries, reason } = run;
  const hasFailed = state === 'failed' || state === 'cancelled';
  if (json) printJson(run);
  else if (state === 'complete') print(`run ${number} complete: backup ${entries.join(' ')}`);
  else if (!hasFailed) print(`run ${number} is ${state}`);
  if (!hasFailed) return;
  process.exitCode = EXIT_FAILED;
  note(`run ${number} ${state}: ${printable(reason)}; see arrayfs backup log ${number}`);
}
