/** The commands on jobs that are not in the command table: list, show, wait. */
import { Argument, type Command } from 'commander';
import { completeWith } from './completion-kinds.js';
import { clientFor, wantsJson } from './global-options.js';
import { waitForJob } from './job-wait.js';
import { print, printJson } from './output.js';
import { groupCommand } from './table-commands.js';

export function addJobCommands(program: Command): void {
  const group = groupCommand(program, 'job');
  group
    .command('list')
    .description('list the running jobs and the last finished ones')
    .action(async (_options: unknown, command: Command) => {
      const client = clientFor(command);
      if (wantsJson(command)) printJson(await client.statusJson('jobs'));
      else print(await client.statusText('jobs'));
    });
  group
    .command('show')
    .description('show the state, progress and result of a job')
    .addArgument(jobArgument())
    .action(async (id: string, _options: unknown, command: Command) => {
      const client = clientFor(command);
      if (wantsJson(command)) printJson(await client.jobJson(id));
      else print(await client.jobText(id));
    });
  group
    .command('wait')
    .description('wait for a job to end; exit status 0 when it is done, 1 when it is not')
    .addArgument(jobArgument())
    .addHelpText(
      'after',
      `
On a terminal a bar shows the progress, the rate and the time left.

Examples:
  arrayfs job wait 7            prints the result of job 7
  arrayfs array scrub all --wait   starts a job and waits for it`,
    )
    .action(async (id: string, _options: unknown, command: Command) => {
      await waitForJob(clientFor(command), id, wantsJson(command));
    });
}

function jobArgument(): Argument {
  const argument = new Argument('<job>', 'the number of a job');
  completeWith(argument, 'job');
  return argument;
}
