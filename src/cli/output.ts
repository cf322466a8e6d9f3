/**
 * What the command line prints and how it ends. Results go to stdout, everything about them to
 * stderr; with --json stdout holds exactly one JSON value.
 */
import { type ArrayError, asArrayError, ERROR_TABLE } from '../base/errors.js';
import { printable } from '../base/names.js';

/** Exit status of a refused or failed command, and of a wrong command line. */
export const EXIT_FAILED = 1;

/** A reader that has seen enough (`| head`) ends the program without a complaint. */
export function endQuietlyOnClosedPipe(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') process.exit(0);
      if (stream === process.stdout) note(`cannot write the result: ${error.message}`);
      process.exit(EXIT_FAILED);
    });
  }
}

/** Prints a result; no more than one line end after it. */
export function print(text: string): void {
  if (text !== '') process.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
}

export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, undefined, 2)}\n`);
}

/** One of a stream of values. */
export function printJsonLine(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

/** What an errand has told; `otherwise` where it has told nothing. */
export function printLines(lines: readonly string[], otherwise: string, json: boolean): void {
  if (json) printJson({ ok: true, lines });
  else print(lines.map(printable).join('\n') || otherwise);
}

/** A remark beside the result. */
export function note(text: string): void {
  process.stderr.write(`arrayfs: ${text}\n`);
}

/** Reports why the command failed and sets the exit status; the program ends by itself. */
export function reportFailure(error: unknown, json: boolean): void {
  const failure = asArrayError(error);
  if (json) printJson({ ok: false, error: failure.code, reason: failure.reason });
  note(failureLine(failure));
  process.exitCode = ERROR_TABLE[failure.code].exitStatus;
}

/** Commander's message and its suggestion as one line, without its prefix. */
export function oneLine(text: string): string {
  return text
    .replace(/^error: /, '')
    .trim()
    .replace(/\s*\n\s*/g, ' ');
}

/** One line, whatever the reason contains. */
function failureLine(failure: ArrayError): string {
  return printable(failure.reason.trimEnd());
}

/** `name: value` lines with the values in one column; absent values as `-`. */
export function fieldLines(record: Readonly<Record<string, unknown>>): string {
  const names = Object.keys(record);
  const width = Math.max(0, ...names.map((name) => name.length)) + 1;
  return names.map((name) => `${`${name}:`.padEnd(width)} ${fieldText(record[name])}`).join('\n');
}

function fieldText(value: unknown): string {
  if (value === undefined || value === null || value === '') return '-';
  return typeof value === 'object' ? JSON.stringify(value) : printable(String(value));
}
