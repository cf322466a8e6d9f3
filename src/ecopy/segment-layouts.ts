/**
 * The segment descriptors 00h-14h of a parameter list (SPC-2, 7.2.7): for each its type code, the
 * code that does the same and holds the processed data for RECEIVE DATA, its size, and its fields.
 *
 *   0 type code   1 DC (1), CAT (0)   2-3 DESCRIPTOR LENGTH = size - 4   4-5 source   6-7 destination
 *
 * Transfer lengths are bytes, or blocks of a tape with FIXED; offsets of bytes count in a block.
 */
import { bit, bits, i24, u8, u16, u24, u32, u64, type WireLayout } from './wire-field.js';

const SOURCE = { source: u16(4) } as const;
const DESTINATION = { destination: u16(6) } as const;
const BOTH = { ...SOURCE, ...DESTINATION } as const;
const CAT = { concatenate: bit(1, 0) } as const;
const TRANSFER = { transferLength: u24(9) } as const;
const BLOCKS = { blockCount: u16(14), lba: u64(16) } as const;
const BYTES_AT_OFFSET = { byteCount: u32(12), lba: u64(16), byteOffset: u16(26) } as const;

interface SegmentLayout<F extends WireLayout = WireLayout> {
  readonly code: number;
  readonly bytes: number;
  readonly fields: F;
  readonly holdCode: number | undefined;
}

function layout<F extends WireLayout>(
  code: number,
  bytes: number,
  fields: F,
  holdCode?: number,
): SegmentLayout<F> {
  return { code, bytes, fields, holdCode };
}

export const SEGMENT_LAYOUTS = {
  'block-to-stream': layout(0x00, 24, { ...CAT, ...BOTH, ...TRANSFER, ...BLOCKS }, 0x0b),
  'stream-to-block': layout(0x01, 24, { ...CAT, ...BOTH, ...TRANSFER, ...BLOCKS }, 0x0c),
  'block-to-block': layout(
    0x02,
    28,
    {
      ...CAT,
      /** DC: the number of blocks counts those of the destination. */
      destinationCount: bit(1, 1),
      ...BOTH,
      blockCount: u16(10),
      sourceLba: u64(12),
      destinationLba: u64(20),
    },
    0x0d,
  ),
  'stream-to-stream': layout(
    0x03,
    20,
    {
      ...CAT,
      ...BOTH,
      sourceTransferLength: u24(9),
      transferLength: u24(13),
      byteCount: u32(16),
    },
    0x0e,
  ),
  'inline-to-stream': layout(0x04, 20, {
    ...CAT,
    ...DESTINATION,
    ...TRANSFER,
    inlineOffset: u32(12),
    byteCount: u32(16),
  }),
  /** The data follow the fields, padded with zeros to a multiple of 4. */
  'embedded-to-stream': layout(0x05, 16, {
    ...CAT,
    ...DESTINATION,
    ...TRANSFER,
    byteCount: u16(12),
  }),
  'stream-to-discard': layout(
    0x06,
    16,
    { ...CAT, ...SOURCE, ...TRANSFER, byteCount: u32(12) },
    0x0f,
  ),
  verify: layout(0x07, 12, { ...SOURCE, testUnitReady: bit(8, 0) }),
  'block-offset-to-stream': layout(0x08, 28, { ...CAT, ...BOTH, ...TRANSFER, ...BYTES_AT_OFFSET }),
  'stream-to-block-offset': layout(0x09, 28, { ...CAT, ...BOTH, ...TRANSFER, ...BYTES_AT_OFFSET }),
  'block-offset-to-block-offset': layout(0x0a, 32, {
    ...CAT,
    ...BOTH,
    byteCount: u32(8),
    sourceLba: u64(12),
    destinationLba: u64(20),
    sourceByteOffset: u16(28),
    destinationByteOffset: u16(30),
  }),
  'write-filemarks': layout(0x10, 12, {
    ...DESTINATION,
    setmarks: bit(8, 1),
    immediate: bit(8, 0),
    count: u24(9),
  }),
  /** SPACE codes: 0 blocks, 1 filemarks, 3 end of data; a negative count goes back. */
  space: layout(0x11, 12, { ...DESTINATION, spaceCode: bits(8, 0, 3), count: i24(9) }),
  locate: layout(0x12, 12, { ...DESTINATION, logicalBlock: u32(8) }),
  /** `count` filemarks in a row end the copy; 0: the end of the data or of the medium alone. */
  'tape-image': layout(0x13, 12, { ...BOTH, count: u32(8) }),
  'register-key': layout(0x14, 28, {
    ...DESTINATION,
    reservationKey: u64(8),
    serviceActionKey: u64(16),
  }),
} as const satisfies Record<string, SegmentLayout>;

export const SEGMENT_HEADER = { code: u8(0), descriptorLength: u16(2) } as const;
export const SEGMENT_HEADER_BYTES = 4;

export type SegmentKind = keyof typeof SEGMENT_LAYOUTS;

interface CodeMeaning {
  readonly kind: SegmentKind;
  readonly hold: boolean;
}

const MEANINGS = new Map<number, CodeMeaning>(
  (Object.entries(SEGMENT_LAYOUTS) as [SegmentKind, SegmentLayout][]).flatMap(([kind, layout]) => [
    [layout.code, { kind, hold: false }] as const,
    ...(layout.holdCode === undefined ? [] : [[layout.holdCode, { kind, hold: true }] as const]),
  ]),
);

/** Type codes that are understood, ascending, as OPERATING PARAMETERS lists them. */
export const SEGMENT_CODES: readonly number[] = [...MEANINGS.keys()].sort((a, b) => a - b);

/** Undefined for a type code that is not supported. */
export function segmentMeaning(code: number): CodeMeaning | undefined {
  return MEANINGS.get(code);
}

export function segmentCode(kind: SegmentKind, hold: boolean): number {
  const layout: SegmentLayout = SEGMENT_LAYOUTS[kind];
  return hold && layout.holdCode !== undefined ? layout.holdCode : layout.code;
}
