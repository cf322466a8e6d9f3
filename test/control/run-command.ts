/** A command as a line, run on an array: its answer, or the error as a text. */
import type { DiskArray } from '../../src/array/disk-array.js';
import { runCommand } from '../../src/control/command-handlers.js';
import { parseCommand } from '../../src/control/command-parser.js';
import { findCommand } from '../../src/control/command-table.js';

export async function runOn(array: DiskArray, name: string, line: string): Promise<string> {
  const command = findCommand(name);
  if (command === undefined) throw new Error(`no command ${name}`);
  try {
    return await runCommand(array, parseCommand(command, Buffer.from(line)), { owner: undefined });
  } catch (error) {
    return String(error);
  }
}
