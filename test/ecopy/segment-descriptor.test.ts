/** Every segment descriptor 00h-14h: bytes written by hand from the table of the specification. */
import { describe, expect, it } from 'vitest';
import { decodeSegment, encodeSegment } from '../../src/ecopy/segment-descriptor.js';
import { SEGMENT_CODES } from '../../src/ecopy/segment-layouts.js';
import { SenseError } from '../../src/ecopy/sense.js';
import { SENSE } from '../../src/ecopy/sense-codes.js';
import { viewOf } from '../../src/ecopy/wire-field.js';
import { bytesOf, hexOf } from './worked-examples.js';

const ends = { source: 0x0102, destination: 0x0304 };
const toTape = { concatenate: true, ...ends, transferLength: 0x050607 };
const LBA = 0x1112131415161718n;
const FAR = 0x2122232425262728n;

/** Name, bytes, fields. */
const CASES: readonly [string, string, object][] = [
  [
    '00h block to stream',
    '00 01 0014 0102 0304 00 050607 0000 0809 1112131415161718',
    { kind: 'block-to-stream', hold: false, ...toTape, blockCount: 0x0809, lba: LBA },
  ],
  [
    '0Bh the same, held',
    '0b 01 0014 0102 0304 00 050607 0000 0809 1112131415161718',
    { kind: 'block-to-stream', hold: true, ...toTape, blockCount: 0x0809, lba: LBA },
  ],
  [
    '01h stream to block',
    '01 00 0014 0102 0304 00 050607 0000 0809 1112131415161718',
    {
      ...{ kind: 'stream-to-block', hold: false, ...toTape, concatenate: false },
      ...{ blockCount: 0x0809, lba: LBA },
    },
  ],
  [
    '0Ch the same, held',
    '0c 01 0014 0102 0304 00 050607 0000 0809 1112131415161718',
    { kind: 'stream-to-block', hold: true, ...toTape, blockCount: 0x0809, lba: LBA },
  ],
  [
    '02h block to block',
    '02 02 0018 0102 0304 0000 0809 1112131415161718 2122232425262728',
    {
      ...{ kind: 'block-to-block', hold: false, concatenate: false, destinationCount: true },
      ...{ ...ends, blockCount: 0x0809, sourceLba: LBA, destinationLba: FAR },
    },
  ],
  [
    '0Dh the same, held',
    '0d 01 0018 0102 0304 0000 0809 1112131415161718 2122232425262728',
    {
      ...{ kind: 'block-to-block', hold: true, concatenate: true, destinationCount: false },
      ...{ ...ends, blockCount: 0x0809, sourceLba: LBA, destinationLba: FAR },
    },
  ],
  [
    '03h stream to stream',
    '03 01 0010 0102 0304 00 050607 00 0a0b0c 0d0e0f10',
    {
      ...{ kind: 'stream-to-stream', hold: false, concatenate: true, ...ends },
      ...{ sourceTransferLength: 0x050607, transferLength: 0x0a0b0c, byteCount: 0x0d0e0f10 },
    },
  ],
  [
    '0Eh the same, held',
    '0e 00 0010 0102 0304 00 050607 00 0a0b0c 0d0e0f10',
    {
      ...{ kind: 'stream-to-stream', hold: true, concatenate: false, ...ends },
      ...{ sourceTransferLength: 0x050607, transferLength: 0x0a0b0c, byteCount: 0x0d0e0f10 },
    },
  ],
  [
    '04h inline to stream',
    '04 01 0010 0000 0304 00 050607 08090a0b 0c0d0e0f',
    {
      ...{ kind: 'inline-to-stream', hold: false, concatenate: true, destination: 0x0304 },
      ...{ transferLength: 0x050607, inlineOffset: 0x08090a0b, byteCount: 0x0c0d0e0f },
    },
  ],
  [
    '05h embedded to stream',
    '05 01 0014 0000 0304 00 050607 0005 0000 6162636465 000000',
    {
      ...{ kind: 'embedded-to-stream', hold: false, concatenate: true, destination: 0x0304 },
      ...{ transferLength: 0x050607, data: new Uint8Array(Buffer.from('abcde')) },
    },
  ],
  [
    '06h stream to discard',
    '06 01 000c 0102 0000 00 050607 08090a0b',
    {
      ...{ kind: 'stream-to-discard', hold: false, concatenate: true, source: 0x0102 },
      ...{ transferLength: 0x050607, byteCount: 0x08090a0b },
    },
  ],
  [
    '0Fh the same, held',
    '0f 01 000c 0102 0000 00 050607 08090a0b',
    {
      ...{ kind: 'stream-to-discard', hold: true, concatenate: true, source: 0x0102 },
      ...{ transferLength: 0x050607, byteCount: 0x08090a0b },
    },
  ],
  [
    '07h verify',
    '07 00 0008 0102 0000 01 000000',
    { kind: 'verify', hold: false, source: 0x0102, testUnitReady: true },
  ],
  [
    '08h block with offset to stream',
    '08 01 0018 0102 0304 00 050607 08090a0b 1112131415161718 0000 0c0d',
    {
      ...{ kind: 'block-offset-to-stream', hold: false, ...toTape },
      ...{ byteCount: 0x08090a0b, lba: LBA, byteOffset: 0x0c0d },
    },
  ],
  [
    '09h stream to block with offset',
    '09 01 0018 0102 0304 00 050607 08090a0b 1112131415161718 0000 0c0d',
    {
      ...{ kind: 'stream-to-block-offset', hold: false, ...toTape },
      ...{ byteCount: 0x08090a0b, lba: LBA, byteOffset: 0x0c0d },
    },
  ],
  [
    '0Ah block with offset to block with offset',
    '0a 01 001c 0102 0304 08090a0b 1112131415161718 2122232425262728 0c0d 0e0f',
    {
      ...{ kind: 'block-offset-to-block-offset', hold: false, concatenate: true, ...ends },
      ...{ byteCount: 0x08090a0b, sourceLba: LBA, destinationLba: FAR },
      ...{ sourceByteOffset: 0x0c0d, destinationByteOffset: 0x0e0f },
    },
  ],
  [
    '10h write filemarks',
    '10 00 0008 0000 0304 03 000002',
    {
      ...{ kind: 'write-filemarks', hold: false, destination: 0x0304 },
      ...{ setmarks: true, immediate: true, count: 2 },
    },
  ],
  [
    '11h space',
    '11 00 0008 0000 0304 01 fffffe',
    { kind: 'space', hold: false, destination: 0x0304, spaceCode: 1, count: -2 },
  ],
  [
    '12h locate',
    '12 00 0008 0000 0304 08090a0b',
    { kind: 'locate', hold: false, destination: 0x0304, logicalBlock: 0x08090a0b },
  ],
  [
    '13h tape image copy',
    '13 00 0008 0102 0304 08090a0b',
    { kind: 'tape-image', hold: false, ...ends, count: 0x08090a0b },
  ],
  [
    '14h register key',
    '14 00 0018 0000 0304 1112131415161718 2122232425262728 00000000',
    {
      ...{ kind: 'register-key', hold: false, destination: 0x0304 },
      ...{ reservationKey: LBA, serviceActionKey: FAR },
    },
  ],
];

function decode(hex: string, offset = 0) {
  const view = viewOf(bytesOf(hex));
  return decodeSegment(view, offset, view.length);
}

describe('segment descriptor', () => {
  it.each(CASES)('%s is decoded', (_name, hex, fields) => {
    expect(decode(hex)).toEqual(fields);
  });

  it.each(CASES)('%s is encoded', (_name, hex) => {
    expect(hexOf(encodeSegment(decode(hex)))).toBe(hexOf(bytesOf(hex)));
  });

  it('has a case for every type code', () => {
    const codes = CASES.map(([, hex]) => bytesOf(hex)[0]);
    expect(codes.sort((a = 0, b = 0) => a - b)).toEqual(SEGMENT_CODES);
    const all = [...Array(0x15).keys()];
    expect(SEGMENT_CODES).toEqual(all);
  });

  it.each([
    ['a length that is not the listed one', '02 00 0017 0000 0000 00', 2],
    ['a length that is too large', '07 00 0009 0102 0000 01 000000 00', 2],
    ['more embedded data than are there', '05 00 0010 0000 0000 00 000004 0005 0000 61626364', 12],
    [
      'fewer embedded data than are there',
      '05 00 0014 0000 0000 00 000004 0004 0000 6162636400000000',
      12,
    ],
  ])('%s is an invalid field', (_what, hex, byte) => {
    expect(() => decode(`ffffff ${hex}`, 3)).toThrow(
      new SenseError({
        code: SENSE.invalidField,
        pointer: { in: 'parameter-list', byte: 3 + byte },
      }),
    );
  });

  it('one that runs past the end is a wrong length of the list', () => {
    const [, hex] = CASES[0] ?? ['', ''];
    expect(() => decode(hex.slice(0, -2))).toThrow(new SenseError({ code: SENSE.listLength }));
  });

  it('an unknown type code is unsupported', () => {
    expect(() => decode('15 00 0008 0000 0000 00000000')).toThrow(
      new SenseError({
        code: SENSE.unsupportedSegment,
        pointer: { in: 'parameter-list', byte: 0 },
      }),
    );
  });
});
