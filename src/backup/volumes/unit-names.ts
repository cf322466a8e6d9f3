/**
 * INQUIRY of a logical unit ([004] fig. 8, step 1603): page 83h of the vital product data names it (SPC-3, 7.6.3). The
 * framing of targets/PORT/scsi, big-endian:
 *
 *    write   0-7 LUN   8-23 CDB, filled up with zeros
 *    read    0 status   1 bytes of sense s   4-7 bytes of data-in n   then sense, data-in
 */
import { ArrayError } from '../../base/errors.js';

const LUN_BYTES = 8;
const CDB_BYTES = 16;
const INQUIRY_CODE = 0x12;
const EVPD = 1;
const NAMES_PAGE = 0x83;
const ALLOCATION_BYTES = 1_024;
const ANSWER_HEADER_BYTES = 8;
const PAGE_HEADER_BYTES = 4;
const DESIGNATOR_HEADER_BYTES = 4;
const NAA_TYPE = 3;
/** Peripheral LUNs have one byte; above it is the flat form (SAM-3, 4.9). */
const PERIPHERAL_LUN_MAX = 255;
const FLAT_FORM = 0x4000;

/** INQUIRY for page 83h, as it is written to the port's file. */
export function namesInquiry(lun: number): Uint8Array {
  const bytes = Buffer.alloc(LUN_BYTES + CDB_BYTES);
  bytes.writeUInt16BE(lun > PERIPHERAL_LUN_MAX ? FLAT_FORM | lun : lun, 0);
  bytes[LUN_BYTES] = INQUIRY_CODE;
  bytes[LUN_BYTES + 1] = EVPD;
  bytes[LUN_BYTES + 2] = NAMES_PAGE;
  bytes.writeUInt16BE(ALLOCATION_BYTES, LUN_BYTES + 3);
  return bytes;
}

export interface UnitNames {
  /** Of the unit and of the array, as hexadecimal digits; undefined where it has none. */
  readonly unit: string | undefined;
  readonly device: string | undefined;
}

/** What the answer to `namesInquiry` says; EIO where it is none. */
export function decodeUnitNames(answer: Uint8Array): UnitNames {
  const view = Buffer.from(answer);
  if (view.length < ANSWER_HEADER_BYTES) throw noAnswer('it is cut short');
  const status = view.readUInt8(0);
  if (status !== 0) throw noAnswer(`status ${status.toString(16).padStart(2, '0')}h`);
  const page = view.subarray(ANSWER_HEADER_BYTES + view.readUInt8(1));
  if (page.length < PAGE_HEADER_BYTES || page.readUInt8(1) !== NAMES_PAGE) {
    throw noAnswer('it is not page 83h');
  }
  const end = PAGE_HEADER_BYTES + page.readUInt16BE(2);
  const names = new Map<number, string>();
  for (let at = PAGE_HEADER_BYTES; at + DESIGNATOR_HEADER_BYTES <= Math.min(end, page.length); ) {
    const flags = page.readUInt8(at + 1);
    const nameAt = at + DESIGNATOR_HEADER_BYTES;
    const nameEnd = nameAt + page.readUInt8(at + 3);
    const association = (flags >> 4) & 3;
    if ((flags & 0x0f) === NAA_TYPE) names.set(association, page.toString('hex', nameAt, nameEnd));
    at = nameEnd;
  }
  return { unit: names.get(0), device: names.get(2) };
}

function noAnswer(why: string): ArrayError {
  return new ArrayError('EIO', `not an answer to INQUIRY: ${why}`);
}
