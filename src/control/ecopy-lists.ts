/**
 * Parameter lists of EXTENDED COPY as they are written to ctl/ecopy: the bytes, behind `port=PORT` and a newline where they do
 * not come through the first target port. Bytes 2-3 of every list are a small number, so that text is no list.
 */
import type { DiskArray } from '../array/disk-array.js';

/** Between two writes of a program that writes in pieces of its buffer. */
const PIECE_BYTES = 1_024;
const PORT_LINE = /^port=([^\n]*)\n/;
const PORT_LINE_BYTES_MAX = 80;
const TAB = 0x09;
const NEWLINE = 0x0a;
const DELETE = 0x7f;

export interface WrittenList {
  readonly port: string | undefined;
  readonly bytes: Uint8Array;
}

/** Undefined where it is text: a command. */
export function writtenList(data: Uint8Array): WrittenList | undefined {
  const head = Buffer.from(data.subarray(0, PORT_LINE_BYTES_MAX)).toString('latin1');
  const [line = '', port] = PORT_LINE.exec(head) ?? [];
  const bytes = data.subarray(line.length);
  if (port !== undefined) return { port, bytes };
  const isText = bytes.every((byte, index) => isTextByte(byte, index === bytes.length - 1));
  return isText ? undefined : { port, bytes };
}

/** Whether the last of the writes may be followed by more of the list. */
export function mayListContinue(array: DiskArray, list: WrittenList, lastWrite: number): boolean {
  if (list.bytes.length === 0) return true;
  return lastWrite % PIECE_BYTES === 0 && array.ecopies.isListIncomplete(list.bytes);
}

/** Starts the copy; the text after `ok`. */
export function runList(
  array: DiskArray,
  { bytes, port }: WrittenList,
  uid: number | undefined,
): string {
  const job = array.ecopies.startList(bytes, { uid, ...(port !== undefined && { port }) });
  return `job ${job.id} ecopy ${job.subject}`;
}

/** For messages: bytes are not shown. */
export function shownList({ bytes }: WrittenList): string {
  return `parameter list of ${bytes.length} bytes`;
}

function isTextByte(byte: number, isLast: boolean): boolean {
  return (byte >= 0x20 && byte !== DELETE) || byte === TAB || (byte === NEWLINE && isLast);
}
