#!/usr/bin/env node
/** The entry of the command line: runs one command and reports why it failed, in one line. */
import { complete } from './complete.js';
import { endQuietlyOnClosedPipe, reportFailure } from './output.js';
import { buildProgram } from './program.js';

endQuietlyOnClosedPipe();
const words = process.argv.slice(2);
try {
  const program = buildProgram();
  if (words[0] === '__complete') await complete(program, words.slice(1));
  else await program.parseAsync();
} catch (error) {
  reportFailure(error, words.includes('--json'));
}
