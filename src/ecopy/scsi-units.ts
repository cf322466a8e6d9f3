/**
 * Logical units of a target port, as one host sees them, and how they are addressed (SAM-2, 4.9):
 *
 *    00 nn 00..   peripheral device addressing, LUN 0-255        a volume, or LUN 0
 *    4x xx 00..   flat space addressing, LUN 0-16,383            the same
 *    c1 01 00..   well-known logical unit                        REPORT LUNS
 *
 * LUN 0 is the array itself (a storage array controller) where the host sees no volume under it: it has the copy
 * manager, whatever is mapped. Everything else is not there, and looks alike for whatever reason.
 */
import type { ScsiVolume } from './scsi-target.js';
import { lunDigits, lunNumber } from './target-descriptor.js';
import { hex, u32, viewOf } from './wire-field.js';

const REPORT_LUNS_UNIT = 'c101000000000000';
const LUN_BYTES = 8;
const LUNS_AT = 8;
const LIST_LENGTH = u32(0);

export type LogicalUnit =
  | { readonly kind: 'volume'; readonly volume: ScsiVolume }
  | { readonly kind: 'array' }
  | { readonly kind: 'report-luns' }
  | { readonly kind: 'absent' };

/** `volumes`: those that the host sees. An address of other than 8 bytes names nothing. */
export function addressedUnit(lun: Uint8Array, volumes: readonly ScsiVolume[]): LogicalUnit {
  const digits = viewOf(lun).toString('hex');
  if (digits === REPORT_LUNS_UNIT) return { kind: 'report-luns' };
  const number = digits.length === 2 * LUN_BYTES ? lunNumber(digits) : undefined;
  const volume = volumes.find((candidate) => candidate.lun === number);
  if (volume !== undefined) return { kind: 'volume', volume };
  return number === 0 ? { kind: 'array' } : { kind: 'absent' };
}

/** What REPORT LUNS lists: logical units, well-known ones, or all; undefined for another selection. */
export function reportedLuns(
  select: number,
  volumes: readonly ScsiVolume[],
): readonly string[] | undefined {
  const numbers = new Set([0, ...volumes.map(({ lun }) => lun)]);
  const units = [...numbers].sort((one, other) => one - other).map(lunDigits);
  return [units, [REPORT_LUNS_UNIT], [...units, REPORT_LUNS_UNIT]][select];
}

export function encodeLuns(luns: readonly string[]): Uint8Array {
  const view = Buffer.alloc(LUNS_AT + luns.length * LUN_BYTES);
  LIST_LENGTH.write(view, luns.length * LUN_BYTES);
  for (const [index, digits] of luns.entries()) lunField(index).write(view, digits);
  return view;
}

/** The twin, as far as the bytes reach. */
export function decodeLuns(bytes: Uint8Array): readonly string[] {
  const view = viewOf(bytes);
  const listed = view.length < LUNS_AT ? 0 : LIST_LENGTH.read(view);
  const there = Math.max(0, Math.min(listed, view.length - LUNS_AT));
  const count = Math.floor(there / LUN_BYTES);
  return Array.from({ length: count }, (_, index) => lunField(index).read(view));
}

const lunField = (index: number) => hex(LUNS_AT + index * LUN_BYTES, LUN_BYTES);
