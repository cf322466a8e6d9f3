/**
 * Headers of EXTENDED COPY parameter lists, and how they are told apart ([000] figs. 4 and 5):
 *
 *                 standard (SPC-2, SPC-3)   legato                  spc2-r15
 *    0            list identifier           the same                the same
 *    1            flags                     the same                the same
 *    2-3          bytes of targets          the same                the same
 *    4-7          reserved                  reserved, zero          bytes of segments
 *    8-11         bytes of segments         bytes of segments       bytes of inline data
 *    12-15        bytes of inline data      first target            first target
 *
 * Byte 12 decides: E0h-E4h is the type code of a first target, while in a standard list it is the
 * highest byte of a length that never gets there. A legato list has no length of inline data: all
 * that follows the segments is inline data. T10/99-143r1, with its first target at byte 8, has other
 * descriptors too and is refused.
 */
import {
  COPY_DESCRIPTOR_BYTES_MAX,
  COPY_INLINE_BYTES_MAX,
  COPY_TARGETS_MAX,
} from '../base/limits.js';
import { SenseError } from './sense.js';
import { SENSE } from './sense-codes.js';
import { TARGET_CODES, TARGET_DESCRIPTOR_BYTES, targetError } from './target-descriptor.js';
import { bit, bits, readFields, u8, u16, u32, writeFields } from './wire-field.js';

export type ListForm = 'standard' | 'legato' | 'spc2-r15';
/** What becomes of data and status for RECEIVE COPY RESULTS; `none`: the list has no identifier. */
export type ListIdUsage = 'hold' | 'discard' | 'none';

export interface ListOptions {
  /** 0 where the usage is `none`. */
  readonly listIdentifier: number;
  /** A hint: references to disks are mostly sequential, over several striped disks. */
  readonly striped: boolean;
  /** SPC-2's NRCR is `discard`. */
  readonly listIdUsage: ListIdUsage;
  /** 0 is the highest; ordinary commands count as 1. */
  readonly priority: number;
}

/** Where the parts of a list are. */
export interface ListExtents {
  readonly form: ListForm;
  readonly targetsAt: number;
  readonly segmentsAt: number;
  readonly inlineAt: number;
  readonly inlineBytes: number;
}

const COMMON = {
  listIdentifier: u8(0),
  striped: bit(1, 5),
  usage: bits(1, 3, 2),
  priority: bits(1, 0, 3),
  targetBytes: u16(2),
} as const;
const LENGTHS = {
  standard: { segmentBytes: u32(8), inlineBytes: u32(12) },
  legato: { segmentBytes: u32(8) },
  'spc2-r15': { segmentBytes: u32(4), inlineBytes: u32(8) },
} as const;
export const HEADER_BYTES: Readonly<Record<ListForm, number>> = {
  standard: 16,
  legato: 12,
  'spc2-r15': 12,
};
/** Undefined is reserved. */
const USAGES: readonly (ListIdUsage | undefined)[] = ['hold', undefined, 'discard', 'none'];
const DRAFT_99_HEADER_BYTES = 8;

/** The form of a list that has at least the bytes that show it; else `standard`. */
function listForm(list: Buffer): ListForm | '99-143r1' {
  const isTargetCode = (offset: number) => TARGET_CODES.includes(list[offset] ?? 0);
  if (isTargetCode(HEADER_BYTES.legato)) {
    return list.readUInt32BE(4) === 0 ? 'legato' : 'spc2-r15';
  }
  return isTargetCode(DRAFT_99_HEADER_BYTES) ? '99-143r1' : 'standard';
}

/**
 * Checks the lengths of a list (conditions 1-5 of the recommended order, and the first half of 6) and
 * says where its parts are. Within the length that a CDB announces, bytes after the last part of a standard list mean nothing.
 */
export function listExtents(list: Buffer): ListExtents {
  const form = listForm(list);
  if (form === '99-143r1') throw targetError(SENSE.invalidField, DRAFT_99_HEADER_BYTES);
  const targetsAt = HEADER_BYTES[form];
  if (list.length < targetsAt) throw lengthError();
  const targetBytes = COMMON.targetBytes.read(list);
  const segmentBytes = LENGTHS[form].segmentBytes.read(list);
  if (targetBytes + segmentBytes > COPY_DESCRIPTOR_BYTES_MAX) throw lengthError();
  const segmentsAt = targetsAt + targetBytes;
  const inlineAt = segmentsAt + segmentBytes;
  const inlineBytes =
    form === 'legato' ? list.length - inlineAt : LENGTHS[form].inlineBytes.read(list);
  if (list.length < inlineAt + Math.max(inlineBytes, 0)) throw lengthError();
  if (inlineBytes > COPY_INLINE_BYTES_MAX) throw new SenseError({ code: SENSE.inlineLength });
  if (targetBytes % TARGET_DESCRIPTOR_BYTES !== 0) {
    throw targetError(SENSE.invalidField, COMMON.targetBytes.offset);
  }
  if (targetBytes / TARGET_DESCRIPTOR_BYTES > COPY_TARGETS_MAX) {
    throw targetError(SENSE.tooManyTargets, COMMON.targetBytes.offset);
  }
  return { form, targetsAt, segmentsAt, inlineAt, inlineBytes };
}

/** Bytes of the whole list, as its header tells; undefined where it does not, or is not there as a whole. */
export function announcedBytes(list: Buffer): number | undefined {
  const form = list.length < HEADER_BYTES.standard ? undefined : listForm(list);
  if (form === undefined || form === 'legato' || form === '99-143r1') return undefined;
  const { segmentBytes, inlineBytes } = LENGTHS[form];
  const parts = [COMMON.targetBytes, segmentBytes, inlineBytes].map((field) => field.read(list));
  return parts.reduce((sum, bytes) => sum + bytes, HEADER_BYTES[form]);
}

export function readOptions(list: Buffer): ListOptions {
  const { listIdentifier, striped, usage, priority } = readFields(COMMON, list);
  const listIdUsage = USAGES[usage];
  if (listIdUsage === undefined) throw targetError(SENSE.invalidField, COMMON.usage.offset);
  if (listIdUsage === 'none' && listIdentifier !== 0) throw targetError(SENSE.invalidField, 0);
  return { listIdentifier, striped, listIdUsage, priority };
}

/** The header of a list whose parts have these sizes. */
export function encodeHeader(
  form: ListForm,
  options: ListOptions,
  targetBytes: number,
  segmentBytes: number,
  inlineBytes: number,
): Uint8Array {
  const header = Buffer.alloc(HEADER_BYTES[form]);
  const usage = USAGES.indexOf(options.listIdUsage);
  writeFields(COMMON, header, { ...options, usage, targetBytes });
  LENGTHS[form].segmentBytes.write(header, segmentBytes);
  if (form !== 'legato') LENGTHS[form].inlineBytes.write(header, inlineBytes);
  return header;
}

function lengthError(): SenseError {
  return new SenseError({ code: SENSE.listLength });
}
