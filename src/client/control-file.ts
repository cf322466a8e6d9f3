/**
 * One command through a control file: the line is written and the result read back on the same
 * descriptor, so that two programs that command at the same moment each get their own answer.
 */
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { ArrayError, asArrayError, ERROR_TABLE, type ErrorCode } from '../base/errors.js';

/** Bytes of one read; a result is usually a line, a help text some kilobytes. */
const READ_BYTES = 64 * 1024;

/** What a client needs of an open file; a test brings its own. */
export type ControlHandle = Pick<FileHandle, 'write' | 'read' | 'close'>;
export type OpenControl = (path: string) => Promise<ControlHandle>;

/** Never creates: a missing control file must not become an ordinary file of some directory. */
export const openControlFile: OpenControl = (path) => open(path, constants.O_RDWR);

/**
 * Runs one command and returns the text after `ok`. A refused command is an ArrayError with the
 * array's reason; the errno of the write alone would not say which word was wrong.
 */
export async function exchange(
  openControl: OpenControl,
  path: string,
  line: string,
): Promise<string> {
  const handle = await openControl(path);
  try {
    const refusal = await writeLine(handle, line);
    return resultOf((await readAll(handle)).toString('utf8'), refusal);
  } finally {
    await handle.close();
  }
}

async function writeLine(handle: ControlHandle, line: string): Promise<unknown> {
  try {
    await handle.write(Buffer.from(`${line}\n`), 0, null, null);
    return undefined;
  } catch (error) {
    return error;
  }
}

/** Everything an open file holds, from offset 0, without trusting its size. */
export async function readAll(handle: Pick<FileHandle, 'read'>): Promise<Buffer> {
  const parts: Buffer[] = [];
  let offset = 0;
  for (;;) {
    const part = Buffer.allocUnsafe(READ_BYTES);
    const { bytesRead } = await handle.read(part, 0, READ_BYTES, offset);
    if (bytesRead === 0) return Buffer.concat(parts);
    parts.push(part.subarray(0, bytesRead));
    offset += bytesRead;
  }
}

/** `ok TEXT` or `error ERRNO: reason`; `refusal` is what the write itself failed with, if it did. */
function resultOf(text: string, refusal: unknown): string {
  const result = text.trimEnd();
  const failed = /^error ([A-Z]+): (.*)$/s.exec(result);
  if (failed) throw new ArrayError(knownCode(failed[1] ?? ''), failed[2] ?? '');
  if (refusal !== undefined) throw asArrayError(refusal);
  const done = /^ok(?:\s+(.*))?$/s.exec(result);
  if (!done) throw new ArrayError('EIO', `not the answer of an array: '${result.slice(0, 80)}'`);
  return done[1] ?? '';
}

function knownCode(text: string): ErrorCode {
  return Object.hasOwn(ERROR_TABLE, text) ? (text as ErrorCode) : 'EIO';
}
