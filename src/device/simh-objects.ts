/**
 * The objects of a SIMH .tap file (simh_magtape), found forward and backward from a position. Words
 * are 32 bits, little-endian:
 *
 *   data record    length n, n bytes, a zero if n is odd, length n again; bit 31: read with an error
 *   tape mark      0
 *   end of medium  FFFFFFFFh, and the end of the file
 *   erase gap      FFFFFFFEh again and again; overwriting can leave the half of one at either end
 *
 * The highest four bits are a class (J. D. Bryan's extension): 0 and 8 are records, 1-6 and 9-D other
 * framed records, which are skipped, F markers; 7 and E are not known. arrayfs writes class 0 alone.
 */
import { DeviceError } from './device-error.js';
import type { PositionedBytes } from './positioned-bytes.js';

export const WORD_BYTES = 4;
const END_OF_MEDIUM = 0xffff_ffff;
const GAP = 0xffff_fffe;
/** What is read at a position that is 2 bytes into a gap. */
const HALF_GAP_FORWARD = 0xfffe_ffff;
/** Before a position 2 bytes into a gap lie 2 bytes of it and the high half of a length or mark. */
const HALF_GAP_BACKWARD = 0xffff_0000;
const HALF_GAP_BACKWARD_MASK = 0xffff_7f00;
const GAP_CHUNK_BYTES = 64 * 1024;
const RECORD_BYTES_MAX = 0xff_ffff;
const FRAMED_BYTES_MAX = 0xfff_ffff;
const DAMAGED_BIT = 0x8000_0000;

/** A record or mark; `start` and `end` are byte positions in the file. */
export type TapeObject =
  | {
      readonly kind: 'record';
      readonly start: number;
      readonly end: number;
      readonly dataBytes: number;
      /** The device that wrote the file could not read it well. */
      readonly damaged: boolean;
    }
  | { readonly kind: 'mark'; readonly start: number; readonly end: number };

export type TapeProblem = 'torn' | 'mismatch' | 'unknown';

/** The file is not a tape from here on. `torn`: it ends inside an object, as after a crash. */
export class TapeFormatError extends DeviceError {
  constructor(
    readonly problem: TapeProblem,
    readonly position: number,
    what: string,
  ) {
    super('damaged', `tape image: ${what} at byte ${position}`);
    this.name = 'TapeFormatError';
  }
}

/** Bytes of a record with its two lengths and the padding. */
export function recordSpan(dataBytes: number): number {
  return WORD_BYTES + dataBytes + (dataBytes % 2) + WORD_BYTES;
}

/** The next record or mark at or after a position; undefined at the end of the medium. */
export function objectAfter(file: PositionedBytes, position: number): TapeObject | undefined {
  let at = position;
  for (;;) {
    const word = wordAt(file, at);
    if (word === undefined || word === END_OF_MEDIUM) return undefined;
    if (word === 0) return { kind: 'mark', start: at, end: at + WORD_BYTES };
    if (word === GAP) at = gapEnd(file, at);
    else if (word === HALF_GAP_FORWARD) at += WORD_BYTES / 2;
    else if (tapeClass(word) === 0xf) at += WORD_BYTES;
    else {
      const dataBytes = framedBytes(word, at);
      const end = at + recordSpan(dataBytes);
      const trailer = end > file.bytes ? undefined : wordAt(file, end - WORD_BYTES);
      if (trailer === undefined) throw new TapeFormatError('torn', at, 'the file ends in a record');
      if (trailer !== word) throw new TapeFormatError('mismatch', at, 'a record has two lengths');
      if (isData(word)) return record(word, at, end);
      at = end;
    }
  }
}

/** The record or mark that ends at or before a position; undefined at the beginning of the tape. */
export function objectBefore(file: PositionedBytes, position: number): TapeObject | undefined {
  let at = position;
  while (at > 0) {
    const word = at < WORD_BYTES ? undefined : wordAt(file, at - WORD_BYTES);
    if (word === undefined) throw new TapeFormatError('torn', at, 'half a word');
    if (word === 0) return { kind: 'mark', start: at - WORD_BYTES, end: at };
    if (word === GAP || word === END_OF_MEDIUM) at -= WORD_BYTES;
    else if ((word & HALF_GAP_BACKWARD_MASK) >>> 0 === HALF_GAP_BACKWARD) at -= WORD_BYTES / 2;
    else if (tapeClass(word) === 0xf) at -= WORD_BYTES;
    else {
      const start = at - recordSpan(framedBytes(word, at - WORD_BYTES));
      if (start < 0 || wordAt(file, start) !== word) {
        throw new TapeFormatError('mismatch', at - WORD_BYTES, 'a record has two lengths');
      }
      if (isData(word)) return record(word, start, at);
      at = start;
    }
  }
  return undefined;
}

function record(word: number, start: number, end: number): TapeObject {
  const damaged = word >= DAMAGED_BIT;
  return { kind: 'record', start, end, dataBytes: word & RECORD_BYTES_MAX, damaged };
}

function tapeClass(word: number): number {
  return word >>> 28;
}

function isData(word: number): boolean {
  return tapeClass(word) === 0 || tapeClass(word) === 8;
}

/** The length in the first or last word of a framed record. */
function framedBytes(word: number, at: number): number {
  if (tapeClass(word) === 7 || tapeClass(word) === 0xe) {
    throw new TapeFormatError('unknown', at, 'an object of an unknown class');
  }
  const dataBytes = word & FRAMED_BYTES_MAX;
  if (dataBytes === 0 || (isData(word) && dataBytes > RECORD_BYTES_MAX)) {
    throw new TapeFormatError('unknown', at, 'a record of a length that cannot be');
  }
  return dataBytes;
}

/** Undefined exactly at the end of the file. */
function wordAt(file: PositionedBytes, at: number): number | undefined {
  if (at >= file.bytes) return undefined;
  const word = file.peek(at, WORD_BYTES);
  if (word.length < WORD_BYTES) throw new TapeFormatError('torn', at, 'the file ends in a word');
  return word.readUInt32LE(0);
}

/** Gaps can be long: they are looked through in large pieces. */
function gapEnd(file: PositionedBytes, start: number): number {
  for (let at = start; ; ) {
    const chunk = file.read(at, GAP_CHUNK_BYTES);
    let offset = 0;
    while (offset + WORD_BYTES <= chunk.length && chunk.readUInt32LE(offset) === GAP) {
      offset += WORD_BYTES;
    }
    at += offset;
    if (offset === 0 || offset + WORD_BYTES <= chunk.length) return at;
  }
}
