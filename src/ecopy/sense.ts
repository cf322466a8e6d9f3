/**
 * Sense data in fixed format (SPC-2, 7.20), with the fields EXTENDED COPY gives a meaning to:
 *
 *    0 70h, or F0h: the information is valid   10-11 number of the segment that failed (key 0Ah)
 *    2 sense key                               12, 13 additional sense code and qualifier
 *    3-6 information                           15 SKSV, C/D or SD, BPV, number of the bit
 *    7 additional length                       16-17 field pointer
 *    8, 9 where in this sense data the source's and the destination's own status and sense begin
 *
 * Before the first segment is processed the key is not COPY ABORTED and nothing is valid but codes
 * and pointer.
 */
import { ArrayError } from '../base/errors.js';
import { hexByte } from './field-text.js';
import { COPY_ABORTED, type SenseCode, senseCode } from './sense-codes.js';
import { viewOf } from './wire-field.js';

const FIXED_BYTES = 18;
const ADDITIONAL_LENGTH_AT = 7;
const CURRENT_FIXED = 0x70;
const VALID = 0x80;
const POINTER_VALID = 0x80;
const IN_COMMAND = 0x40;
const IN_SEGMENT = 0x20;
const BIT_VALID = 0x08;
/** The additional length is one byte. */
const SENSE_BYTES_MAX = 8 + 255;

/** The field that was wrong: a byte, and perhaps the bit, of one of three structures. */
export interface FieldPointer {
  readonly in: 'command' | 'parameter-list' | 'segment';
  readonly byte: number;
  readonly bit?: number;
}

/** What a source or destination answered itself. */
export interface DeviceReport {
  readonly status: number;
  readonly sense: Uint8Array;
}

export interface Sense {
  readonly code: SenseCode;
  readonly pointer?: FieldPointer;
  /** 0-based number of the segment that failed; only with key COPY ABORTED. */
  readonly segment?: number;
  /** Blocks of the segment not written (bytes for a processor); only if some were written. */
  readonly residual?: number;
  readonly source?: DeviceReport;
  readonly destination?: DeviceReport;
}

/** CHECK CONDITION: a command ends with this sense data. As an ArrayError it has an errno too. */
export class SenseError extends ArrayError {
  constructor(
    readonly sense: Sense,
    detail = '',
  ) {
    super(sense.code.errorCode, detail === '' ? describeSense(sense) : detail);
    this.name = 'SenseError';
  }
}

export function encodeSense(sense: Sense): Uint8Array {
  const reports = [sense.source, sense.destination].map((report) =>
    report ? Buffer.from([report.status, ...report.sense]) : Buffer.alloc(0),
  );
  const whole = Buffer.concat([Buffer.alloc(FIXED_BYTES), ...reports]);
  const view = whole.subarray(0, SENSE_BYTES_MAX);
  view[0] = CURRENT_FIXED | (sense.residual === undefined ? 0 : VALID);
  view[2] = sense.code.key;
  view.writeUInt32BE(sense.residual ?? 0, 3);
  view[ADDITIONAL_LENGTH_AT] = view.length - ADDITIONAL_LENGTH_AT - 1;
  if (sense.source) view[8] = FIXED_BYTES;
  if (sense.destination) view[9] = FIXED_BYTES + (reports[0]?.length ?? 0);
  view.writeUInt16BE(sense.segment ?? 0, 10);
  view[12] = sense.code.asc;
  view[13] = sense.code.ascq;
  if (sense.pointer) writePointer(view, sense.pointer);
  return view;
}

/** The twin of `encodeSense`; EINVAL where it is not fixed-format sense data. */
export function decodeSense(bytes: Uint8Array): Sense {
  const view = viewOf(bytes);
  if (view.length < FIXED_BYTES || ((view[0] ?? 0) & ~VALID) !== CURRENT_FIXED) {
    throw new ArrayError('EINVAL', 'not sense data in fixed format');
  }
  const end = Math.min(view.length, (view[ADDITIONAL_LENGTH_AT] ?? 0) + ADDITIONAL_LENGTH_AT + 1);
  const code = senseCode((view[2] ?? 0) & 0x0f, view[12] ?? 0, view[13] ?? 0);
  const aborted = code.key === COPY_ABORTED;
  const pointer = readPointer(view, aborted);
  const source = aborted ? readReport(view, view[8] ?? 0, view[9] || end) : undefined;
  const destination = aborted ? readReport(view, view[9] ?? 0, end) : undefined;
  return {
    code,
    ...(pointer && { pointer }),
    ...(aborted && { segment: view.readUInt16BE(10) }),
    ...(((view[0] ?? 0) & VALID) !== 0 && { residual: view.readUInt32BE(3) }),
    ...(source && { source }),
    ...(destination && { destination }),
  };
}

/** One line: `COPY ABORTED: UNREACHABLE COPY TARGET (0Ah/08h/04h), segment 1, byte 6 of it`. */
export function describeSense(sense: Sense): string {
  const { code, pointer, segment } = sense;
  const codes = [code.key, code.asc, code.ascq].map((value) => `${hexByte(value)}h`).join('/');
  const where = { command: 'the command', 'parameter-list': 'the parameter list', segment: 'it' };
  return [
    `${code.text} (${codes})`,
    ...(segment === undefined ? [] : [`segment ${segment}`]),
    ...(pointer ? [`byte ${pointer.byte} of ${where[pointer.in]}`] : []),
  ].join(', ');
}

function writePointer(view: Buffer, pointer: FieldPointer): void {
  const place = { command: IN_COMMAND, 'parameter-list': 0, segment: IN_SEGMENT }[pointer.in];
  const bit = pointer.bit === undefined ? 0 : BIT_VALID | pointer.bit;
  view[15] = POINTER_VALID | place | bit;
  view.writeUInt16BE(pointer.byte, 16);
}

function readPointer(view: Buffer, aborted: boolean): FieldPointer | undefined {
  const flags = view[15] ?? 0;
  if ((flags & POINTER_VALID) === 0) return undefined;
  const inside = aborted
    ? ((flags & IN_SEGMENT) !== 0 && 'segment') || 'parameter-list'
    : ((flags & IN_COMMAND) !== 0 && 'command') || 'parameter-list';
  const bit = (flags & BIT_VALID) === 0 ? {} : { bit: flags & 0x07 };
  return { in: inside, byte: view.readUInt16BE(16), ...bit };
}

function readReport(view: Buffer, start: number, end: number): DeviceReport | undefined {
  if (start < FIXED_BYTES || start >= end) return undefined;
  return { status: view[start] ?? 0, sense: new Uint8Array(view.subarray(start + 1, end)) };
}
