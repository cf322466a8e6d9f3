#!/usr/bin/env node
/** The entry of the command line: runs one command and reports why it failed, in one line. */
import { CommanderError } from 'commander';
import { complete } from './complete.js';
import {
  EXIT_FAILED,
  endQuietlyOnClosedPipe,
  oneLine,
  printJson,
  reportFailure,
} from './output.js';
import { buildProgram } from './program.js';

endQuietlyOnClosedPipe();
const words = process.argv.slice(2);
try {
  const program = buildProgram();
  if (words[0] === '__complete') await complete(program, words.slice(1));
  else await program.parseAsync();
} catch (error) {
  const json = words.includes('--json');
  if (error instanceof CommanderError) endOfCommandLine(error, json);
  else reportFailure(error, json);
}

/** Help, the version and wrong command lines, which commander has already printed. */
function endOfCommandLine({ exitCode, message }: CommanderError, json: boolean): void {
  // A group without its command prints its help.
  const reason = message === '(outputHelp)' ? 'which command? see --help' : oneLine(message);
  if (json && exitCode !== 0) printJson({ ok: false, error: 'EINVAL', reason });
  process.exitCode = exitCode === 0 ? 0 : EXIT_FAILED;
}
