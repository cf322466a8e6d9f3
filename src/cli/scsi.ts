/** A SCSI command as users write it and its answer as they read it; the bytes that go to a target port are made here. */
import { ArrayError } from '../base/errors.js';
import { LUN_MAX } from '../base/limits.js';
import { hexLines } from '../ecopy/field-text.js';
import { CDB_BYTES_MAX } from '../ecopy/scsi-commands.js';
import { describeAnswer } from '../ecopy/scsi-description.js';
import { decodeScsiRead, decodeScsiWrite, encodeScsiWrite } from '../ecopy/scsi-frame.js';
import { SCSI_STATUS, type ScsiAnswer } from '../ecopy/scsi-target.js';
import { lunDigits } from '../ecopy/target-descriptor.js';

const LUN_DIGITS = /^[0-9a-f]{16}$/i;

export interface GivenCommand {
  /** Hex digits, with blanks between them. */
  readonly cdb: string;
  /** A number, or the 16 hex digits of an address. */
  readonly lun: string;
  readonly dataOut: Uint8Array;
}

export interface EncodedCommand {
  readonly cdb: Uint8Array;
  /** What is written to /targets/PORT/scsi. */
  readonly bytes: Uint8Array;
}

/** EINVAL where it is no command, or its data is not all there. */
export function encodeCommand({ cdb: text, lun, dataOut }: GivenCommand): EncodedCommand {
  const cdb = cdbOf(text);
  const bytes = encodeScsiWrite({ lun: lunOf(lun), cdb, dataOut });
  const decoded = decodeScsiWrite(bytes);
  if (!decoded.isComplete) {
    const announced = dataOut.length + decoded.missingBytes;
    throw new ArrayError(
      'EINVAL',
      `the CDB announces ${announced} bytes of data, and there are ${dataOut.length}: see --data`,
    );
  }
  return { cdb, bytes };
}

export function decodeAnswer(bytes: Uint8Array): ScsiAnswer & { readonly isGood: boolean } {
  const answer = decodeScsiRead(bytes);
  return { ...answer, isGood: answer.status === SCSI_STATUS.good };
}

/** In words; with `raw` also the bytes of sense and data-in. */
export function answerText(cdb: Uint8Array, answer: ScsiAnswer, raw: boolean): string {
  const text = describeAnswer(cdb, answer);
  if (!raw) return text;
  const parts = Object.entries({ sense: answer.sense, 'data-in': answer.dataIn });
  return [
    text,
    ...parts.flatMap(([name, bytes]) =>
      bytes.length === 0 ? [] : [`bytes of ${name}:`, ...hexLines(bytes).map((row) => `  ${row}`)],
    ),
  ].join('\n');
}

function cdbOf(text: string): Uint8Array {
  const digits = text.replace(/\s+/g, '');
  if (!/^([0-9a-f]{2})+$/i.test(digits)) {
    throw new ArrayError('EINVAL', `a CDB is hex digits, two for each byte: '${text}'`);
  }
  const cdb = Buffer.from(digits, 'hex');
  if (cdb.length <= CDB_BYTES_MAX) return cdb;
  throw new ArrayError('EINVAL', `a CDB has ${CDB_BYTES_MAX} bytes at most, not ${cdb.length}`);
}

function lunOf(text: string): Uint8Array {
  if (LUN_DIGITS.test(text)) return Buffer.from(text, 'hex');
  const lun = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (lun <= LUN_MAX) return Buffer.from(lunDigits(lun), 'hex');
  throw new ArrayError('EINVAL', `a LUN is 0 to ${LUN_MAX}, or 16 hex digits: '${text}'`);
}
