/** Opened tapes that are closed after each test, and readings as short texts. */
import type { TapeReading } from '../../src/device/backup-device.js';
import { TapeFormatError } from '../../src/device/simh-objects.js';
import { SimhTape } from '../../src/device/simh-tape.js';

const opened: SimhTape[] = [];
/** For afterEach. */
export function closeTapes(): void {
  for (const tape of opened.splice(0)) tape.close();
}

export function openTape(
  path: string,
  mode: 'read' | 'write' | 'create' = 'read',
  capacity?: number,
) {
  const tape = SimhTape.open(path, mode, capacity);
  opened.push(tape);
  return tape;
}

/** One character for a mark, the text of a record, `!` before a damaged one, `.` at the end. */
export function shown(reading: TapeReading): string {
  if (reading.kind === 'mark') return '*';
  if (reading.kind === 'end-of-medium') return '.';
  return `${reading.damaged ? '!' : ''}${Buffer.from(reading.data).toString()}`;
}

export function readAll(tape: SimhTape): string[] {
  const all: string[] = [];
  while (all.at(-1) !== '.') all.push(shown(tape.read()));
  return all;
}

/** `torn at 4`, or `none`; other errors pass. */
export function problemOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof TapeFormatError) return `${error.problem} at ${error.position}`;
    throw error;
  }
  return 'none';
}
