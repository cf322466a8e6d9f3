/**
 * What is written to and read from /targets/PORT/scsi, big-endian (design, Control files):
 *
 *    write   0-7 LUN   8-23 CDB, filled up with zeros   24.. data-out
 *    read    0 status   1 bytes of sense s   2-3 zero   4-7 bytes of data-in n   then sense, data-in
 *
 * A command has arrived when as much data-out is there as its CDB announces; more is refused, but with a command that is
 * unknown, whose CDB says nothing of it.
 */
import { ArrayError } from '../base/errors.js';
import { COPY_LIST_BYTES_MAX } from './copy-commands.js';
import { CDB_BYTES_MAX, COMMANDS, commandOfCode } from './scsi-commands.js';
import type { ScsiAnswer, ScsiCommand } from './scsi-target.js';
import { readFields, u8, u32, viewOf, writeFields } from './wire-field.js';

const LUN_BYTES = 8;
const DATA_OUT_AT = LUN_BYTES + CDB_BYTES_MAX;
const ANSWER = { status: u8(0), senseBytes: u8(1), dataBytes: u32(4) } as const;
const ANSWER_BYTES = 8;
const SENSE_BYTES_MAX = 255;

/** The longest write that makes one command. */
export const SCSI_WRITE_BYTES_MAX = DATA_OUT_AT + COPY_LIST_BYTES_MAX;

export type ScsiWrite =
  | { readonly isComplete: true; readonly command: ScsiCommand }
  /** `missingBytes`: until the command is complete, or until it is known when it will be. */
  | { readonly isComplete: false; readonly missingBytes: number };

/** The command in the bytes written so far; EINVAL where they are more than it announces. */
export function decodeScsiWrite(bytes: Uint8Array): ScsiWrite {
  if (bytes.length < DATA_OUT_AT) {
    return { isComplete: false, missingBytes: DATA_OUT_AT - bytes.length };
  }
  const cdb = bytes.subarray(LUN_BYTES, DATA_OUT_AT);
  const announced = announcedBytes(cdb);
  const given = bytes.length - DATA_OUT_AT;
  if (announced !== undefined && given > announced) {
    throw new ArrayError('EINVAL', `the CDB announces ${announced} bytes of data, not ${given}`);
  }
  const end = DATA_OUT_AT + awaited(announced ?? 0);
  if (bytes.length < end) return { isComplete: false, missingBytes: end - bytes.length };
  const command = { lun: bytes.slice(0, LUN_BYTES), cdb: cdb.slice() };
  return { isComplete: true, command: { ...command, dataOut: bytes.slice(DATA_OUT_AT, end) } };
}

/** The twin; EINVAL for a LUN of other than 8 bytes or a CDB of more than 16. */
export function encodeScsiWrite({ lun, cdb, dataOut }: ScsiCommand): Uint8Array {
  if (lun.length !== LUN_BYTES) throw new ArrayError('EINVAL', 'a LUN has 8 bytes');
  if (cdb.length > CDB_BYTES_MAX) {
    throw new ArrayError('EINVAL', `a CDB has ${CDB_BYTES_MAX} bytes at most`);
  }
  return Buffer.concat([lun, cdb, Buffer.alloc(CDB_BYTES_MAX - cdb.length), dataOut]);
}

export function encodeScsiRead({ status, sense, dataIn }: ScsiAnswer): Uint8Array {
  const told = sense.subarray(0, SENSE_BYTES_MAX);
  const header = Buffer.alloc(ANSWER_BYTES);
  writeFields(ANSWER, header, { status, senseBytes: told.length, dataBytes: dataIn.length });
  return Buffer.concat([header, told, dataIn]);
}

/** The twin; EINVAL where the bytes are not one whole answer. */
export function decodeScsiRead(bytes: Uint8Array): ScsiAnswer {
  const view = viewOf(bytes);
  if (view.length < ANSWER_BYTES) throw new ArrayError('EINVAL', 'the answer is cut short');
  const { status, senseBytes, dataBytes } = readFields(ANSWER, view);
  const dataAt = ANSWER_BYTES + senseBytes;
  if (view.length !== dataAt + dataBytes) {
    const relation = view.length < dataAt + dataBytes ? 'cut short' : 'longer than it says';
    throw new ArrayError('EINVAL', `the answer is ${relation}`);
  }
  return { status, sense: bytes.slice(ANSWER_BYTES, dataAt), dataIn: bytes.slice(dataAt) };
}

/** Bytes of data-out that go with the command; undefined where nobody knows. */
function announcedBytes(cdb: Uint8Array): number | undefined {
  const command = commandOfCode(cdb[0]);
  if (command === undefined) return undefined;
  if (command !== 'extendedCopy') return 0;
  return COMMANDS.extendedCopy.fields.parameterListLength.read(viewOf(cdb));
}

/** A list that is refused for its length alone is not waited for. */
function awaited(announced: number): number {
  return announced > COPY_LIST_BYTES_MAX ? 0 : announced;
}
